"""Ctrl-C in two steps: the first stops in good order, the second at once.

In: the signals of the terminal. Out: no new call is paid for after the first; those under way come
to their end and go to the cache, so that nothing that was paid for is lost.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from w4s.config import Limits
from w4s.errors import Interrupted
from w4s.models.budget import Budget
from w4s.models.ledger import Entry, Ledger, Spending

T = TypeVar("T")

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(slots=True)
class Stop:
    """Whether the user has asked to stop."""

    requested: bool = False

    def check(self) -> None:
        """Raise Interrupted once a stop was asked for."""
        if self.requested:
            raise Interrupted("stopped; the same command goes on from here")


class StoppableBudget(Budget):
    """A Budget that grants nothing more once the user has asked to stop."""

    def __init__(self, limits: Limits, ledger: Ledger, stop: Stop) -> None:
        super().__init__(limits, ledger)
        self._stop = stop

    async def reserve(self, role: str, model: str, worst: Spending) -> Entry:
        self._stop.check()
        return await super().reserve(role, model, worst)


def run_stoppable(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end. A second signal, which cancels the work, surfaces as KeyboardInterrupt."""
    try:
        return asyncio.run(work)
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


@contextmanager
def stopped_by_signals(stop: Stop, say: Callable[[str], None]) -> Iterator[None]:
    """Within: the first SIGINT or SIGTERM sets `stop`, the second cancels the current task."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None

    def ask() -> None:
        if stop.requested:
            task.cancel()
            return
        stop.requested = True
        say("stopping: the calls under way come to their end; Ctrl-C again stops at once")

    for number in SIGNALS:
        loop.add_signal_handler(number, ask)
    try:
        yield
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
