"""A run folder made by hand: three examples, two turns, two tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from w4s.config import SearchConfig
from w4s.models.metering.ledger import Totals
from w4s.reports.run import BEGIN, SPENT, TESTS, TURNS, Spent, Tested, begin_text
from w4s.store import RunFolder
from w4s.types import (
    Attempt,
    Entry,
    Evaluation,
    Outcome,
    Proposal,
    Score,
    State,
    Status,
    Turn,
    Usage,
    Workflow,
)

PROBLEMS = 10


def evaluation(name: str, right: int, unscored: int = 0) -> Evaluation:
    """`right` of ten problems right; `unscored` of the others lost."""
    statuses = [Status.SCORED] * (PROBLEMS - unscored) + [Status.UNSCORED] * unscored
    outcomes = tuple(
        Outcome(
            f"p{i}",
            status,
            Score(float(i < right)) if status is Status.SCORED else None,
            usage=Usage(calls=2, prompt_tokens=10, completion_tokens=5),
        )
        for i, status in enumerate(statuses)
    )
    return Evaluation(Workflow(f"# {name}", name), outcomes)


def entry(name: str, right: int) -> Entry:
    return Entry(Workflow(f"# {name}", name), right / PROBLEMS, "")


def attempt(name: str, right: int) -> Attempt:
    measured = evaluation(name, right)
    return Attempt(Proposal((), "", measured.workflow), measured, measured, "", 0.0)


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """Two of three turns done; turn 1 found the best, the second found nothing better."""
    first, second = entry("chain|of_thought", 6), entry("vote", 5)
    begin = State(0, (first, second), None, (), 0.6, first, first)
    found = entry("found", 8)
    later = State(1, begin.examples, None, (), 0.6, found, found)
    config = SearchConfig.resolve({"task": "sums", "run": tmp_path, "turns": 3})
    totals = {"executor": Totals(calls=100, prompt_tokens=900, completion_tokens=100, usd=0.5)}
    tests = {"executor": Totals(calls=40, cached=2, usd=0.25)}
    with RunFolder(tmp_path) as folder:
        folder.settle(config, {"private": PROBLEMS})
        folder.write(BEGIN, begin_text(begin))
        turns = folder.journal(TURNS, Turn)
        turns.append(Turn(begin, (attempt("weak", 3), attempt("found", 8))))
        turns.append(Turn(later, (attempt("same", 8),), (Proposal((), "", None),)))
        spent = folder.journal(SPENT, Spent)
        spent.append(Spent("examples", 30.0, {}))
        spent.append(Spent("turn 1", 95.0, totals))
        spent.append(Spent("test found", 7.0, tests))
        journal = folder.journal(TESTS, Tested)
        journal.append(Tested(evaluation("found", 7, unscored=1), "found", "d", 5.0))
        journal.append(Tested(evaluation("direct", 4), "baseline", "d", 2.0))
    return tmp_path
