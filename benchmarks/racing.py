"""What racing saves and what it costs in accuracy, on the simulated executor.

Fifty searches with a seed and problems of their own, on five toy families in turn, without racing.
Then the candidates of every turn race on the same problems, and what the race would have handed
over is read on the sealed problems, beside what the full validation did. Both sides have the same
candidates, so the differences are racing's alone; the searches are the sample. What is measured is
kept (`_kept`): a stopped run goes on.
"""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from itertools import cycle

import numpy as np
from numpy.typing import NDArray

from benchmarks._kept import Kept, Row
from benchmarks._searches import (
    Found,
    Setting,
    mean,
    sealed_scores,
    search,
    searched,
    task_of,
)
from w4s.racing import Race, Racing
from w4s.reports.stats import clustered
from w4s.sandbox import open_sandbox
from w4s.sandbox.host import PythonSandbox
from w4s.types import Attempt

FAMILIES = ("toy_ledger", "toy_counting", "toy_passage", "toy_choice", "toy_dates")
SEEDS = range(2000, 2050)
PRIVATE, PUBLIC, SEALED = 128, 2, 256
SETTING = Setting(turns=3)
RULES = (Racing(), Racing(margin=0.04), Racing(error=0.1))
EXAMPLES = 3
"""Workflows of the first state: measured in full in any case."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The candidates of one turn."""

    scores: NDArray[np.float64]
    """On the private problems: candidates down, problems across."""
    sealed: tuple[float, ...]
    """Their accuracy where no search looks."""


def main() -> None:
    _check_against_the_real_sandbox()
    kept = Kept("racing", (PRIVATE, PUBLIC, SEALED, SETTING))
    searches: list[list[Turn]] = []
    for seed, family in zip(SEEDS, cycle(FAMILIES), strict=False):
        row = kept.row(f"{family}, seed {seed}", partial(_searched, family, seed))
        turns = [Turn(np.array(turn["scores"]), tuple(turn["sealed"])) for turn in row["turns"]]
        searches.append([turn for turn in turns if len(turn.sealed) > 1])
        print(f"seed {seed} done", file=sys.stderr, flush=True)
    turns_of_all = sum(map(len, searches))
    print(f"{len(searches)} searches over {', '.join(FAMILIES)}, {turns_of_all} turns of up to 5")
    print(f"candidates, races over {PRIVATE} problems, judged on {SEALED} sealed ones. Simulated.")
    for rule in RULES:
        _report(rule, searches)


def _searched(family: str, seed: int) -> Row:
    task = task_of(family, seed, PRIVATE, PUBLIC, sealed=SEALED)
    turns = searched(task, SETTING, seed, 1).turns
    sealed = [sealed_scores(task, [a.workflow for a in turn.attempts], seed) for turn in turns]
    return {
        "turns": [
            {"scores": [_values(attempt) for attempt in turn.attempts], "sealed": accuracies}
            for turn, accuracies in zip(turns, sealed, strict=True)
        ]
    }


def _values(attempt: Attempt) -> list[float]:
    return [outcome.value for outcome in attempt.evaluation.outcomes]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which candidate was taken: its score where it was chosen, and on the sealed problems."""

    seen: float
    sealed: float


@dataclass(frozen=True, slots=True)
class Raced:
    """One turn with and without racing."""

    full: Choice
    raced: Choice
    used: int
    """Validations that the race took."""
    all: int


def _report(rule: Racing, searches: Sequence[Sequence[Turn]]) -> None:
    turns, finals = list[tuple[int, Raced]](), list[tuple[int, Raced]]()
    for number, search_turns in enumerate(searches):
        raced = [_raced(rule, turn) for turn in search_turns]
        turns += [(number, turn) for turn in raced]
        finals.append((number, _final(raced)))
    used, everything = sum(t.used for _, t in turns), sum(t.all for _, t in turns)
    examples = EXAMPLES * PRIVATE * len(searches)
    print(
        f"error {rule.error:g}, margin {rule.margin:g}: saves {1 - used / everything:.1%} of the"
        f" candidates' validations ({(everything - used) / (everything + examples):.1%} of all);"
        f" workflow of a turn {_difference(turns)}, same in {_same(turns):.0%};"
        f" of a search {_difference(finals)}, same in {_same(finals):.0%}"
    )


def _raced(rule: Racing, turn: Turn) -> Raced:
    running, used = _race(rule, turn.scores)
    means = turn.scores.mean(axis=1)
    full, best = int(means.argmax()), max(running, key=lambda c: float(means[c]))
    return Raced(
        Choice(float(means[full]), turn.sealed[full]),
        Choice(float(means[best]), turn.sealed[best]),
        used,
        turn.scores.size,
    )


def _race(rule: Racing, scores: NDArray[np.float64]) -> tuple[list[int], int]:
    """As `Evaluator.race` does it: who is left alone is measured to the end."""
    race, used, count = Race(rule, *scores.shape), 0, scores.shape[1]
    for block in rule.blocks(count):
        if len(race.running) == 1:
            return race.running, used + count - block.start
        used += len(block) * len(race.running)
        race.block([scores[c, list(block)].tolist() for c in race.running])
    return race.running, used


def _final(turns: Sequence[Raced]) -> Raced:
    """The search as a whole: on each side, the best of the turns' choices."""
    return Raced(
        max((turn.full for turn in turns), key=lambda choice: choice.seen),
        max((turn.raced for turn in turns), key=lambda choice: choice.seen),
        0,
        0,
    )


def _difference(pairs: Sequence[tuple[int, Raced]]) -> str:
    gains = [100 * (pair.raced.sealed - pair.full.sealed) for _, pair in pairs]
    spread = clustered(gains, [number for number, _ in pairs])
    return f"{spread.value:+.2f} points [{spread.low:+.2f}, {spread.high:+.2f}]"


def _same(pairs: Sequence[tuple[int, Raced]]) -> float:
    return mean([float(pair.raced == pair.full) for _, pair in pairs])


def _check_against_the_real_sandbox() -> None:
    """A small search must come out the same in both."""
    task = task_of(FAMILIES[0], 0, 12, 3, 12)
    setting = Setting(turns=1, samples=3)

    async def opened() -> PythonSandbox:
        prelude = files("w4s").joinpath("agent.py").read_text("utf-8")
        return await open_sandbox(prelude=prelude)

    async def real() -> Found:
        sandbox = await opened()
        try:
            return await search(task, setting, 0, 12, sandbox)
        finally:
            await sandbox.aclose()

    trusted, walled = searched(task, setting, 0, 12), asyncio.run(real())
    same = (trusted.workflow, trusted.validated, trusted.scores) == (
        walled.workflow,
        walled.validated,
        walled.scores,
    )
    if not same or math.isnan(trusted.validated):
        sys.exit("a search in this process differs from one in the sandbox")
