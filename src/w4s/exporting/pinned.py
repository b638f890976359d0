"""The model of an exported file: one model of one server, through the `openai` package.

In: a Request. Out: a Reply, or the ProviderError of the last attempt. What may be sent, what a
refusal means and how a reply is read is the package's own code; here is only the sending.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from w4s.errors import Overloaded, ProviderError, Rejected, ServerFault, Unsupported
from w4s.models.base import Reply, Request
from w4s.models.endpoint.features import Features, body, features_of, lesson
from w4s.models.endpoint.refusals import Refusal, read_refusal, status_error
from w4s.models.endpoint.replies import ErrorInstead, read_reply

ATTEMPTS = 8
MOST_REFUSALS = 12
"""Refusals of features in one call, after which the server refuses without learning."""
LONGEST_PAUSE_SECONDS = 60.0
REQUEST_SECONDS = 600.0


class PinnedModel:
    """One model of one server, through the `openai` package.

    Repeats what may succeed the next time, and learns what the server lacks from its refusals."""

    def __init__(self, model: str, base_url: str, key: str) -> None:
        import openai  # here, because the processes that run programs must not wait for it

        self._model = model
        self._where = urlsplit(base_url).hostname or ""
        self._features = features_of(self._where)
        self._client = openai.AsyncOpenAI(
            api_key=key or "none", base_url=base_url, max_retries=0, timeout=REQUEST_SECONDS
        )

    @property
    def name(self) -> str:
        return f"openai:{self._model}@{self._where}"

    async def complete(self, request: Request) -> Reply:
        for attempt in range(ATTEMPTS):
            try:
                return await self._attempt(request)
            except (Overloaded, ServerFault) as error:
                if attempt == ATTEMPTS - 1:
                    raise
                pause = max(error.retry_after or 0.0, 0.5 * 2**attempt)
                await asyncio.sleep(min(pause, LONGEST_PAUSE_SECONDS))
        raise AssertionError("the last attempt returns or raises")

    async def aclose(self) -> None:
        await self._client.close()

    async def _attempt(self, request: Request) -> Reply:
        """Send until the server has refused no feature; such refusals are no failed attempts."""
        for _ in range(MOST_REFUSALS):
            with contextlib.suppress(Unsupported):
                return await self._ask(request)
        raise Rejected(f"{self._where} goes on refusing features")

    async def _ask(self, request: Request) -> Reply:
        sent = body(self._model, request, self._features)
        text = await self._post(sent)
        try:
            reply = read_reply(text, request)
        except ErrorInstead as instead:
            raise self._error(read_refusal(instead.status, {}, instead.text), sent) from None
        except ValueError as error:
            raise ServerFault(f"{self._where} sent no usable answer: {error}") from None
        if "n" in sent and len(reply.choices) == 1:
            self._features = replace(self._features, n=False)
        return reply

    async def _post(self, sent: dict[str, Any]) -> str:
        """The body of the answer."""
        import openai

        try:
            answer = await self._client.chat.completions.with_raw_response.create(**sent)
        except openai.APIStatusError as error:
            answered = error.response
            refusal = read_refusal(answered.status_code, answered.headers, answered.text)
            raise self._error(refusal, sent) from None
        except openai.APIConnectionError as error:
            raise ServerFault(f"no answer from {self._where}: {error.__cause__ or error}") from None
        return str(answer.text)

    def _error(self, refusal: Refusal, sent: dict[str, Any]) -> ProviderError:
        if refusal.may_be_of_a_feature:
            learned: Features | None = lesson(self._features, sent, refusal.text, refusal.param)
            if learned is not None:
                self._features = learned
                return Unsupported(refusal.message)
        return status_error(refusal, self._where)
