"""RLAO: from trajectories to a better meta-agent. The only package that imports torch.

dataset      trajectories to weighted examples, with filters and statistics (no torch)
tokens       an example to token ids and the mask of what is trained
trie         the examples of an episode as one tree of tokens, shared prefixes stored once
attention    lets a transformers model attend along the paths of such a tree
loss         reward-weighted regression over it
weights      loading and saving models: precision schemes, LoRA
optimiser    AdamW in the forms that really move the weights, and the learning rate
batches      which trees go into which step, onto which rank, into which pass
selfcheck    the tree against the plain computation, before anything is trained
checkpoints  the state of a run, written as a whole
trainer      the loop
pretrain     imitation of the grammar's programs, for the small meta-agent
"""
