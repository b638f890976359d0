"""Answer questions with a workflow, so many at a time, each within its limits.

In: Questions. Out: Answers, or the ApiError that a client can act on. The workflow runs behind the
same walls as in a search. Nothing here knows of HTTP beyond the status of an error.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from w4s.answering import NotAnswered, answer_of, unjudged
from w4s.errors import AccessDenied, BudgetExceeded, ProviderDown, W4sError
from w4s.executor import Executor
from w4s.models.base import Purpose
from w4s.models.chat_api import ApiError
from w4s.models.metering.prices import Price
from w4s.runner import Runner
from w4s.sandbox.base import Limits
from w4s.serving.purse import Purse, RequestTooDear
from w4s.serving.requests import Question
from w4s.types import Outcome, Status, Usage, Workflow

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a service takes on."""

    concurrency: int = 64
    """Requests worked on at a time."""
    queue: int = 1024
    """Requests that may wait; more are refused."""
    request_seconds: float = 300.0
    """For one request, the waiting included."""
    request_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a workflow said, and what that took."""

    text: str
    usage: Usage


@dataclass(slots=True)
class Counts:
    """What a service has done so far."""

    answered: int = 0
    failed: int = 0
    """Requests that were taken on and got an error."""
    refused: int = 0
    """Requests that found the queue full, or the service about to end."""
    abandoned: int = 0
    """Requests whose client went away."""
    usage: Usage = field(default_factory=Usage)
    """Of the answered ones."""


class Final(ApiError):
    """An error that the same request would meet again: clients should not repeat it."""


class Service:
    """One workflow at work. Belongs to one event loop."""

    def __init__(
        self,
        workflow: Workflow,
        executor: Executor,
        limits: Limits,
        capacity: Capacity,
        price: Price,
    ) -> None:
        self._workflow = workflow
        self._executor = executor
        self._limits = limits
        self._capacity = capacity
        self._price = price
        self._places = asyncio.Semaphore(capacity.concurrency)
        self._idle = asyncio.Event()
        self._idle.set()
        self._taken_on = 0
        self.running = 0
        self.counts = Counts()
        self.ending = False
        """Takes on nothing new."""

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return self._taken_on - self.running

    async def answer(self, question: Question) -> Answer:
        """Raises ApiError; cancelling kills the workflow's process."""
        async with self._place():
            try:
                outcome = await self._run(question)
                answer = Answer(answer_of(outcome), outcome.usage)
            except asyncio.CancelledError:
                self.counts.abandoned += 1
                raise
            except Exception as error:
                self.counts.failed += 1
                raise _told(error, self._capacity) from error
        self.counts.answered += 1
        self.counts.usage += answer.usage
        return answer

    async def end(self) -> None:
        """Take on nothing new, and wait for what is under way."""
        self.ending = True
        await self._idle.wait()

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """A place among those taken on; ApiError when there is none."""
        if self.ending:
            self.counts.refused += 1
            raise ApiError(
                "The server is shutting down.", status=503, type="server_error", code="ending"
            )
        if self._taken_on >= self._capacity.concurrency + self._capacity.queue:
            self.counts.refused += 1
            raise ApiError(
                "Too many requests are waiting; please try again later.",
                status=429,
                type="requests",
                code="rate_limit_exceeded",
            )
        self._taken_on += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._taken_on -= 1
            if self._taken_on == 0:
                self._idle.set()

    async def _run(self, question: Question) -> Outcome:
        async with asyncio.timeout(self._capacity.request_seconds), self._places:
            self.running += 1
            try:
                runner = Runner(self._executor_of_request(), unjudged, self._limits)
                return await runner.run(
                    self._workflow, question.problem, Purpose.USE, question.trial
                )
            finally:
                self.running -= 1

    def _executor_of_request(self) -> Executor:
        limit = self._capacity.request_usd
        if limit is None:
            return self._executor
        return replace(self._executor, model=Purse(self._executor.model, self._price, limit))


def _told(error: Exception, capacity: Capacity) -> ApiError:
    """What a client learns of an error: nothing of the server's keys and paths."""
    match error:
        case TimeoutError():
            limit = f"{capacity.request_seconds:g}"
            return _final(504, f"No answer within {limit} seconds.", "request_timeout")
        case RequestTooDear():
            return _final(422, f"Given up: {error}.", "request_cost_limit")
        case BudgetExceeded():
            _log.warning("%s", error)
            return Final(
                "The server has spent what it may spend.",
                status=429,
                type="insufficient_quota",
                code="insufficient_quota",
            )
        case AccessDenied():
            _log.error("%s", error)
            return _final(
                502, "The model behind the workflow refuses the server.", "model_access_denied"
            )
        case ProviderDown():
            _log.error("%s", error)
            return _failure(502, "The model behind the workflow is down.", "model_unavailable")
        case NotAnswered():
            return _of_outcome(error.outcome)
        case W4sError():
            _log.error("%s", error)
    if not isinstance(error, W4sError):
        _log.exception("an error that is nobody's but ours")
    return _failure(500, "The server had an error.", "internal_error")


def _of_outcome(outcome: Outcome) -> ApiError:
    if outcome.status is not Status.UNSCORED:
        return _final(
            500,
            f"The workflow gave no answer ({outcome.status.value}): {outcome.trouble}",
            "workflow_failed",
        )
    _log.error("%s", outcome.trouble)
    if outcome.trouble is not None and outcome.trouble.type == "Rejected":
        return _final(502, "The model behind the workflow refuses this question.", "model_rejected")
    return _failure(502, "The model behind the workflow is not reached.", "model_unavailable")


def _failure(status: int, message: str, code: str) -> ApiError:
    return ApiError(message, status=status, type="server_error", code=code)


def _final(status: int, message: str, code: str) -> Final:
    return Final(message, status=status, type="server_error", code=code)
