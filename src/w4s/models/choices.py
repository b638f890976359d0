"""A wrapper that brings all the responses that were asked for.

In: any Model, also one whose server samples one response a request whatever `n` says. Out:
replies with exactly `Request.n` choices. What is lacking is asked for one by one, at the same
time, each under its own number, so that it gets the seed it would have had in one request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from dataclasses import replace

from w4s.models.base import Model, Reply, Request


class AllChoices:
    """A Model that answers with `n` choices.

    Raises what the model raises: of several errors the first, after all requests have come to
    an end (what the others bring is in the cache beneath by then, paid for and kept).
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._at_once: int | None = None
        """How many choices the last request for several brought, where these were too few."""

    @property
    def name(self) -> str:
        return self._model.name

    async def complete(self, request: Request) -> Reply:
        if request.n == 1:
            return await self._model.complete(request)
        # The first request says `n` even where the server is known to ignore it: the requests
        # are the same before and after this is learned, and with them their keys in the cache.
        expected = min(self._at_once or request.n, request.n)
        first, *rest = await _all(
            [self._model.complete(request), *self._singles(request, expected, request.n)]
        )
        brought = len(first.choices)
        self._at_once = brought if brought < request.n else None
        late = await _all(self._singles(request, brought, expected))
        choices = first.choices[:expected]
        for reply in (*late, *rest):
            choices += reply.choices[:1]
        usage = sum((reply.usage for reply in (*late, *rest)), first.usage)
        return Reply(choices, usage, first.prompt_ids)

    async def aclose(self) -> None:
        await self._model.aclose()

    def _singles(self, request: Request, start: int, stop: int) -> list[Awaitable[Reply]]:
        """One request for each of the choices `start` to `stop`, without the latter."""
        return [
            self._model.complete(replace(request, n=1, first_choice=request.first_choice + k))
            for k in range(start, stop)
        ]


async def _all(calls: Iterable[Awaitable[Reply]]) -> list[Reply]:
    """The replies in order, or, once all calls have ended, the first error."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    replies = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        replies.append(result)
    return replies
