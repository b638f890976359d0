"""The user's spending limits, kept by all models of one run together.

In: the limits and the ledger. Out: permission for one call at a time: `reserve` sets aside the
worst the call can cost and writes it into the ledger, `settle` puts what came of it in its
place. What is spent and what is set aside never exceed a limit together. A call of unknown
outcome stays spent at its worst, also when a repetition of it succeeds.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable

from w4s.config import Limits
from w4s.errors import BudgetExceeded, StoreError
from w4s.models.metering.ledger import Entry, Ledger, Spending
from w4s.types import Usage


class Budget:
    """What a run may still spend.

    The limits on calls, tokens and dollars hold for all that the ledger has ever seen, the limit
    on minutes for this process, from now.
    """

    def __init__(
        self, limits: Limits, ledger: Ledger, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.ledger = ledger
        self._limits = limits
        self._clock = clock
        self._deadline = (
            math.inf if limits.max_minutes is None else clock() + limits.max_minutes * 60
        )
        self._spent = ledger.total.spent
        self._reserved = Spending()
        self._in_flight = 0
        self._queue = asyncio.Lock()
        self._settled = asyncio.Event()

    @property
    def spent(self) -> Spending:
        """What counts as spent, calls of unknown outcome at their worst."""
        return self._spent

    @property
    def reserved(self) -> Spending:
        """What is set aside for the calls in flight."""
        return self._reserved

    @property
    def seconds_left(self) -> float:
        """Until the limit on minutes; infinite without one."""
        return max(0.0, self._deadline - self._clock())

    async def reserve(self, role: str, model: str, worst: Spending) -> Entry:
        """Set aside the worst that one call can cost, first come, first served.

        Waits for calls in flight when their end may make room. Raises BudgetExceeded when
        nothing can, and StoreError when the ledger cannot be written: nothing is sent then.
        """
        async with self._queue:
            self.check_open()
            while reason := self._over(self._spent + self._reserved + worst):
                if self._in_flight == 0 or self._hopeless(worst):
                    raise self._exceeded(reason, worst)
                self._settled.clear()
                await self._settled.wait()
                self.check_open()
            entry = self.ledger.open(role, model, worst)
            self._in_flight += 1
            self._reserved += worst
            return entry

    def check_open(self) -> None:
        """Raise when nothing more may be sent, whatever it costs."""
        if self.seconds_left == 0:
            raise BudgetExceeded(
                f"--max-minutes {self._limits.max_minutes:g} reached;"
                " the same command goes on from here"
            )

    async def rest(self, pause: Awaitable[None]) -> None:
        """Await the pause before a repetition. One that can be stopped ends it early."""
        await pause

    def settle_done(self, entry: Entry, usage: Usage) -> None:
        """The call was answered and used this."""
        tokens = usage.prompt_tokens + usage.completion_tokens
        self._release(entry, Spending(1, tokens, usage.usd))
        self.ledger.done(
            entry,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            usd=usage.usd,
        )

    def settle_failed(self, entry: Entry) -> None:
        """The call was refused or never arrived: it counts as a call, and costs nothing."""
        self._release(entry, Spending(calls=1))
        self.ledger.failed(entry)

    def settle_unknown(self, entry: Entry) -> None:
        """Nobody knows whether the call was billed: it counts as spent at its worst."""
        self._release(entry, entry.worst)
        try:
            self.ledger.unknown(entry)
        except StoreError:
            # The row stays open, which means the same from the next opening on; and whatever
            # ended the call is the better story to tell.
            return

    def _release(self, entry: Entry, actual: Spending) -> None:
        self._in_flight -= 1
        # Sums of floats do not come back to zero by themselves.
        self._reserved = self._reserved - entry.worst if self._in_flight else Spending()
        self._spent += actual
        self._settled.set()

    def _over(self, sum: Spending) -> str:
        """Name of the limit that such a sum exceeds."""
        limits = self._limits
        if limits.max_calls is not None and sum.calls > limits.max_calls:
            return f"--max-calls {limits.max_calls}"
        if limits.max_tokens is not None and sum.tokens > limits.max_tokens:
            return f"--max-tokens {limits.max_tokens}"
        if limits.max_usd is not None and sum.usd > limits.max_usd:
            return f"--max-usd {limits.max_usd:g}"
        return ""

    def _hopeless(self, worst: Spending) -> bool:
        """Would not fit even if the calls in flight turned out to be free."""
        calls_in_flight = Spending(calls=self._reserved.calls)  # a call sent stays a call
        return bool(self._over(self._spent + calls_in_flight + worst))

    def _exceeded(self, limit: str, worst: Spending) -> BudgetExceeded:
        flag = limit.split()[0]
        unknown = self.ledger.total
        of_unknown = (
            f" (calls of unknown outcome count at their worst: up to {unknown.unknown_tokens}"
            f" tokens, ${unknown.usd_unknown:.4g})"
            if unknown.unknown
            else ""
        )
        return BudgetExceeded(
            f"{limit} reached: {self._spent.calls} calls, {self._spent.tokens} tokens and"
            f" ${self._spent.usd:.4g} count as spent{of_unknown}, and the next call may take up"
            f" to {worst.tokens} tokens, ${worst.usd:.4g}; the same command with a higher {flag}"
            " goes on from here"
        )
