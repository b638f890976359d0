"""Programs that run again and again are compiled once.

In: sources, as they come to be run. Out: their compiled form, from the moment when it is there. It
is made, when a source comes for the second time, by a child that gets the text and nothing else:
what the program learns of one problem cannot travel to the next with it. For the host it is text
that it passes on to children of the same source.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

MOST_SOURCES = 500
"""Of which a compiled form, or that they came once, is remembered."""


class Compilations:
    """Use from one event loop only. `compile` gives the form of a source, or None."""

    def __init__(self, compile: Callable[[str], Awaitable[str | None]]) -> None:
        self._compile = compile
        self._known: dict[str, str | None] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def of(self, source: str) -> str | None:
        """The compiled form, if it is there already."""
        if source not in self._known:
            self._remember(source, None)
            return None
        form = self._known[source]
        if form is None and source not in self._tasks:
            self._tasks[source] = asyncio.ensure_future(self._make(source))
        return form

    async def _make(self, source: str) -> None:
        """Once; a source that cannot be compiled says so wherever it is run."""
        form = await self._compile(source)
        if form is not None:
            self._remember(source, form)
            self._tasks.pop(source, None)

    def _remember(self, source: str, form: str | None) -> None:
        self._known[source] = form
        if len(self._known) > MOST_SOURCES:
            oldest = next(iter(self._known))
            del self._known[oldest]
            self._tasks.pop(oldest, None)

    async def aclose(self) -> None:
        """Make no more."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
