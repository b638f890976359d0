"""Who goes first when not all can go at once: what takes longest.

In: how many may go at once, and who wants to go. Out: a place, as soon as it is their turn. What
starts last should be short, for everybody waits for the last one to end; so the kind (a workflow,
say) goes first whose calls took longest so far, within a kind the largest call, and a kind nobody
has seen the end of yet goes before all others.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from w4s.waiting import taken


@dataclass(slots=True)
class _Kind:
    """Calls that probably take about equally long."""

    waiting: list[tuple[float, int, asyncio.Future[None]]] = field(default_factory=list)
    """A heap: size (negative, so that the largest comes first), number, turn."""
    started: int = 0
    size: float = 0.0
    seconds: float = 0.0
    """Both of all that ended, together."""

    @property
    def urgency(self) -> tuple[float, int]:
        """Larger goes first: seconds expected; among the unknown, what has been tried least."""
        largest = -self.waiting[0][0]
        expected = largest * self.seconds / self.size if self.size else math.inf
        return expected, -self.started


class Places:
    """A fixed number of places. Use from one event loop only."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._kinds: dict[str, _Kind] = defaultdict(_Kind)
        self._asking: dict[str, _Kind] = {}
        """Those of the kinds with somebody who waits."""
        self._calling = False
        self._numbers = itertools.count()

    @asynccontextmanager
    async def place(self, kind: str, size: float = 1.0) -> AsyncIterator[None]:
        """Hold a place inside the block. `size`: how long this may take against others of its
        kind."""
        mine = self._kinds[kind]
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        heapq.heappush(mine.waiting, (-size, next(self._numbers), turn))
        self._asking[kind] = mine
        self._call_soon(loop)
        await taken(turn, lambda _: self._free_one(loop))
        begun = loop.time()
        try:
            yield
        finally:
            mine.size += size
            mine.seconds += loop.time() - begun
            self._free_one(loop)

    def _free_one(self, loop: asyncio.AbstractEventLoop) -> None:
        self._free += 1
        self._call_soon(loop)

    def _call_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        """Not at once: all who come together are to be compared."""
        if not self._calling:
            self._calling = True
            loop.call_soon(self._call)

    def _call(self) -> None:
        self._calling = False
        while self._free and self._asking:
            name, kind = max(self._asking.items(), key=lambda item: item[1].urgency)
            turn = heapq.heappop(kind.waiting)[-1]
            if not turn.done():  # else cancelled
                turn.set_result(None)
                self._free -= 1
                kind.started += 1
            if not kind.waiting:
                del self._asking[name]
