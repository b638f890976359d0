"""What a run records, passed on to where people watch their experiments.

The run's own JSON lines come first and are whole without any of this. A Feed reads the same
records as points, leaves out what a tracker has had already, and goes on when one fails.

points    what is passed on: streams of numbers by step
trackers  TensorBoard, trackio, Weights & Biases, MLflow, behind one protocol
feed      from points to the trackers of a run, each point once
"""
