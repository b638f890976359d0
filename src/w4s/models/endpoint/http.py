"""Models behind an OpenAI-compatible endpoint: vendors, vLLM, SGLang, Ollama, llama.cpp.

In: a Request. Out: a Reply, or the ProviderError that says what the failure means. One request
is sent once: places, money and repetition belong to `models.metering`. What the server lacks is
learned from its refusals and kept for the life of this object; a refused feature raises
Unsupported, and the same request then goes without it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from w4s.errors import ProviderError, ServerFault, Unsupported
from w4s.models.base import Identity, Purpose, Reply, Request
from w4s.models.endpoint.features import Features, body, features_of, lesson
from w4s.models.endpoint.refusals import Refusal, connection_error, read_refusal, status_error
from w4s.models.endpoint.replies import ErrorInstead, read_reply
from w4s.types import Message

OPENAI_URL = "https://api.openai.com/v1"
TIMEOUT_SECONDS = 600.0
CONNECT_SECONDS = 10.0
MOST_LESSONS = 12

_log = logging.getLogger(__name__)


class HttpModel:
    """One model of one server.

    `complete` raises Overloaded, ServerFault, Unsupported, Rejected or AccessDenied. A reply may
    hold fewer choices than asked for (see `models.choices`). The key never shows: not in the
    name, not in `repr`, not in an error.
    """

    def __init__(
        self,
        model: str,
        base_url: str | None,
        api_key: str,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        token_ids: bool = False,
        scout: bool = False,
    ) -> None:
        """`base_url` None is OpenAI's own; an `api_key` of "" is for servers that need none.

        `timeout_seconds` bounds a whole call. `token_ids` asks for the ids of prompt and reply,
        which vLLM gives. With `scout` the first call goes alone and all others wait for it: what
        the server refuses is then refused to one, where a crowd would have to pay for each.
        """
        url = urlsplit(base_url or OPENAI_URL)
        self._model = model
        self._where = url.hostname or ""
        self._url = url._replace(netloc=url.netloc.rpartition("@")[2], query="").geturl()
        self._key = api_key
        self._timeout_seconds = timeout_seconds
        self._features = replace(features_of(self._where), token_ids=token_ids)
        self._scouting = asyncio.Lock() if scout else None
        self._root = (base_url or OPENAI_URL).rstrip("/")
        self._endpoint = f"{self._root}/chat/completions"
        self._proxy = _proxy_for(url.scheme, self._where)
        self._session: aiohttp.ClientSession | None = None

    def __repr__(self) -> str:
        return f"HttpModel({self._model!r}, {self._url!r}, api_key=…)"

    @property
    def name(self) -> str:
        return f"openai:{self._model}@{self._url}"

    @property
    def features(self) -> Features:
        """What is known of the server so far; at first the best is assumed."""
        return self._features

    async def complete(self, request: Request) -> Reply:
        if self._scouting is not None:
            async with self._scouting:
                if self._scouting is not None:
                    return await self._scout(request)
        return await self._ask(request)

    async def probe(self) -> Features:
        """Find out what the server supports, with as few tiny calls as that takes.

        Raises the ProviderError of the first call that fails for another reason.
        """
        question = Message("user", 'Reply with the JSON object {"ok": true} and nothing else.')
        request = Request(
            (Message("system", "You answer in JSON."), question),
            Identity(0, Purpose.PROBE),
            temperature=0.5,
            top_p=0.9,
            max_tokens=64,
            n=2,
            json_mode=True,
        )
        for _ in range(MOST_LESSONS):
            try:
                await self.complete(request)
            except Unsupported:
                continue
            return self._features
        raise ServerFault(f"{self._where} goes on refusing features")

    async def offered(self) -> dict[str, dict[str, Any]]:
        """The models that the server lists, each with what it says of it; empty where it keeps no
        list. Free of charge. Raises AccessDenied for a bad key, ServerFault without a server."""
        status, headers, text = await self._exchange("GET", f"{self._root}/models")
        if status in (401, 403):
            raise self._masked(status_error(read_refusal(status, headers, text), self._where))
        try:
            listed = json.loads(text)["data"]
            return {str(model["id"]): dict(model) for model in listed}
        except (ValueError, TypeError, KeyError):
            return {}

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _scout(self, request: Request) -> Reply:
        """Ask alone, until anything but the lack of a feature comes back."""
        try:
            reply = await self._ask(request)
        except Unsupported:
            raise
        except BaseException:
            self._scouting = None
            raise
        self._scouting = None
        return reply

    async def _ask(self, request: Request) -> Reply:
        sent = body(self._model, request, self._features)
        text = await self._post(sent)
        try:
            reply = read_reply(text, request)
        except ErrorInstead as instead:
            raise self._error(read_refusal(instead.status, {}, instead.text), sent) from None
        except ValueError as error:
            raise self._masked(
                ServerFault(f"{self._where} sent no usable answer: {error}", unknown=True)
            ) from None
        if "n" in sent and len(reply.choices) == 1:
            self._learn(replace(self._features, n=False), "returns one choice whatever n says")
        return reply

    async def _post(self, sent: Mapping[str, Any]) -> str:
        """The body of the answer."""
        status, headers, text = await self._exchange(
            "POST", self._endpoint, json.dumps(sent).encode()
        )
        if status < 400:
            return text
        raise self._error(read_refusal(status, headers, text), sent)

    async def _exchange(
        self, method: str, url: str, body: bytes | None = None
    ) -> tuple[int, Mapping[str, str], str]:
        """Status, headers and text of the answer to one HTTP request."""
        if self._session is None:
            self._session = self._open_session()
        try:
            # The session's timeout bounds the connecting, this one the whole call.
            async with (
                asyncio.timeout(self._timeout_seconds),
                self._session.request(method, url, data=body, proxy=self._proxy) as answer,
            ):
                text = await answer.text("utf-8", errors="replace")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._masked(
                connection_error(error, self._where, self._timeout_seconds)
            ) from None
        return answer.status, answer.headers, text

    def _open_session(self) -> aiohttp.ClientSession:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        return aiohttp.ClientSession(
            headers=headers,
            connector=aiohttp.TCPConnector(limit=0),  # how many calls at once is decided elsewhere
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
        )

    def _error(self, refusal: Refusal, sent: Mapping[str, Any]) -> ProviderError:
        if refusal.may_be_of_a_feature:
            learned = lesson(self._features, sent, refusal.text, refusal.param)
            if learned is not None:
                self._learn(learned, refusal.message)
                return self._masked(Unsupported(f"{self._where}: {refusal.message}"))
        return self._masked(status_error(refusal, self._where))

    def _learn(self, features: Features, reason: str) -> None:
        if features != self._features:
            self._features = features
            _log.info("%s: going on without a feature: %s", self._where, self._mask(reason))

    def _masked(self, error: ProviderError) -> ProviderError:
        error.args = tuple(self._mask(str(arg)) for arg in error.args)
        return error

    def _mask(self, text: str) -> str:
        return text.replace(self._key, "…") if self._key else text


def _proxy_for(scheme: str, host: str) -> str | None:
    """The proxy that the environment names for a host. Read once: aiohttp's own way does so for
    each call, in a thread, and would send a password from ~/.netrc in place of the key."""
    return None if proxy_bypass(host) else getproxies().get(scheme)
