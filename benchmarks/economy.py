"""What the economical mode saves and what it costs in accuracy, on the simulated executor.

Fifty seeds over five toy families, each with problems of its own, searched as published and with
all of the options. Accuracy is taken on problems that no search saw. The two searches take other
ways after their first differing choice, so the differences vary much; `racing` looks at its own
part alone. What is measured is kept (`_kept`): a stopped run goes on.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from functools import partial

import numpy as np

from benchmarks._kept import Kept, Row
from benchmarks._searches import Found, Memory, Setting, mean, searched, task_of
from w4s.environment import Parent
from w4s.racing import Racing
from w4s.reports.stats import crossed

FAMILIES = ("toy_ledger", "toy_counting", "toy_passage", "toy_choice", "toy_dates")
SEEDS = int(os.environ.get("W4S_BENCHMARK_SEEDS", "50"))
PRIVATE, PUBLIC, HELD_OUT = 128, 2, 300
PUBLISHED = Setting(turns=3)
ECONOMY = replace(PUBLISHED, racing=Racing(), parent=Parent.BEST, finalists=3, economical=True)


def main() -> None:
    kept = Kept("economy", (FAMILIES, PRIVATE, PUBLIC, HELD_OUT, PUBLISHED, ECONOMY))
    rows = []
    for seed in range(SEEDS):
        rows.append(kept.row(f"seed {seed}", partial(_measured, seed)))
        print(f"seed {seed} done", file=sys.stderr, flush=True)
    _report([(row["economy"], row["as published"]) for row in rows])


def _measured(seed: int) -> Row:
    """One task, searched both ways."""
    task = task_of(FAMILIES[seed % len(FAMILIES)], seed, PRIVATE, PUBLIC, HELD_OUT)
    memory: Memory = {}
    return {
        name: _row(searched(task, setting, seed, HELD_OUT, memory))
        for name, setting in (("as published", PUBLISHED), ("economy", ECONOMY))
    }


def _row(found: Found) -> Row:
    return {
        "workflow": found.workflow.digest,
        "validations": found.validations,
        "validated": found.validated,
        "held_out": found.held_out,
        "tokens": found.tokens_of_one,
    }


def _report(pairs: list[tuple[Row, Row]]) -> None:
    now, before = (sum(row["validations"] for row in side) for side in zip(*pairs, strict=True))
    spread = crossed(np.array([[100 * (a["held_out"] - b["held_out"])] for a, b in pairs]))
    tokens = mean([a["tokens"] for a, _ in pairs]) / mean([b["tokens"] for _, b in pairs])
    now_too_much, before_too_much = (
        100 * mean([row["validated"] - row["held_out"] for row in side])
        for side in zip(*pairs, strict=True)
    )
    print(
        f"{len(pairs)} seeds over {', '.join(FAMILIES)}; {PUBLISHED.turns} turns of 5 candidates,"
        f" {PRIVATE} private and {HELD_OUT} held-out problems. All is simulated.\n"
        f"The economical mode saves {1 - now / before:.1%} of all validations; held-out"
        f" {spread.value:+.2f} points [{spread.low:+.2f}, {spread.high:+.2f}]; an answer costs"
        f" {tokens:.2f} of the tokens; believed {now_too_much:+.1f} points too much"
        f" (as published {before_too_much:+.1f})"
    )
