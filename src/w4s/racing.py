"""Which candidates of a turn can no longer win: a sequential test on the same problems.

In: the scores of the candidates, problem by problem, in the same order. Out: who goes on. The
question is not which candidate is truly better but which one the whole validation set would
choose: a candidate is stopped when the problems seen so far speak against its ending ahead of
another one by a margin that matters. The chance that this is wrong is at most `error` for each
pair, whatever the scores and however often one looks, when the problems come in random order;
that of losing a whole turn's winner is measured in docs/methods.md.

The test bets on each pair, without replacement (Waudby-Smith and Ramdas, "Confidence sequences
for sampling without replacement", NeurIPS 2020): a fortune starts at 1 and cannot grow in
expectation while the candidate would still end ahead. By Ville's inequality it exceeds 1/error
with probability `error` at most.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_STAKES = np.array([0.1, 0.2, 0.3, 0.45, 0.6, 0.8])
"""Shares of the highest safe stake; the fortune is divided among them, so that small and large
differences are both found."""


@dataclass(frozen=True, slots=True)
class Racing:
    """How candidates race."""

    error: float = 0.2
    """Largest chance, per pair, that a candidate is stopped which would have ended ahead of the
    other by `margin` or more. Lower it to be surer, at the price of fewer calls saved."""
    margin: float = 0.02
    """The lead that matters, as a share of the whole score. At 0 candidates that are as good as
    equal are both measured to the end; a stopped one may have been better by less than this."""
    looks: int = 16
    """How often the standing is looked at. More save more, and each one waits for the slowest
    problem of its block."""

    def blocks(self, count: int) -> list[range]:
        """The problems between one look and the next."""
        edges = [round(count * k / self.looks) for k in range(self.looks + 1)]
        return [range(a, b) for a, b in pairwise(edges) if b > a]


class Race:
    """The standing of one race."""

    def __init__(self, racing: Racing, candidates: int, problems: int) -> None:
        self._racing = racing
        lead = racing.margin * problems
        self._fortunes = [
            [_Fortune(problems, lead) for _ in range(candidates)] for _ in range(candidates)
        ]
        self.running = list(range(candidates))
        """Numbers of the candidates that go on."""

    def retire(self, candidates: Collection[int]) -> None:
        """Take candidates out that cannot be judged."""
        self.running = [c for c in self.running if c not in candidates]

    def block(self, scores: Sequence[Sequence[float]]) -> None:
        """Take the scores of the next problems, one row per running candidate, NaN where one is
        unscored, and stop those that can no longer win. The one in the lead always goes on."""
        rows = dict(zip(self.running, scores, strict=True))
        for behind in self.running:
            for ahead in self.running:
                if ahead != behind:
                    self._fortunes[behind][ahead].bet(
                        np.asarray(rows[ahead], dtype=np.float64) - np.asarray(rows[behind])
                    )
        leader = max(self.running, key=self._lead, default=None)
        self.running = [c for c in self.running if c == leader or not self._hopeless(c)]

    def _lead(self, candidate: int) -> float:
        """By how much a candidate is ahead of the running ones, summed."""
        return -sum(self._fortunes[candidate][other].total for other in self.running)

    def _hopeless(self, candidate: int) -> bool:
        others = (f.value for c, f in enumerate(self._fortunes[candidate]) if c != candidate)
        return max(others, default=0.0) >= 1 / self._racing.error


class _Fortune:
    """A bet against one candidate ending ahead of another by `lead` over all problems."""

    def __init__(self, problems: int, lead: float) -> None:
        self._left = problems
        self._lead = lead
        self._logs = np.zeros(len(_STAKES))
        self.total = 0.0
        """Sum of the differences so far: how far the candidate is behind."""

    @property
    def value(self) -> float:
        if self.total + self._lead > self._left:
            return math.inf  # not even winning all the rest would do
        return float(np.exp(self._logs).mean())

    def bet(self, differences: Floats) -> None:
        for difference in differences:
            if math.isnan(difference):  # one of the two is unscored: it says nothing
                self._left -= 1
                continue
            # What the rest would have to average, were the candidate to end just so far ahead.
            needed = -(self.total + self._lead) / self._left
            if needed > -1:
                stakes = _STAKES / (1 + needed)
                self._logs += np.log1p(stakes * (difference - needed))
            self.total += float(difference)
            self._left -= 1
