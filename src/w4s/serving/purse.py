"""Wrappers around a server's model: what one request may spend, and life after an outage.

In: a Model. Out: the same replies, until a request has spent what it may; and a fresh Model after
one that has given its provider up, because a server outlives an outage where a run would end.
"""

from __future__ import annotations

from collections.abc import Callable

from w4s.errors import AccessDenied, ProviderDown
from w4s.models.base import Model, Reply, Request
from w4s.models.metering.metered import worst_of
from w4s.models.metering.prices import Price


class RequestTooDear(Exception):
    """The next call could cost more than one request may."""


class Purse:
    """A Model for one request. Raises RequestTooDear before a call that might not fit."""

    def __init__(self, model: Model, price: Price, limit_usd: float) -> None:
        self._model = model
        self._price = price
        self._limit_usd = limit_usd
        self._spent_usd = 0.0
        self._reserved_usd = 0.0

    @property
    def name(self) -> str:
        return self._model.name

    async def complete(self, request: Request) -> Reply:
        worst = worst_of(request, self._price).usd
        if self._spent_usd + self._reserved_usd + worst > self._limit_usd:
            raise RequestTooDear(
                f"the request has cost ${self._spent_usd:.4g}, and its next call may take up to"
                f" ${worst:.4g} more, which is over the limit of ${self._limit_usd:g}"
            )
        self._reserved_usd += worst
        try:
            reply = await self._model.complete(request)
        finally:
            self._reserved_usd -= worst
        self._spent_usd += reply.usage.usd
        return reply

    async def aclose(self) -> None:
        """The model belongs to the server."""


class Renewed:
    """A Model that is made anew after it has given up its provider."""

    def __init__(self, make: Callable[[], Model]) -> None:
        self._make = make
        self._model = make()

    @property
    def name(self) -> str:
        return self._model.name

    async def complete(self, request: Request) -> Reply:
        model = self._model
        try:
            return await model.complete(request)
        except (ProviderDown, AccessDenied):
            if model is self._model:
                self._model = self._make()
            raise

    async def aclose(self) -> None:
        await self._model.aclose()
