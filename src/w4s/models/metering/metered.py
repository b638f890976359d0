"""A wrapper that owns everything that sending a call entails: place, money, retries.

In: any Model. Out: the same replies with their price, or the error after which nobody tries
again. One place decides on repetition: the model raises, and here is judged what it means.
Every attempt is a row of the ledger; a repeated attempt is the same request with the same seed,
so faults that pass change no result.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    wait_exponential,
)

from w4s.errors import (
    AccessDenied,
    Overloaded,
    ProviderDown,
    ProviderError,
    Rejected,
    ServerFault,
    Unsupported,
)
from w4s.models.base import Model, Reply, Request
from w4s.models.metering.breaker import OVERLOAD_PATIENCE_SECONDS, Breaker
from w4s.models.metering.budget import Budget
from w4s.models.metering.concurrency import Concurrency
from w4s.models.metering.ledger import Entry, Spending
from w4s.models.metering.prices import Price

ATTEMPTS = 12
MOST_FEATURES = 12
"""More refusals of features than this in one call, and the server refuses without learning."""
_BACKOFF = wait_exponential(multiplier=0.5, max=20)
_FRAME_TOKENS = 16
"""Most that a chat template adds to one message."""
_TEMPLATE_TOKENS = 128
"""Most that a chat template adds to a conversation (a default system prompt, say)."""


class Metered:
    """A Model that keeps to a budget and repeats what may succeed the next time.

    `complete` raises BudgetExceeded when a limit of the user's leaves no room, ProviderDown when
    nothing has succeeded for long, StoreError when the ledger cannot be written, and otherwise
    the ProviderError of the last attempt.

    The worst price of a call (`worst_of`) is set aside before it is sent. A server that ignores
    `max_tokens` can go beyond it; what it then reports is what counts.
    """

    def __init__(
        self,
        model: Model,
        *,
        role: str,
        budget: Budget,
        price: Price,
        rng: random.Random,
        concurrency: Concurrency | None = None,
        breaker: Breaker | None = None,
        attempts: int = ATTEMPTS,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`role` names the calls in the ledger; `rng` spreads the waits, nothing else."""
        self._model = model
        self._role = role
        self._budget = budget
        self._price = price
        self._rng = rng
        self._concurrency = concurrency or Concurrency()
        self._breaker = breaker or Breaker()
        self._attempts = attempts
        self._sleep = sleep
        self._retrying = AsyncRetrying(
            retry=retry_if_exception_type((Overloaded, ServerFault)),
            stop=self._is_enough,
            wait=self._pause,
            sleep=self._rest,
            reraise=True,
        )

    @property
    def name(self) -> str:
        return self._model.name

    async def complete(self, request: Request) -> Reply:
        async with self._breaker.guard():
            await self._concurrency.enter()
            try:
                return await self._retrying(self._attempt, request)
            finally:
                self._concurrency.leave()

    async def aclose(self) -> None:
        await self._model.aclose()

    # --- One attempt -----------------------------------------------------------------------

    async def _attempt(self, request: Request) -> Reply:
        """Send until the server has refused no feature; such refusals are no failed attempts."""
        for _ in range(MOST_FEATURES):
            try:
                return await self._send(request)
            except Unsupported as error:
                refusal = error
        raise Rejected(f"the server goes on refusing features: {refusal}")

    async def _send(self, request: Request) -> Reply:
        entry = await self._budget.reserve(self._role, self.name, worst_of(request, self._price))
        self._breaker.sent()
        try:
            reply = await self._model.complete(request)
        except ProviderError as error:
            self._settle_error(entry, error)
            raise
        except BaseException:
            self._breaker.given_up()
            self._budget.settle_unknown(entry)
            raise
        self._breaker.answered()
        self._concurrency.answered()
        usage = reply.usage
        usd = self._price.cost(usage.prompt_tokens, usage.completion_tokens)
        usage = replace(usage, calls=1, usd=usd)
        self._budget.settle_done(entry, usage)
        return replace(reply, usage=usage)

    def _settle_error(self, entry: Entry, error: ProviderError) -> None:
        if isinstance(error, ServerFault) and error.unknown:
            self._budget.settle_unknown(entry)
        else:
            self._budget.settle_failed(entry)
        match error:
            case Overloaded():
                self._concurrency.refused()
                self._breaker.failed(error)
                self._stop_if_put_off(error)
            case ServerFault():
                self._breaker.failed(error)
            case AccessDenied():
                self._breaker.given_up()
                self._breaker.trip(error)
            case _:
                self._breaker.answered()  # it refuses this request, so it lives

    def _stop_if_put_off(self, error: Overloaded) -> None:
        """A quota that comes back tomorrow is not waited for."""
        if error.retry_after is not None and error.retry_after > OVERLOAD_PATIENCE_SECONDS:
            end = ProviderDown(
                f"the provider asks to wait {error.retry_after:.0f} seconds: {error}."
                " The same command goes on from here"
            )
            self._breaker.trip(end)
            raise end

    # --- Between attempts ------------------------------------------------------------------

    def _is_enough(self, state: RetryCallState) -> bool:
        """Twelve attempts; under 429, where others are being served, also ten minutes."""
        if state.attempt_number < self._attempts:
            return False
        waited = state.seconds_since_start or 0.0
        return not isinstance(_error(state), Overloaded) or waited > OVERLOAD_PATIENCE_SECONDS

    def _pause(self, state: RetryCallState) -> float:
        error = _error(state)
        asked = error.retry_after if isinstance(error, Overloaded | ServerFault) else None
        seconds = _BACKOFF(state) * self._rng.uniform(0.5, 1.5)
        # Those who were asked to wait equally long should not come back in the same instant.
        return max(seconds, (asked or 0.0) * self._rng.uniform(1.0, 1.2))

    async def _rest(self, seconds: float) -> None:
        await self._budget.rest(self._sleep(min(seconds, self._budget.seconds_left)))
        await self._concurrency.make_room()


def worst_of(request: Request, price: Price) -> Spending:
    """The most that a call can cost: one token for each byte of the prompt (no tokenizer makes
    more) and the full length of every response."""
    prompt = _TEMPLATE_TOKENS + sum(
        _FRAME_TOKENS + len(m.content.encode(errors="replace")) for m in request.messages
    )
    completion = request.n * request.max_tokens
    return Spending(1, prompt + completion, price.cost(prompt, completion))


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome is not None else None
