"""One sitting of a command: it runs to its end, is watched, and can be stopped.

In: the work, as a coroutine; where to show it. Out: its result. What works inside finds the
sitting by `current_sitting()`, so that nobody has to hand it down; work that is awaited without
`run` is shown in the log and has nobody to stop it but its own caller.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

from w4s.commands.display import Show, logged
from w4s.commands.stopping import Stop, stopped_by_signals
from w4s.errors import ConfigError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sitting:
    """What surrounds the work."""

    show: Show = logged
    stop: Stop = field(default_factory=Stop)


_CURRENT: ContextVar[Sitting] = ContextVar("sitting")


def current_sitting() -> Sitting:
    """The sitting that this work belongs to."""
    return _CURRENT.get(None) or Sitting()


def run_sitting(work: Coroutine[Any, Any, T], show: Show = logged) -> T:
    """Run to the end. The first Ctrl-C ends paid work in good order, with Interrupted; the second,
    or one that finds nothing to put in order, cancels the work and surfaces as
    KeyboardInterrupt."""
    if _in_a_loop():
        work.close()
        raise ConfigError("an event loop runs here already, as in a notebook: write await f(…)")
    try:
        return asyncio.run(_sit(work, Sitting(show)))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def _sit(work: Coroutine[Any, Any, T], sitting: Sitting) -> T:
    _CURRENT.set(sitting)
    with stopped_by_signals(sitting.stop):
        return await work
