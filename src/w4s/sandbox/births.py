"""Children start in batches.

In: whoever wants a child. Out: leave to start it, to many at once whenever few are left on their
way. Of hundreds that start together the first would be as late as the last, and its calls to the
model with it; one after the other they would cost the zygote a round of its own each.
"""

from __future__ import annotations

import asyncio
from collections import deque

from w4s.waiting import taken


class Births:
    """Up to `batch` children on their way; more begin when `few` or fewer are left. Use from one
    event loop only."""

    def __init__(self, batch: int, few: int) -> None:
        self._batch = batch
        self._few = few
        self._under_way = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def begin(self) -> None:
        """Wait for leave to start a child; `done` has to follow."""
        if self._under_way < self._batch and not self._waiting:
            self._under_way += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        await taken(turn, lambda _: self.done())

    def done(self) -> None:
        """A child has arrived, or was lost on its way."""
        self._under_way -= 1
        if self._under_way > self._few:
            return
        while self._waiting and self._under_way < self._batch:
            turn = self._waiting.popleft()
            if not turn.done():  # else cancelled
                turn.set_result(None)
                self._under_way += 1
