"""What an action earns: accuracy against the running best and the last turn.

In: three accuracies. Out: the reward. The rule is the one of the W4S paper, with a true running
best (docs/fidelity.md).
"""

from __future__ import annotations


def discrete(accuracy: float, best: float, last: float) -> float:
    """1 if the accuracy beats the best so far, 0.5 if it beats only the previous turn's, else 0."""
    if accuracy > best:
        return 1.0
    return 0.5 if accuracy > last else 0.0
