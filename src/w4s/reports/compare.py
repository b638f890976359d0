"""Is one way of getting answers better than another? Results in, paired statistics out.

In: Results, one per contestant, task and seed: scores on the sealed problems and what search and
use cost. Out: a Comparison: accuracies with intervals, paired differences to a reference,
corrected for their number, and costs, amortised over use. Nothing is run or written.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist, fmean

import numpy as np

from w4s.methods.choosing import pareto_front
from w4s.reports.stats import (
    Difference,
    Floats,
    Interval,
    crossed,
    holm,
    mcnemar,
    minimum_detectable_difference,
    wilson,
)

LEVEL = 0.05
"""A difference counts when its corrected p-value is below this."""


@dataclass(frozen=True, slots=True)
class Effort:
    """What something took."""

    usd: float = 0.0
    calls: float = 0.0
    tokens: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Result:
    """One contestant on one task with one seed, tested once on the sealed problems."""

    contestant: str
    task: str
    seed: int
    workflow: str
    """Name of the tested workflow."""
    digest: str
    problems: tuple[str, ...]
    scores: tuple[float | None, ...]
    """One per problem; None where a fault of ours or the provider's left it unscored."""
    validated: float | None
    """Accuracy that the search believed in; None where there was no search."""
    curve: tuple[float, ...]
    """Best accuracy on validation before the first turn and after each one."""
    search: Effort
    use: Effort
    """Of one answer."""
    tested_at: str = ""
    """When the sealed set was read."""


@dataclass(frozen=True, slots=True)
class Row:
    """One contestant on one task, over all seeds."""

    contestant: str
    task: str
    seeds: int
    problems: int
    accuracy: float
    interval: Interval
    """Over problems, and over seeds where there are several."""
    optimism: float | None
    """Accuracy that the search believed in, minus the sealed one."""


@dataclass(frozen=True, slots=True)
class Paired:
    """A contestant against the reference, on the same problems."""

    contestant: str
    task: str
    """Empty: over all tasks."""
    difference: Difference
    """Contestant minus reference."""
    corrected_p: float
    """Holm's, over all differences of this kind."""
    detectable: float
    """The smallest true difference that this comparison would find four times out of five."""

    @property
    def verdict(self) -> str:
        """`better`, `worse`, or empty when the difference may be chance."""
        if self.corrected_p >= LEVEL or self.difference.value == 0:
            return ""
        return "better" if self.difference.value > 0 else "worse"


@dataclass(frozen=True, slots=True)
class Costs:
    """What a contestant costs, on average over tasks and seeds."""

    contestant: str
    search: Effort
    use: Effort
    """Of one answer."""
    amortised: tuple[tuple[int, float], ...]
    """Answers, and dollars per answer when the search is spread over so many; tokens where no
    contestant has a price."""
    on_front: bool = False
    """Nothing else is at once as accurate, over all tasks, and cheaper an answer."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that a comparison says."""

    reference: str
    contestants: tuple[str, ...]
    tasks: tuple[str, ...]
    rows: tuple[Row, ...]
    by_task: tuple[Paired, ...]
    overall: tuple[Paired, ...]
    costs: tuple[Costs, ...]
    curves: tuple[tuple[str, tuple[float, ...]], ...]
    """Contestant, and its mean best validation accuracy after each turn."""
    sealed_reads: tuple[tuple[str, str, int, str, str], ...]
    """Contestant, task, seed, workflow and time of every reading of a sealed set."""


def compare(
    results: Sequence[Result], reference: str, *, volumes: Sequence[int] = (1_000, 100_000)
) -> Comparison:
    """The statistics of all results. Contestants and tasks stand in the order of first mention."""
    contestants = tuple(dict.fromkeys(r.contestant for r in results))
    tasks = tuple(dict.fromkeys(r.task for r in results))
    if reference not in contestants:
        raise ValueError(f"no results of {reference!r}")
    others = [c for c in contestants if c != reference]
    by_task = [_pair(results, reference, other, (task,)) for task in tasks for other in others]
    overall = [_pair(results, reference, other, tasks) for other in others]
    found = [_of(results, contestant, (task,)) for task in tasks for contestant in contestants]
    rows = tuple(_row(of_one) for of_one in found if of_one)
    priced = any(r.search.usd + r.use.usd > 0 for r in results)
    costs = [_costs(_of(results, c, tasks), volumes, priced=priced) for c in contestants]
    return Comparison(
        reference,
        contestants,
        tasks,
        rows,
        _corrected(by_task),
        _corrected(overall),
        _with_front(costs, rows),
        tuple((c, curve) for c in contestants if (curve := _curve(_of(results, c, tasks)))),
        tuple((r.contestant, r.task, r.seed, r.digest, r.tested_at) for r in results),
    )


def _of(results: Iterable[Result], contestant: str, tasks: Sequence[str]) -> list[Result]:
    return [r for r in results if r.contestant == contestant and r.task in tasks]


def _table(results: Sequence[Result]) -> tuple[Floats, list[int], list[tuple[str, str]]]:
    """Scores with seeds down and problems across; NaN where there is none."""
    seeds = sorted({r.seed for r in results})
    problems = sorted({(r.task, p) for r in results for p in r.problems})
    columns = {problem: i for i, problem in enumerate(problems)}
    table = np.full((len(seeds), len(problems)), math.nan)
    for result in results:
        row = table[seeds.index(result.seed)]
        for problem, score in zip(result.problems, result.scores, strict=True):
            row[columns[result.task, problem]] = math.nan if score is None else score
    return table, seeds, problems


def _row(results: Sequence[Result]) -> Row:
    table, seeds, problems = _table(results)
    accuracy = float(np.nanmean(table))
    if len(seeds) == 1 or np.ptp(table[~np.isnan(table)]) == 0:
        scored = int(np.count_nonzero(~np.isnan(table))) // len(seeds)
        interval = wilson(accuracy * scored, scored)
    else:
        spread = crossed(table)
        interval = Interval(max(0.0, spread.low), min(1.0, spread.high))
    believed = [r.validated for r in results if r.validated is not None]
    return Row(
        results[0].contestant,
        results[0].task,
        len(seeds),
        len(problems),
        accuracy,
        interval,
        fmean(believed) - accuracy if believed else None,
    )


def _pair(
    results: Sequence[Result], reference: str, other: str, tasks: Sequence[str]
) -> Paired | None:
    """The paired difference over the seeds and problems that both have; None without any."""
    theirs, ours = _of(results, reference, tasks), _of(results, other, tasks)
    shared = {(r.task, r.seed) for r in theirs} & {(r.task, r.seed) for r in ours}
    if not shared:
        return None
    first, seeds, problems = _table([r for r in ours if (r.task, r.seed) in shared])
    second, _, others = _table([r for r in theirs if (r.task, r.seed) in shared])
    if problems != others:
        raise ValueError(f"{reference!r} and {other!r} were tested on different problems")
    difference = crossed(first - second)
    if len(seeds) == 1 and _right_or_wrong(first) and _right_or_wrong(second):
        exact = mcnemar(int(np.sum(first > second)), int(np.sum(first < second)))
        difference = replace(difference, p=exact)
    return Paired(
        other, tasks[0] if len(tasks) == 1 else "", difference, 1.0, _detectable(difference)
    )


def _right_or_wrong(table: Floats) -> bool:
    return bool(np.isin(table[~np.isnan(table)], (0.0, 1.0)).all())


def _detectable(difference: Difference) -> float:
    error = (difference.high - difference.low) / 2 / NormalDist().inv_cdf(0.975)
    return minimum_detectable_difference(1, error)


def _corrected(pairs: Sequence[Paired | None]) -> tuple[Paired, ...]:
    known = [pair for pair in pairs if pair is not None]
    corrected = holm([pair.difference.p for pair in known])
    return tuple(replace(pair, corrected_p=p) for pair, p in zip(known, corrected, strict=True))


def _costs(results: Sequence[Result], volumes: Sequence[int], *, priced: bool) -> Costs:
    search = _mean([r.search for r in results])
    use = _mean([r.use for r in results])
    once, each = (search.usd, use.usd) if priced else (search.tokens, use.tokens)
    amortised = tuple((volume, once / volume + each) for volume in volumes)
    return Costs(results[0].contestant, search, use, amortised)


def _with_front(costs: Sequence[Costs], rows: Sequence[Row]) -> tuple[Costs, ...]:
    """Mark those that no other beats in both accuracy and cost."""
    accuracy = {
        c.contestant: fmean(row.accuracy for row in rows if row.contestant == c.contestant)
        for c in costs
    }
    priced = any(c.use.usd for c in costs)
    front = pareto_front(
        costs,
        accuracy=lambda c: accuracy[c.contestant],
        cost=lambda c: c.use.usd if priced else c.use.tokens,
    )
    return tuple(replace(c, on_front=c in front) for c in costs)


def _mean(efforts: Sequence[Effort]) -> Effort:
    return Effort(
        fmean(e.usd for e in efforts),
        fmean(e.calls for e in efforts),
        fmean(e.tokens for e in efforts),
        fmean(e.seconds for e in efforts),
    )


def _curve(results: Sequence[Result]) -> tuple[float, ...]:
    """Mean over tasks and seeds; a search that ended early stays where it was."""
    curves = [r.curve for r in results if len(r.curve) > 1]
    if not curves:
        return ()
    longest = max(map(len, curves))
    return tuple(fmean(c[min(turn, len(c) - 1)] for c in curves) for turn in range(longest))
