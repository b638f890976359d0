"""Ways to wait that lose nothing: for several things that were started together, for one's turn.

`asyncio.gather` leaves the others running when one raises; in `settled` all end first, since what
they do is paid for. A waiter that is cancelled in the moment of its turn has a place that nobody
would give back; in `taken` it goes on to the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


async def settled(awaitables: Iterable[Awaitable[T]]) -> list[T]:
    """Run all to their end; then return the results, or raise the first exception in order."""
    tasks = [asyncio.ensure_future(awaitable) for awaitable in awaitables]
    await asyncio.gather(*tasks, return_exceptions=True)
    return [task.result() for task in tasks]


async def taken(turn: asyncio.Future[T], pass_on: Callable[[T], None]) -> T:
    """Wait for one's turn. `pass_on` gets what came with it if its waiter is cancelled then."""
    try:
        return await turn
    except asyncio.CancelledError:
        if turn.done() and not turn.cancelled():
            pass_on(turn.result())
        raise
