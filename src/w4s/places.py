"""Who goes first when not all can go at once: what takes longest.

In: how many may go at once, and who wants to go. Out: a place, as soon as it is their turn. What
starts last should be short, for everybody waits for the last one to end; so the kind (a workflow,
say) goes first whose calls took longest so far, and a kind nobody has seen the end of yet goes
before all others.
"""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Kind:
    """Calls that probably take equally long."""

    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)
    started: int = 0
    ended: int = 0
    seconds: float = 0.0
    """Of all that ended, together."""

    @property
    def urgency(self) -> tuple[float, int]:
        """Larger goes first: seconds expected; among the unknown, what has been tried least."""
        expected = self.seconds / self.ended if self.ended else math.inf
        return expected, -self.started


class Places:
    """A fixed number of places. Use from one event loop only."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._kinds: dict[str, _Kind] = defaultdict(_Kind)
        self._asking: dict[str, _Kind] = {}
        """Those of the kinds with somebody who waits."""
        self._calling = False

    @asynccontextmanager
    async def place(self, kind: str) -> AsyncIterator[None]:
        """Hold a place inside the block."""
        mine = self._kinds[kind]
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        mine.waiting.append(turn)
        self._asking[kind] = mine
        self._call_soon(loop)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._free_one(loop)
            raise
        begun = loop.time()
        try:
            yield
        finally:
            mine.ended += 1
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
            turn = kind.waiting.popleft()
            if not turn.done():  # else cancelled
                turn.set_result(None)
                self._free -= 1
                kind.started += 1
            if not kind.waiting:
                del self._asking[name]
