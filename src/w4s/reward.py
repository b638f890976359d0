"""What an action earns: accuracy against the running best and the last turn.

In: accuracies. Out: the reward. `discrete` is the rule of the W4S paper, with a true running
best (docs/fidelity.md); the others are variants that a data set may be built with.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def discrete(accuracy: float, best: float, last: float) -> float:
    """1 if the accuracy beats the best so far, 0.5 if it beats only the previous turn's, else 0."""
    if accuracy > best:
        return 1.0
    return 0.5 if accuracy > last else 0.0


def margin(accuracy: float, best: float, last: float, *, noise: float) -> float:
    """As `discrete`, but a gain of at most `noise` earns nothing."""
    return discrete(accuracy, best + noise, last + noise)


def continuous(accuracy: float, best: float) -> float:
    """The gain over the best so far, relative to it, between -1 and 1.

    Clipped because exp(reward / τ) would give all weight to one action after a start near 0."""
    if best <= 0.0:
        return 1.0 if accuracy > 0.0 else 0.0
    return max(-1.0, min(1.0, (accuracy - best) / best))


def advantage(
    accuracy: float, peers: Sequence[float], *, floor: float = 0.05, most: float = 2.0
) -> float:
    """How many standard deviations the action lies above the mean of its peers, between -2 and 2.

    `peers` holds the accuracies of all of them, this one included: of the actions of its turn, say.
    A spread below `floor` counts as `floor`: where all actions are alike, their order is mostly
    noise. Among five none can lie further out than `most`; among many it keeps exp(reward / τ) from
    giving all weight to a few."""
    away = (accuracy - statistics.fmean(peers)) / max(statistics.pstdev(peers), floor)
    return max(-most, min(most, away))
