"""A Service behind an address: routes, keys, streams, and an end in good order.

In: a Service. Out: `/v1/chat/completions`, `/v1/models` and `/health`, as OpenAI's clients know
them. On aiohttp, which this package calls models with anyway, in the event loop of the sandbox.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import signal
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from w4s.listening import Listening, listening
from w4s.models.chat_api import ApiError
from w4s.serving.bodies import STILL_WORKING, Heading, completion, events
from w4s.serving.requests import Question, read_question
from w4s.serving.service import Answer, Final, Service
from w4s.serving.settings import Reading

MAX_BODY_BYTES = 2 * 1024 * 1024
RETRY_AFTER_SECONDS = 2
HEARTBEAT_SECONDS = 10.0
CHAT = "/v1/chat/completions"
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Front:
    """How a service shows itself."""

    model: str
    """Name that clients ask for."""
    reading: Reading = Reading.CONVERSATION
    writes_code: bool = False
    """The workflow has to know the name of a function."""
    key: str | None = None
    """What clients must send as their API key; None: nothing."""

    def __repr__(self) -> str:
        return f"Front({self.model!r}, key={'…' if self.key else None})"


class Server:
    """The routes of one service."""

    def __init__(
        self, service: Service, front: Front, heartbeat_seconds: float = HEARTBEAT_SECONDS
    ) -> None:
        self._service = service
        self._front = front
        self._heartbeat_seconds = heartbeat_seconds
        self._created = int(time.time())
        self.address = ""
        """Scheme, host and port, once it listens."""

    @property
    def url(self) -> str:
        """What a client takes as its base URL."""
        return f"{self.address}/v1"

    def application(self) -> web.Application:
        """The routes; the caller makes it listen."""
        app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[self._errors])
        app.router.add_post(CHAT, self._chat)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/v1/models/{name:.+}", self._model)
        app.router.add_get("/health", self._health)
        return app

    # --- Routes ----------------------------------------------------------------------------

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        self._authorise(request)
        question = read_question(
            await request.read(),
            model=self._front.model,
            reading=self._front.reading,
            writes_code=self._front.writes_code,
        )
        heading = Heading(f"chatcmpl-{uuid.uuid4().hex}", self._front.model, int(time.time()))
        headers = {"X-W4S-Ignored": ", ".join(question.ignored)} if question.ignored else {}
        if question.stream:
            return await self._stream(request, question, heading, headers)
        answer = await self._service.answer(question)
        return web.json_response(completion(heading, answer), headers=headers)

    async def _stream(
        self, request: web.Request, question: Question, heading: Heading, headers: dict[str, str]
    ) -> web.StreamResponse:
        """An error that comes before the first heartbeat has its own status; a later one is an
        event, as the protocol has it."""
        work = asyncio.ensure_future(self._service.answer(question))
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache", **headers}
        )
        try:
            while not (await asyncio.wait({work}, timeout=self._heartbeat_seconds))[0]:
                if not response.prepared:
                    await response.prepare(request)
                await response.write(STILL_WORKING)
            if not response.prepared:
                work.result()
                await response.prepare(request)
            for event in _events(work, heading, question):
                await response.write(event)
            await response.write_eof()
        finally:
            work.cancel()
        return response

    async def _models(self, request: web.Request) -> web.Response:
        self._authorise(request)
        return web.json_response({"object": "list", "data": [self._model_body()]})

    async def _model(self, request: web.Request) -> web.Response:
        self._authorise(request)
        name = request.match_info["name"]
        if name != self._front.model:
            raise ApiError(
                f"The model '{name}' does not exist.", status=404, code="model_not_found"
            )
        return web.json_response(self._model_body())

    async def _health(self, request: web.Request) -> web.Response:
        """For whoever watches the server; figures only for those with the key."""
        service, counts = self._service, self._service.counts
        told: dict[str, object] = {"status": "ending" if service.ending else "ok"}
        with contextlib.suppress(ApiError):
            self._authorise(request)
            told |= {
                "running": service.running,
                "waiting": service.waiting,
                "answered": counts.answered,
                "failed": counts.failed,
                "refused": counts.refused,
                "abandoned": counts.abandoned,
                "calls": counts.usage.calls,
                "usd": counts.usage.usd,
            }
        return web.json_response(told, status=503 if service.ending else 200)

    def _model_body(self) -> dict[str, object]:
        return {
            "id": self._front.model,
            "object": "model",
            "created": self._created,
            "owned_by": "w4s",
        }

    # --- Keys and errors -------------------------------------------------------------------

    def _authorise(self, request: web.Request) -> None:
        if self._front.key is None:
            return
        sent = request.headers.get("Authorization", "").encode(errors="replace")
        if not hmac.compare_digest(sent, f"Bearer {self._front.key}".encode()):
            raise ApiError("Incorrect API key provided.", status=401, code="invalid_api_key")

    @web.middleware
    async def _errors(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        """Every refusal in the shape of the API."""
        try:
            return await handler(request)
        except ApiError as error:
            return _refusal(error)
        except web.HTTPException as error:
            return _refusal(_of_framework(error, request))


def _events(work: asyncio.Future[Answer], heading: Heading, question: Question) -> list[bytes]:
    try:
        answer = work.result()
    except ApiError as error:
        return [b"data: " + error.body + b"\n\n"]
    return list(events(heading, answer, include_usage=question.include_usage))


def _refusal(error: ApiError) -> web.Response:
    headers = {}
    if isinstance(error, Final):
        headers["x-should-retry"] = "false"  # the openai package heeds it
    elif error.status in (429, 503):
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return web.Response(
        body=error.body, status=error.status, headers=headers, content_type="application/json"
    )


def _of_framework(error: web.HTTPException, request: web.Request) -> ApiError:
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return ApiError(
            f"The body may hold at most {MAX_BODY_BYTES} bytes.",
            status=413,
            code="request_too_large",
        )
    if error.status in (404, 405):
        return ApiError(
            f"Unknown request URL: {request.method} {request.path}.",
            status=error.status,
            code="unknown_url",
        )
    return ApiError(error.reason, status=error.status)


# --- Listening -----------------------------------------------------------------------------


@asynccontextmanager
async def serving(server: Server, host: str, port: int) -> AsyncIterator[Listening]:
    """Serve inside the block; port 0 takes any free one. Raises OSError when it is taken."""
    async with listening(server.application(), host, port, shutdown_seconds=1.0) as here:
        server.address = here.address
        yield here


async def serve_until_stopped(
    service: Service,
    server: Server,
    host: str,
    port: int,
    *,
    drain_seconds: float,
    started: Callable[[], None],
    say: Callable[[str], None],
) -> None:
    """Serve until SIGINT or SIGTERM, then finish what is under way; a second one ends at once."""
    loop = asyncio.get_running_loop()
    asked, insisted = asyncio.Event(), asyncio.Event()

    def stop() -> None:
        (insisted if asked.is_set() else asked).set()

    for number in _SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        async with serving(server, host, port) as here:
            started()
            await asked.wait()
            say(
                f"ending: {service.running + service.waiting} requests under way come to their"
                " end; Ctrl-C again ends at once"
            )
            await here.site.stop()
            ended = asyncio.ensure_future(service.end())
            cut = asyncio.ensure_future(insisted.wait())
            await asyncio.wait(
                {ended, cut}, timeout=drain_seconds, return_when=asyncio.FIRST_COMPLETED
            )
            ended.cancel()
            cut.cancel()
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
