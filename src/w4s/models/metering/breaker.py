"""Notices that a provider is dead, and ends all that waits for it at once.

In: what came of each attempt. Out: ProviderDown in every guarded call, once nothing has
succeeded for a while although much was tried. An error after which no call can succeed (a bad
key) ends them the same way.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from w4s.errors import AccessDenied, Overloaded, ProviderDown, ProviderError

ENOUGH_FAILURES = 8
PATIENCE_SECONDS = 45.0
"""For a provider that fails or cannot be reached."""
OVERLOAD_PATIENCE_SECONDS = 600.0
"""For one that answers 429: it lives, and quotas come back."""


class Breaker:
    """Watches over the calls to one endpoint."""

    def __init__(
        self,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._patience_seconds = patience_seconds
        self._clock = clock
        self._failures = 0
        self._failing_since: float | None = None
        self._in_flight = 0
        self._guarded: set[asyncio.Timeout] = set()
        self._end: ProviderDown | AccessDenied | None = None

    @asynccontextmanager
    async def guard(self) -> AsyncIterator[None]:
        """Raise ProviderDown or AccessDenied inside the block, wherever it waits, once tripped."""
        self._raise_if_tripped()
        scope = asyncio.timeout(None)
        self._guarded.add(scope)
        try:
            async with scope:
                yield
        except TimeoutError:
            if scope.expired():
                self._raise_if_tripped()
            raise
        finally:
            self._guarded.discard(scope)

    def sent(self) -> None:
        """An attempt is on its way; one of the next three follows."""
        self._in_flight += 1

    def answered(self) -> None:
        self._in_flight -= 1
        self._failures = 0
        self._failing_since = None

    def given_up(self) -> None:
        """The caller did not wait for the end, or the end says nothing about the provider."""
        self._in_flight -= 1

    def failed(self, error: ProviderError) -> None:
        """Raises when this failure is one too many."""
        self._in_flight -= 1
        now = self._clock()
        if self._failing_since is None:
            self._failing_since = now
        self._failures += 1
        # Calls still in flight may yet be answered: a slow provider whose first refusals come
        # before its first answers is not dead.
        enough = self._failures >= max(ENOUGH_FAILURES, 2 * self._in_flight)
        if enough and now - self._failing_since >= self._patience(error):
            self.trip(
                ProviderDown(
                    f"nothing has succeeded for {now - self._failing_since:.0f} seconds and"
                    f" {self._failures} attempts; the last one: {error}. The same command goes"
                    " on from here once the provider is back"
                )
            )
            self._raise_if_tripped()

    def trip(self, end: ProviderDown | AccessDenied) -> None:
        """End every guarded call, now and from now on, with this error."""
        if self._end is None:
            self._end = end
            for scope in self._guarded:
                scope.reschedule(0)

    def _patience(self, error: ProviderError) -> float:
        if isinstance(error, Overloaded):
            return max(OVERLOAD_PATIENCE_SECONDS, self._patience_seconds)
        return self._patience_seconds

    def _raise_if_tripped(self) -> None:
        if self._end is not None:
            # A fresh exception for each: one shared by all would collect all their tracebacks.
            raise type(self._end)(str(self._end))
