"""What is shown of a command's work while it goes on.

In: the calls of the command that works. Out: whatever a Display makes of them: a board in a
terminal (`w4s.cli.progress`), a bar in a notebook; by default lines in Python's log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from w4s.evaluation import Observer
from w4s.models.base import Purpose
from w4s.models.metering.ledger import Totals
from w4s.types import Evaluation, Outcome, Workflow

_log = logging.getLogger("w4s")

Account = Callable[[], Totals]
"""Says what the work has cost so far."""


class Display(Observer, Protocol):
    """Shows one command's work. Must not raise or block."""

    planned: int
    """Solver calls that the command is going to make, about; set once that is known."""

    def begin(self, stretch: str) -> None:
        """A new stretch of work begins: `turn 2 of 5`."""

    def say(self, line: str) -> None:
        """One line that stays."""


Show = Callable[[Account, int], AbstractContextManager[Display]]
"""Opens a display, from the account and the number of problems of one measurement."""


@contextmanager
def logged(account: Account, problems: int) -> Iterator[Display]:
    """Lines in the log of the package, at level INFO, so nothing is seen unless it is asked for."""
    yield Log(account)


@dataclass(slots=True)
class Log:
    """A Display of single lines."""

    account: Account
    planned: int = 0

    def begin(self, stretch: str) -> None:
        _log.info("%s begins", stretch)

    def say(self, line: str) -> None:
        _log.info("%s", line)

    def outcome(self, workflow: Workflow, purpose: Purpose, outcome: Outcome) -> None:
        """Too many for a log."""

    def evaluation(self, purpose: Purpose, evaluation: Evaluation) -> None:
        totals = self.account()
        _log.info(
            "%s: %.1f %% (%s); %d calls, $%.4f so far",
            evaluation.workflow.name,
            100 * evaluation.accuracy,
            purpose.value,
            totals.calls,
            totals.spent.usd,
        )
