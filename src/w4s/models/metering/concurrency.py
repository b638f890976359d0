"""How many calls may be in flight at one endpoint, learned from its refusals.

In: what came of each call (answered, or refused for want of capacity). Out: places, handed out
first come, first served. Until the first refusal every answer widens the limit by one place, which
doubles it each round. From then on an answer widens it by a twentieth of a place (in the small: by
as much as doubles it slowly), and every refusal narrows it by half a place, so that the limit
settles where about one call in eleven is refused, and a server that refuses a few at random is
not mistaken for a full one. A refused call keeps its place while it waits: the next in line
would only be refused in its stead.
"""

from __future__ import annotations

import asyncio
from collections import deque

from w4s.waiting import taken

START = 256
MOST = 960
"""A process may mostly open 1,024 files, and each call holds one."""
_WIDER = 0.05
_NARROWER = 0.5


class Concurrency:
    """The places at one endpoint."""

    def __init__(self, *, start: int = START, most: int = MOST) -> None:
        self._limit = float(min(start, most))
        self._most = most
        self._taken = 0
        self._was_refused = False
        self._line: deque[asyncio.Future[None]] = deque()

    @property
    def limit(self) -> int:
        """How many places there are now, at least one."""
        return int(self._limit)

    @property
    def taken(self) -> int:
        return self._taken

    async def enter(self) -> None:
        """Take a place, waiting for one if need be."""
        if self._taken < self.limit and not self._line:
            self._taken += 1
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append(place)
        try:
            await taken(place, lambda _: self.leave())
        except asyncio.CancelledError:
            if place in self._line:
                self._line.remove(place)
            raise

    def leave(self) -> None:
        """Give the place back."""
        self._taken -= 1
        self._hand_out()

    async def make_room(self) -> None:
        """Queue again when there are more calls than places now; the caller holds a place."""
        if self._taken <= self.limit:
            return
        self.leave()
        try:
            await self.enter()
        except BaseException:
            self._taken += 1  # the caller still gives back the place that it came with
            raise

    def answered(self) -> None:
        """The endpoint answered a call."""
        if self._taken >= self.limit:  # a limit that nobody reaches proves nothing
            wider = max(_WIDER, 0.5 / self._limit) if self._was_refused else 1.0
            self._limit = min(self._limit + wider, float(self._most))
            self._hand_out()

    def refused(self) -> None:
        """The endpoint refused a call for want of capacity."""
        self._was_refused = True
        self._limit = max(self._limit - _NARROWER, 1.0)

    def _hand_out(self) -> None:
        while self._line and self._taken < self.limit:
            place = self._line.popleft()
            if not place.done():
                self._taken += 1
                place.set_result(None)
