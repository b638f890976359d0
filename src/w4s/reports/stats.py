"""How sure an accuracy is, and how sure a difference. Pure functions; nothing is read or written.

In: scores of problems. Out: intervals and p-values. The problems are taken as a sample of all
problems of the task; that the model's own answers vary is part of the same spread. Comparisons
are paired: the same problems on both sides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_BLOCK = 250
"""Resamples drawn at a time: their indices stay in the processor's cache."""
_FEW_VALUES = 16
"""Up to so many distinct scores, counts are drawn instead of indices."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval of a share, both ends within 0 and 1."""

    low: float
    high: float

    @property
    def half_width(self) -> float:
        return (self.high - self.low) / 2


def wilson(successes: float, count: int, confidence: float = 0.95) -> Interval:
    """Wilson's score interval of a share, without continuity correction.

    Keeps its coverage for few problems and for shares near 0 and 1, where the textbook interval
    does not. `successes` may be a sum of partial scores between 0 and 1 (token F1, say): the
    spread of such scores is never above that of right-or-wrong ones with the same mean, so the
    interval is then wider than need be, not too narrow. Without problems: 0 to 1.
    """
    if not 0 <= successes <= count:
        raise ValueError(f"{successes} successes in {count} trials")
    if count == 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = successes / count
    weight = 1 + z * z / count
    centre = (share + z * z / (2 * count)) / weight
    reach = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / weight
    return Interval(max(0.0, centre - reach), min(1.0, centre + reach))


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference of two accuracies, the first minus the second."""

    value: float
    low: float
    high: float
    p: float
    """Two-sided: how often a difference at least as large comes up when there is none."""


# --- One workflow --------------------------------------------------------------------------


def bootstrap(
    scores: Sequence[float] | Floats,
    *,
    resamples: int = 100_000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Percentile bootstrap interval of the mean score. Without scores: 0 to 1.

    All scores alike give an interval without width: prefer `wilson` for a few right-or-wrong
    problems."""
    if len(scores) == 0:
        return Interval(0.0, 1.0)
    low, high = _percentiles(resampled_means(scores, resamples, seed), confidence)
    return Interval(low, high)


def clustered(
    scores: Sequence[float] | Floats,
    clusters: Sequence[object] | NDArray[Any],
    confidence: float = 0.95,
) -> Difference:
    """A mean whose scores come in clusters (repeated trials of one problem, say).

    Scores of one cluster may hang together in any way; clusters must not. `p` is for a mean of
    zero. Student's t with one degree of freedom less than there are clusters."""
    values = np.asarray(scores, dtype=np.float64)
    _, members = np.unique(np.asarray(clusters), return_inverse=True)
    count = int(members.max()) + 1
    if count < 2:
        raise ValueError("an error needs two clusters at least")
    totals = np.bincount(members, values - values.mean(), count)
    error = math.sqrt(count / (count - 1) * float(totals @ totals)) / len(values)
    return _student(float(values.mean()), error, count - 1, confidence)


# --- Two workflows on the same problems ----------------------------------------------------


def mcnemar(only_first: int, only_second: int) -> float:
    """Exact two-sided p-value of McNemar's test.

    `only_first` problems were solved by the first workflow alone, `only_second` by the second
    alone; those that both or neither solved say nothing."""
    count, fewer = only_first + only_second, min(only_first, only_second)
    tail = sum(math.comb(count, k) for k in range(fewer + 1))
    return float(min(1.0, 2 * tail / (1 << count)))


def paired_bootstrap(
    first: Sequence[float] | Floats,
    second: Sequence[float] | Floats,
    *,
    resamples: int = 100_000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Difference:
    """Difference of two mean scores on the same problems, with a percentile interval.

    The p-value is that of the interval which just touches zero."""
    differences = _paired(first, second)
    means = resampled_means(differences, resamples, seed)
    low, high = _percentiles(means, confidence)
    above, below = np.count_nonzero(means >= 0), np.count_nonzero(means <= 0)
    p = min(1.0, 2 * (min(above, below) + 1) / (resamples + 1))
    return Difference(float(differences.mean()), low, high, p)


def crossed(differences: Floats, confidence: float = 0.95) -> Difference:
    """The mean of a table of differences, seeds down and problems across, NaN where unscored.

    Both seeds (independent searches) and problems are samples: the error is the sum of what
    either does alone, so it is rather too wide than too narrow, and the degrees of freedom are
    Satterthwaite's, rounded down. With one seed the statement is about two workflows; with
    several it is about the methods that found them."""
    table = np.asarray(differences, dtype=np.float64)
    known = ~np.isnan(table)
    table = table[known.any(axis=1)][:, known.any(axis=0)]
    if table.size == 0:
        raise ValueError("no differences")
    mean = float(np.nanmean(table))
    parts = [
        (variance, size - 1)
        for axis, size in ((1, table.shape[0]), (0, table.shape[1]))
        if size > 1 and (variance := _variance_of_means(table, axis)) > 0
    ]
    error = sum(variance for variance, _ in parts)
    if error == 0:
        return Difference(mean, mean, mean, 1.0 if mean == 0 else 0.0)
    freedom = error**2 / sum(variance**2 / size for variance, size in parts)
    return _student(mean, math.sqrt(error), int(freedom + 1e-9), confidence)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values: comparing each with a level holds it for the whole family."""
    count = len(p_values)
    adjusted, largest = [0.0] * count, 0.0
    for rank, index in enumerate(sorted(range(count), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (count - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def minimum_detectable_difference(
    count: int, spread: float, *, power: float = 0.8, confidence: float = 0.95
) -> float:
    """The smallest true difference that a paired comparison on `count` problems finds with
    probability `power`.

    `spread` is the standard deviation of the differences per problem: for right-or-wrong scores
    about the root of the share of problems on which the two disagree."""
    normal = NormalDist()
    reach = normal.inv_cdf((1 + confidence) / 2) + normal.inv_cdf(power)
    return reach * spread / math.sqrt(count)


# --- Machinery -----------------------------------------------------------------------------


def resampled_means(
    scores: Sequence[float] | Floats, resamples: int = 100_000, seed: int = 0
) -> Floats:
    """Means of `resamples` draws with replacement, each as long as `scores`."""
    random = np.random.Generator(np.random.SFC64(seed))
    values, counts = np.unique(np.asarray(scores, dtype=np.float64), return_counts=True)
    size = int(counts.sum())
    if len(values) <= _FEW_VALUES:
        few: Floats = random.multinomial(size, counts / size, resamples) @ values / size
        return few
    single = np.asarray(scores, dtype=np.float32)
    index = np.uint16 if size < 2**16 else np.int64
    means = np.empty(resamples)
    for start in range(0, resamples, _BLOCK):
        block = means[start : start + _BLOCK]
        drawn = random.integers(0, size, (len(block), size), dtype=index)
        block[:] = single.take(drawn, mode="clip").mean(axis=1)
    return means


def t_tail(t: float, freedom: int) -> float:
    """Two-sided tail of Student's t: the finite sums for whole degrees of freedom."""
    angle = math.atan2(abs(t), math.sqrt(freedom))
    cosine = math.cos(angle)
    term = 1.0 if freedom % 2 == 0 else cosine
    total = term if freedom > 1 else 0.0
    for k in range(2 if freedom % 2 == 0 else 3, freedom - 1, 2):
        term *= cosine * cosine * (k - 1) / k
        total += term
    inside = total * math.sin(angle)
    if freedom % 2 == 1:
        inside = 2 / math.pi * (angle + inside)
    return max(0.0, 1 - inside)


def _student(mean: float, error: float, freedom: int, confidence: float) -> Difference:
    freedom = max(1, min(freedom, 1000))
    reach = _t_quantile(1 - confidence, freedom) * error
    if error == 0:
        return Difference(mean, mean, mean, 1.0 if mean == 0 else 0.0)
    return Difference(mean, mean - reach, mean + reach, t_tail(mean / error, freedom))


def _t_quantile(tail: float, freedom: int) -> float:
    """The t whose two-sided tail is `tail`, by bisection."""
    low, high = 0.0, 1.0
    while t_tail(high, freedom) > tail:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if t_tail(middle, freedom) > tail else (low, middle)
    return high


def _variance_of_means(table: Floats, axis: int) -> float:
    """Variance of the grand mean when the lines across `axis` are a sample.

    Each line is taken relative to what the others have in the same places, so that a seed which
    lacks some problems is not thought different for that."""
    lines = table if axis == 1 else table.T
    shared = lines[:, np.count_nonzero(~np.isnan(lines), axis=0) > 1]
    shared = shared[~np.isnan(shared).all(axis=1)]
    if len(shared) < 2:
        return 0.0
    means = np.nanmean(shared - np.nanmean(shared, axis=0), axis=1)
    return float(np.var(means, ddof=1)) / len(means)


def _paired(first: Sequence[float] | Floats, second: Sequence[float] | Floats) -> Floats:
    if len(first) != len(second) or len(first) == 0:
        raise ValueError(f"{len(first)} and {len(second)} scores are no pairs")
    differences: Floats = np.asarray(first, dtype=np.float64) - np.asarray(second, np.float64)
    return differences


def _percentiles(means: Floats, confidence: float) -> tuple[float, float]:
    outside = (1 - confidence) / 2
    low, high = np.quantile(means, [outside, 1 - outside])
    return float(low), float(high)
