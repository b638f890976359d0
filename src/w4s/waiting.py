"""Wait for several things that were started together, and lose none of them.

In: awaitables. Out: their results in order. `asyncio.gather` leaves the others running when one
raises; here all end first, since what they do is paid for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import TypeVar

T = TypeVar("T")


async def settled(awaitables: Iterable[Awaitable[T]]) -> list[T]:
    """Run all to their end; then return the results, or raise the first exception in order."""
    tasks = [asyncio.ensure_future(awaitable) for awaitable in awaitables]
    await asyncio.gather(*tasks, return_exceptions=True)
    return [task.result() for task in tasks]
