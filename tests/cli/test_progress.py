"""What is said while a command works: a board in a terminal, plain lines elsewhere."""

from __future__ import annotations

import io

from rich.console import Console

from w4s.cli.progress import Progress
from w4s.models.base import Purpose
from w4s.models.metering.ledger import Totals
from w4s.types import Evaluation, Outcome, Score, Status, Workflow

FLOW = Workflow("# one", "turn 1, sample 1")


def outcome(number: int, right: bool) -> Outcome:
    return Outcome(f"p{number}", Status.SCORED, Score(float(right)))


class Clock:
    """Time that a test moves on."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def work(console: Console) -> str:
    """Half of a turn: ten of twenty problems, eight right, in ten seconds."""
    clock = Clock()
    account = Totals(calls=1234, usd=0.5)
    with Progress(console, lambda: account, problems=20, clock=clock) as progress:
        progress.planned = 40
        progress.begin("turn 1 of 5")
        outcomes = tuple(outcome(i, i < 8) for i in range(10))
        clock.now = 10.0
        for one in outcomes:
            progress.outcome(FLOW, Purpose.VALIDATE, one)
            progress.outcome(FLOW, Purpose.PUBLIC, one)
        assert isinstance(console.file, io.StringIO)
        if console.is_terminal:
            assert progress.live is not None
            progress.live.refresh()
            return console.file.getvalue()
        progress.evaluation(Purpose.PUBLIC, Evaluation(FLOW, outcomes[:1]))
        progress.evaluation(Purpose.VALIDATE, Evaluation(FLOW, outcomes))
        return console.file.getvalue()


def test_a_terminal_shows_a_board() -> None:
    board = work(Console(file=io.StringIO(), force_terminal=True, width=120, no_color=True))
    for part in ("turn 1 of 5", "1,234 calls", "$0.5000", "about 10 s left", "10/20", "80.0 %"):
        assert part in board


def test_a_log_gets_one_line_for_each_measurement() -> None:
    lines = work(Console(file=io.StringIO(), width=40)).splitlines()
    assert len(lines) == 1
    assert (
        "turn 1, sample 1: 80.0 % [49.0, 94.3]; 1,234 calls, $0.5000, about 10 s left" in lines[0]
    )
