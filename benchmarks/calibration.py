"""How often a method comes out as different from itself (A/A), on the simulated executor.

Each comparison sets three searches against three others that differ in their seeds alone, on one
task with problems of its own, and asks `reports.compare` for a verdict at the level of 5 %. No more
than the upper limit of a binomial with that rate may come out as different. What is measured is
kept (`_kept`), so a stopped run goes on where it was.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from functools import partial

from benchmarks._kept import Kept, Row
from benchmarks._searches import Setting, searched, task_of
from w4s.reports.compare import Effort, Result, compare
from w4s.tasks.base import Task

FAMILIES = ("toy_ledger", "toy_counting", "toy_passage", "toy_choice", "toy_dates")
COMPARISONS = int(os.environ.get("W4S_BENCHMARK_COMPARISONS", "200"))
SEEDS, PRIVATE, PUBLIC, HELD_OUT, LEVEL = 3, 12, 1, 40, 0.05
SETTING = Setting(turns=1, samples=2)


def main() -> None:
    kept = Kept("calibration", (FAMILIES, SEEDS, PRIVATE, PUBLIC, HELD_OUT, SETTING))
    verdicts: Counter[str] = Counter()
    for number in range(COMPARISONS):
        row = kept.row(str(number), partial(_measured, number))
        verdicts[_verdict(row)] += 1
        if (number + 1) % 20 == 0:
            print(f"{number + 1} comparisons: {dict(verdicts)}", file=sys.stderr, flush=True)
    different = COMPARISONS - verdicts["no difference"]
    print(
        f"{different} of {COMPARISONS} comparisons of a method with itself came out as different"
        f" ({different / COMPARISONS:.1%}); at a level of {LEVEL:.0%} up to"
        f" {_upper_limit(COMPARISONS, LEVEL)} may (binomial, 95 %)."
    )


def _measured(number: int) -> Row:
    """Held-out scores of both sides, one list per seed."""
    task = task_of(FAMILIES[number % len(FAMILIES)], number, PRIVATE, PUBLIC, HELD_OUT)
    return {"sides": [[_scores(task, number, side, k) for k in range(SEEDS)] for side in range(2)]}


def _scores(task: Task, number: int, side: int, k: int) -> tuple[float, ...]:
    return searched(task, SETTING, (number * 2 + side) * SEEDS + k, HELD_OUT).scores


def _verdict(row: Row) -> str:
    results = [
        _result(f"side {side}", k, scores)
        for side, seeds in enumerate(row["sides"])
        for k, scores in enumerate(seeds)
    ]
    [paired] = compare(results, "side 0").overall
    return paired.verdict or "no difference"


def _result(side: str, k: int, scores: list[float]) -> Result:
    names = tuple(f"p{i}" for i in range(len(scores)))
    return Result(side, "task", k, "", "", names, tuple(scores), None, (), Effort(), Effort())


def _upper_limit(count: int, rate: float) -> int:
    """The largest number that a binomial exceeds in at most 5 % of all cases."""
    chance, total, k = (1 - rate) ** count, 0.0, 0
    while total + chance < 0.95:
        total += chance
        chance *= (count - k) / (k + 1) * rate / (1 - rate)
        k += 1
    return k
