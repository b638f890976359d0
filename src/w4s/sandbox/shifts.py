"""Children that serve one workflow's problems one after another (`batch`).

In: a key (a workflow and its limits) and whoever wants a child for it. Out: a child that is free,
or leave to start a new one. As long as children of the key come back quickly, waiting is cheaper
than starting; when none has come back for a moment, all are waiting for the model, and the
number doubles.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque

from w4s.sandbox.child import Child
from w4s.waiting import taken

TICK_SECONDS = 0.02
"""Without a child coming back for so long, more are started."""
IDLE_SECONDS = 1.0
"""A key that nobody asks for loses its children after this."""
MOST_ORDERS = 200
"""A child serves so many, then a fresh one takes over."""


class Shift:
    """The children of one key."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._free: list[tuple[Child, int]] = []
        self._queue: deque[asyncio.Future[tuple[Child | None, int]]] = deque()
        self._busy = 0
        self._moved = False
        self._ticking: asyncio.TimerHandle | None = None
        self._ending: asyncio.TimerHandle | None = None

    async def take(self) -> tuple[Child | None, int]:
        """A free child and how many orders it has served; or None: start a new one."""
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None
        while self._free:
            child, served = self._free.pop()
            if not child.ended.is_set():
                self._busy += 1
                return child, served
        if self._busy < (os.cpu_count() or 1):
            self._busy += 1
            return None, 0
        place: asyncio.Future[tuple[Child | None, int]] = self._loop.create_future()
        self._queue.append(place)
        if self._ticking is None:
            self._ticking = self._loop.call_later(TICK_SECONDS, self._tick)
        return await taken(place, lambda had: self.give_back(*had))

    def give_back(self, child: Child | None, served: int) -> None:
        """The child is free again; None: it is gone."""
        self._moved = True
        if child is not None and (served >= MOST_ORDERS or child.ended.is_set()):
            child.kill()
            child, served = None, 0
        while self._queue:
            place = self._queue.popleft()
            if not place.done():
                place.set_result((child, served))
                return
        self._busy -= 1
        if child is not None:
            self._free.append((child, served))
        if self._busy == 0 and self._ending is None:
            self._ending = self._loop.call_later(IDLE_SECONDS, self.dismiss)

    def _tick(self) -> None:
        self._ticking = None
        waiting = [place for place in self._queue if not place.done()]
        self._queue = deque(waiting)
        if not waiting:
            return
        if not self._moved:
            for _ in range(min(len(waiting), max(1, self._busy))):
                self._busy += 1
                self._queue.popleft().set_result((None, 0))
        self._moved = False
        if self._queue:
            self._ticking = self._loop.call_later(TICK_SECONDS, self._tick)

    def dismiss(self) -> None:
        """Send the free children home."""
        self._ending = None
        for child, _ in self._free:
            child.kill()
        self._free.clear()

    def close(self) -> None:
        """For the end of the sandbox."""
        for handle in (self._ticking, self._ending):
            if handle is not None:
                handle.cancel()
        self.dismiss()
