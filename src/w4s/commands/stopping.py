"""Ctrl-C in two steps: the first stops in good order, the second at once.

In: the signals of the terminal. Out: no new call is paid for after the first; those under way come
to their end and go to the cache, so that nothing that was paid for is lost.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from w4s.config import Limits
from w4s.errors import Interrupted
from w4s.models.metering.budget import Budget
from w4s.models.metering.ledger import Ledger

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(slots=True)
class Stop:
    """Whether the user has asked to stop, and who heeds it."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    _heeding: list[Callable[[str], None]] = field(default_factory=list)

    @property
    def requested(self) -> bool:
        return self.asked.is_set()

    def check(self) -> None:
        """Raise Interrupted once a stop was asked for."""
        if self.requested:
            raise Interrupted("stopped; the same command goes on from here")

    @contextmanager
    def heeded(self, say: Callable[[str], None]) -> Iterator[None]:
        """Within: work that comes to its end by itself once a stop is asked for."""
        self._heeding.append(say)
        try:
            yield
        finally:
            self._heeding.remove(say)

    def ask(self) -> bool:
        """Ask for a stop; False when nobody heeds it, or it was asked for before."""
        if self.requested or not self._heeding:
            return False
        self.asked.set()
        for say in self._heeding:
            say("stopping: what is under way comes to its end; Ctrl-C again stops at once")
        return True


class StoppableBudget(Budget):
    """A Budget that grants nothing more once the user has asked to stop."""

    def __init__(self, limits: Limits, ledger: Ledger, stop: Stop) -> None:
        super().__init__(limits, ledger)
        self._stop = stop

    def check_open(self) -> None:
        self._stop.check()
        super().check_open()

    async def rest(self, pause: Awaitable[None]) -> None:
        """A pause may be minutes long, and there is nothing in flight to wait for."""
        waits = [asyncio.ensure_future(w) for w in (pause, self._stop.asked.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        self._stop.check()


@contextmanager
def stopped_by_signals(stop: Stop) -> Iterator[None]:
    """Within: SIGINT or SIGTERM asks for a stop, and cancels the current task where asking does
    not help. Off the main thread signals are none of ours."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None

    def on_signal() -> None:
        if not stop.ask():
            task.cancel()

    installed = []
    try:
        for number in SIGNALS:
            loop.add_signal_handler(number, on_signal)
            installed.append(number)
    except (ValueError, RuntimeError):
        pass  # not the main thread
    try:
        yield
    finally:
        for number in installed:
            loop.remove_signal_handler(number)
