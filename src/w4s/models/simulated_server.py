"""Any Sampler as an OpenAI-compatible server, with the weather of a real provider.

In: a Sampler, how slow and how faulty the server is, what it lacks. Out: `/v1/chat/completions`,
`/v1/models`, `/health` and `/stats`. The same request and seed give the response that
`InProcess` gives; faults never change what is sampled, only whether it arrives.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from w4s.listening import listening
from w4s.models.base import Choice
from w4s.models.chat_api import ApiError, ChatCall, answer_body, error_body, read_call
from w4s.models.faults import Fault, Faults, Feature, Latency
from w4s.models.sampler import Sampler, Sampling, count_tokens

NO_LATENCY = Latency()
NO_FAULTS = Faults()
SEEDS = 2**31
MAX_BODY_BYTES = 32 * 1024 * 1024
CHAT = "/v1/chat/completions"


class SimulatedServer:
    """One server: a sampler, its weather, and what it counted."""

    def __init__(
        self,
        sampler: Sampler,
        *,
        latency: Latency,
        faults: Faults,
        reject: frozenset[Feature],
        ignore: frozenset[Feature],
        api_key: str | None,
    ) -> None:
        self._sampler = sampler
        self._latency = latency
        self._faults = faults
        self._reject = reject
        self._ignore = ignore
        self._api_key = api_key
        self._calls = 0
        self._refused = 0
        self._answered = 0
        self._abandoned = 0
        self._choices = 0
        self._prompt_tokens = 0
        self._completion_tokens = 0
        self._concurrency = 0
        self._highest_concurrency = 0
        self._fault_counts: Counter[Fault] = Counter()
        self._route_counts: Counter[str] = Counter()
        self.address = ""
        """Scheme, host and port, once it listens."""

    @property
    def url(self) -> str:
        """What a client takes as its base URL."""
        return f"{self.address}/v1"

    def stats(self) -> dict[str, Any]:
        """What was asked and answered so far; the page `/stats`."""
        return {
            "model": self._sampler.name,
            "calls": self._calls,
            "answered": self._answered,
            "refused": self._refused,
            "abandoned": self._abandoned,
            "choices": self._choices,
            "prompt_tokens": self._prompt_tokens,
            "completion_tokens": self._completion_tokens,
            "concurrency": self._concurrency,
            "highest_concurrency": self._highest_concurrency,
            "faults": {fault.value: self._fault_counts[fault] for fault in Fault},
            "routes": dict(sorted(self._route_counts.items())),
        }

    def application(self) -> web.Application:
        """The routes; the caller makes it listen."""
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.router.add_post(CHAT, self._chat)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/health", self._health)
        app.router.add_get("/stats", self._stats_page)
        app.router.add_route("*", "/{path:.*}", self._nowhere)
        return app

    # --- The chat route --------------------------------------------------------------------

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        number = self._calls
        self._calls += 1
        self._route_counts[CHAT] += 1
        self._concurrency += 1
        self._highest_concurrency = max(self._highest_concurrency, self._concurrency)
        try:
            return await self._answer(request, number)
        except ApiError as error:
            self._refused += 1
            return _json_bytes(error.body, status=error.status)
        except asyncio.CancelledError:
            self._abandoned += 1  # the client went away
            raise
        finally:
            self._concurrency -= 1

    async def _answer(self, request: web.Request, number: int) -> web.StreamResponse:
        self._authorise(request)
        raw = await request.read()
        call = read_call(raw, rejected=self._reject)
        fault = self._faults.draw(number)
        if fault is not None:
            self._fault_counts[fault] += 1
        if fault is Fault.OVERLOADED or fault is Fault.SERVER_ERROR:
            return self._early_fault(fault)
        choices = self._sample(call, raw, number)
        await self._wait(choices)
        if fault is Fault.DROPPED:
            return _drop(request)
        answer = answer_body(number, call, choices)
        if fault is Fault.MALFORMED:
            return _malformed(answer, number)
        body = json.dumps(answer).encode()
        if fault is Fault.CUT_BODY:
            return await _cut(request, body)
        self._answered += 1
        self._choices += len(choices)
        self._prompt_tokens += answer["usage"]["prompt_tokens"]
        self._completion_tokens += answer["usage"]["completion_tokens"]
        return _json_bytes(body)

    def _authorise(self, request: web.Request) -> None:
        if self._api_key is None:
            return
        if request.headers.get("Authorization") != f"Bearer {self._api_key}":
            raise ApiError("Incorrect API key provided.", status=401, code="invalid_api_key")

    def _sample(self, call: ChatCall, raw: bytes, number: int) -> list[Choice]:
        seed = None if Feature.SEED in self._ignore else call.seed
        if seed is None:
            # Unseeded requests differ from one another, and yet a run of them can be repeated.
            seed = int.from_bytes(hashlib.sha256(raw + number.to_bytes(8, "big")).digest()[:4])
        json_mode = call.json_mode and Feature.JSON_MODE not in self._ignore
        count = 1 if Feature.N in self._ignore else call.n
        return [
            self._sampler.sample(
                call.messages,
                Sampling(
                    (seed + k) % SEEDS, call.temperature, call.top_p, call.max_tokens, json_mode
                ),
            )
            for k in range(count)
        ]

    async def _wait(self, choices: list[Choice]) -> None:
        seconds = self._latency.seconds(max(count_tokens(choice.text) for choice in choices))
        if seconds > 0:
            await asyncio.sleep(seconds)

    def _early_fault(self, fault: Fault) -> web.Response:
        if fault is Fault.OVERLOADED:
            body = error_body(
                "Rate limit reached; please try again later.",
                type="requests",
                code="rate_limit_exceeded",
            )
            wait = {"Retry-After": f"{self._faults.retry_after_seconds:g}"}
            return _json_bytes(body, status=429, headers=wait)
        body = error_body("The server had an error.", type="server_error")
        return _json_bytes(body, status=500)

    # --- The other routes ------------------------------------------------------------------

    async def _models(self, request: web.Request) -> web.Response:
        self._route_counts["/v1/models"] += 1
        model = {"id": self._sampler.name, "object": "model", "created": 0, "owned_by": "w4s"}
        return web.json_response({"object": "list", "data": [model]})

    async def _health(self, request: web.Request) -> web.Response:
        self._route_counts["/health"] += 1
        return web.json_response({"status": "ok"})

    async def _stats_page(self, request: web.Request) -> web.Response:
        self._route_counts["/stats"] += 1
        return web.json_response(self.stats())

    async def _nowhere(self, request: web.Request) -> web.Response:
        self._route_counts["other"] += 1
        message = f"Unknown request URL: {request.method} {request.path}."
        body = error_body(message, type="invalid_request_error", code="unknown_url")
        return _json_bytes(body, status=404)


@asynccontextmanager
async def running_server(
    sampler: Sampler,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    latency: Latency = NO_LATENCY,
    faults: Faults = NO_FAULTS,
    reject: frozenset[Feature] = frozenset(),
    ignore: frozenset[Feature] = frozenset(),
    api_key: str | None = None,
) -> AsyncIterator[SimulatedServer]:
    """Serve inside the block; port 0 takes any free one.

    `reject`: features whose use is answered with 400. `ignore`: features that are silently left
    out, as some servers do with `n`, JSON mode and `seed` (the others have no meaning here).
    With `api_key`, requests without that key get 401. Raises OSError when the port is taken.
    """
    server = SimulatedServer(
        sampler, latency=latency, faults=faults, reject=reject, ignore=ignore, api_key=api_key
    )
    async with listening(server.application(), host, port) as here:
        server.address = here.address
        yield server


async def serve_forever(
    sampler: Sampler,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    latency: Latency = NO_LATENCY,
    faults: Faults = NO_FAULTS,
    reject: frozenset[Feature] = frozenset(),
    ignore: frozenset[Feature] = frozenset(),
    api_key: str | None = None,
    started: Callable[[SimulatedServer], None] = lambda server: None,
) -> SimulatedServer:
    """Serve until SIGINT or SIGTERM; `started` is called once it listens.

    Returns the server, so that the caller can print its last stats.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)
    for number in signals:
        loop.add_signal_handler(number, stop.set)
    try:
        async with running_server(
            sampler,
            host=host,
            port=port,
            latency=latency,
            faults=faults,
            reject=reject,
            ignore=ignore,
            api_key=api_key,
        ) as server:
            started(server)
            await stop.wait()
            return server
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


def _json_bytes(
    body: bytes, *, status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")


def _malformed(answer: dict[str, Any], number: int) -> web.Response:
    """Two shapes in turn: no JSON at all, and JSON whose choices hold no content."""
    if number % 2:
        return _json_bytes(b"<html><body>upstream connect error</body></html>")
    for choice in answer["choices"]:
        choice["message"]["content"] = None
    return _json_bytes(json.dumps(answer).encode())


def _drop(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()  # goes nowhere


async def _cut(request: web.Request, body: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response
