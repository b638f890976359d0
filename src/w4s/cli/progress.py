"""What a command says while it works: a live board in a terminal, log lines elsewhere.

In: outcomes and evaluations, as a Display of the commands; the account of the models. Out: lines on
stderr. The board shows the turn, its candidates with their accuracy so far, calls, dollars and
the time left; what stays on the screen when the board is gone is what a log holds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from w4s.cli.output import say_when
from w4s.models.base import Purpose
from w4s.models.metering.ledger import Totals
from w4s.reports.stats import wilson
from w4s.reports.summary import Accuracy, accuracy_of
from w4s.reports.tables import accuracy_text, seconds_text
from w4s.types import Evaluation, Outcome, Status, Workflow

REFRESHES_A_SECOND = 4
MEASURED = (Purpose.VALIDATE, Purpose.TEST)
"""Purposes whose accuracies are worth showing."""


@dataclass(slots=True)
class _Candidate:
    """One workflow on the board."""

    name: str
    of: int
    """Problems to run."""
    done: int = 0
    scored: int = 0
    total: float = 0.0
    """Sum of the scores."""

    def add(self, outcome: Outcome) -> None:
        self.done += 1
        if outcome.status is not Status.UNSCORED:
            self.scored += 1
            self.total += outcome.value

    @property
    def accuracy(self) -> Accuracy:
        share = self.total / self.scored if self.scored else 0.0
        return Accuracy(share, wilson(self.total, self.scored), self.scored)


@dataclass(slots=True)
class Progress:
    """Shows one command's work. A Display; use it as a context."""

    console: Console
    account: Callable[[], Totals]
    """What the run has cost so far."""
    problems: int
    """Problems of one measurement."""
    planned: int = 0
    """Solver calls that this command is going to make, about; set once that is known."""
    clock: Callable[[], float] = time.monotonic
    _stretch: str = ""
    _done: int = 0
    _candidates: dict[str, _Candidate] = field(default_factory=dict)
    _start: float = 0.0
    live: Live | None = None

    def __enter__(self) -> Self:
        self._start = self.clock()
        if self.console.is_terminal:
            self.live = Live(
                get_renderable=self._board,
                console=self.console,
                refresh_per_second=REFRESHES_A_SECOND,
                transient=True,
            )
            self.live.start()
        return self

    def __exit__(
        self,
        type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.live is not None:
            self.live.stop()

    def begin(self, stretch: str) -> None:
        """A new stretch of work begins: `turn 2 of 5`."""
        self._stretch = stretch
        self._candidates = {}

    def say(self, line: str) -> None:
        """One line that stays."""
        say_when(self.console, line)

    def outcome(self, workflow: Workflow, purpose: Purpose, outcome: Outcome) -> None:
        self._done += 1
        if purpose in MEASURED:
            candidate = self._candidates.setdefault(
                workflow.digest, _Candidate(workflow.name, self.problems)
            )
            candidate.add(outcome)

    def evaluation(self, purpose: Purpose, evaluation: Evaluation) -> None:
        if purpose in MEASURED:
            name, accuracy = evaluation.workflow.name, accuracy_text(accuracy_of(evaluation))
            self.say(f"{name}: {accuracy}; {self._standing()}")

    def _standing(self) -> str:
        totals = self.account()
        return f"{totals.calls:,} calls, ${totals.spent.usd:.4f}, {self._time_left()}"

    def _time_left(self) -> str:
        """From the pace so far; the solver calls of this session alone tell the pace."""
        if self._done == 0:
            return "time left not known yet"
        elapsed = self.clock() - self._start
        left = elapsed / self._done * max(0, self.planned - self._done)
        return f"about {seconds_text(left)} left"

    def _board(self) -> Group:
        table = Table.grid(padding=(0, 2))
        for candidate in list(self._candidates.values()):
            bar = ProgressBar(total=candidate.of, completed=candidate.done, width=24)
            shown = accuracy_text(candidate.accuracy) if candidate.scored else ""
            table.add_row(candidate.name, bar, f"{candidate.done}/{candidate.of}", shown)
        return Group(Text(f"{self._stretch}   {self._standing()}", style="bold"), table)
