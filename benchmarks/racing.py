"""What racing saves and what it costs in accuracy, on the simulated executor.

Fifty searches: ten seeds on each of five toy families, each with problems of its own and without
any racing. Then the candidates of every turn race on one half of the private problems, and what the
race leads to is judged on the other half, which neither side has seen; then the other way round.
Both sides have the same candidates, so the differences are racing's alone. What is measured is kept
(`_kept`): a stopped run goes on.
"""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from benchmarks._kept import Kept, Row
from benchmarks._searches import Found, Setting, mean, search, searched, task_of
from w4s.racing import Race, Racing
from w4s.reports.stats import clustered
from w4s.sandbox import open_sandbox
from w4s.sandbox.host import PythonSandbox

FAMILIES = ("toy_ledger", "toy_counting", "toy_passage", "toy_choice", "toy_dates")
SEEDS = range(1000, 1010)
PRIVATE, PUBLIC = 256, 2
SETTING = Setting(turns=3)
RULES = (Racing(), Racing(margin=0.02), Racing(error=0.1))
EXAMPLES = 3
"""Workflows of the first state: measured in full in any case."""

Scores = NDArray[np.float64]
"""Of the candidates of one turn: candidates down, problems across."""


def main() -> None:
    _check_against_the_real_sandbox()
    kept = Kept("racing", (PRIVATE, PUBLIC, SETTING))
    searches: list[list[Scores]] = []
    for seed in SEEDS:
        for family in FAMILIES:
            row = kept.row(f"{family}, seed {seed}", partial(_searched, family, seed))
            searches.append([np.array(turn) for turn in row["turns"] if len(turn) > 1])
        print(f"seed {seed} done", file=sys.stderr, flush=True)
    turns = sum(map(len, searches))
    print(f"{len(searches)} searches over {', '.join(FAMILIES)}, {turns} turns of up to 5")
    print(f"candidates, races over {PRIVATE // 2} problems. All is simulated.")
    for rule in RULES:
        _report(rule, searches)


def _searched(family: str, seed: int) -> Row:
    found = searched(task_of(family, seed, PRIVATE, PUBLIC, 1), SETTING, seed, 1)
    return {
        "turns": [
            [
                [outcome.value for outcome in attempt.evaluation.outcomes]
                for attempt in turn.attempts
            ]
            for turn in found.turns
        ]
    }


@dataclass(frozen=True, slots=True)
class Choice:
    """Which candidate was taken: its score where it was chosen, and where nobody looked."""

    seen: float
    unseen: float


@dataclass(frozen=True, slots=True)
class Raced:
    """One turn with and without racing."""

    full: Choice
    raced: Choice
    used: int
    """Validations that the race took."""
    all: int


def _report(rule: Racing, searches: Sequence[Sequence[Scores]]) -> None:
    turns, finals = list[tuple[int, Raced]](), list[tuple[int, Raced]]()
    for number, search_turns in enumerate(searches):
        for both in _both_ways(rule, search_turns):
            turns += [(number, turn) for turn in both]
            finals.append((number, _final(both)))
    used, everything = sum(t.used for _, t in turns), sum(t.all for _, t in turns)
    examples = EXAMPLES * PRIVATE * len(searches)
    print(
        f"error {rule.error:g}, margin {rule.margin:g}: saves {1 - used / everything:.1%} of the"
        f" candidates' validations ({(everything - used) / (everything + examples):.1%} of all);"
        f" workflow of a turn {_difference(turns)}, same in {_same(turns):.0%};"
        f" of a search {_difference(finals)}, same in {_same(finals):.0%}"
    )


def _both_ways(rule: Racing, turns: Sequence[Scores]) -> Iterator[list[Raced]]:
    half = PRIVATE // 2
    for seen, unseen in ((slice(half), slice(half, None)), (slice(half, None), slice(half))):
        yield [_raced(rule, turn[:, seen], turn[:, unseen]) for turn in turns]


def _raced(rule: Racing, seen: Scores, unseen: Scores) -> Raced:
    running, used = _race(rule, seen)
    means, elsewhere = seen.mean(axis=1), unseen.mean(axis=1)
    full, best = int(means.argmax()), max(running, key=lambda c: float(means[c]))
    return Raced(
        Choice(float(means[full]), float(elsewhere[full])),
        Choice(float(means[best]), float(elsewhere[best])),
        used,
        seen.size,
    )


def _race(rule: Racing, scores: Scores) -> tuple[list[int], int]:
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
    gains = [100 * (pair.raced.unseen - pair.full.unseen) for _, pair in pairs]
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
