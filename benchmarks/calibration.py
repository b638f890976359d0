"""How often a method comes out as different from itself (A/A), on the simulated executor.

Each comparison sets three searches against three others that differ in their seeds alone, on one
task, and asks `reports.compare` for a verdict at the level of 5 %. No more than the upper limit of
a binomial with that rate may come out as different.
"""

from __future__ import annotations

import os
import sys
from collections import Counter

from benchmarks._searches import Found, Setting, searched, task_named
from w4s.reports.compare import Effort, Result, compare

FAMILIES = ("toy_ledger", "toy_counting", "toy_passage", "toy_choice", "toy_dates")
COMPARISONS = int(os.environ.get("W4S_BENCHMARK_COMPARISONS", "200"))
SEEDS, PRIVATE, PUBLIC, HELD_OUT, LEVEL = 3, 12, 1, 40, 0.05
SETTING = Setting(turns=1, samples=2)


def main() -> None:
    tasks = [task_named(name, PRIVATE, PUBLIC) for name in FAMILIES]
    verdicts: Counter[str] = Counter()
    for number in range(COMPARISONS):
        task = tasks[number % len(tasks)]
        results = []
        for side in range(2):
            for k in range(SEEDS):
                seed = (number * 2 + side) * SEEDS + k
                found = searched(task, SETTING, seed, HELD_OUT)
                results.append(_result(f"side {side}", k, found))
        [paired] = compare(results, "side 0").overall
        verdicts[paired.verdict or "no difference"] += 1
        if (number + 1) % 20 == 0:
            print(f"{number + 1} comparisons: {dict(verdicts)}", file=sys.stderr, flush=True)
    different = COMPARISONS - verdicts["no difference"]
    print(
        f"{different} of {COMPARISONS} comparisons of a method with itself came out as different"
        f" ({different / COMPARISONS:.1%}); at a level of {LEVEL:.0%} up to"
        f" {_upper_limit(COMPARISONS, LEVEL)} may (binomial, 95 %)."
    )


def _result(side: str, k: int, found: Found) -> Result:
    names = tuple(f"p{i}" for i in range(len(found.scores)))
    return Result(
        side,
        "task",
        k,
        found.workflow.name,
        found.workflow.digest,
        names,
        found.scores,
        found.validated,
        (),
        Effort(),
        Effort(tokens=found.tokens_of_one),
    )


def _upper_limit(count: int, rate: float) -> int:
    """The largest number that a binomial exceeds in at most 5 % of all cases."""
    chance, total, k = (1 - rate) ** count, 0.0, 0
    while total + chance < 0.95:
        total += chance
        chance *= (count - k) / (k + 1) * rate / (1 - rate)
        k += 1
    return k
