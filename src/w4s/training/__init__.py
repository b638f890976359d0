"""RLAO: from trajectories to a better meta-agent. The only package that imports torch.

collect      episodes side by side, on training problems (no torch)
dataset      trajectories to weighted examples, with filters and statistics (no torch)
card         statistics of a data set, a picture, a data card (no torch)
export       a data set as a folder
settings     the settings of data sets and runs (no torch)
tokens       an example to token ids and the mask of what is trained
trie         the examples of an episode as one tree of tokens, shared prefixes stored once
attention    lets a transformers model attend along the paths of such a tree
loss         reward-weighted regression over it
weights      loading and saving models: precision schemes, LoRA
optimiser    AdamW in the forms that really move the weights, and the learning rate
ranks        one process or several
batches      which trees go into which step, onto which rank, into which pass
selfcheck    the tree against the plain computation, before anything is trained
checkpoints  the state of a run, written as a whole
logs         a record per step: JSON lines, trackers
trainer      the loop
tokeniser    a tokeniser for small models
corpus       made-up tasks and the grammar's actions in them, for the small meta-agent
pretrain     imitation of that corpus
"""
