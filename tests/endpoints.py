"""Small OpenAI-compatible servers on real sockets, each with one habit of its own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from w4s.config import Limits
from w4s.models.base import Identity, Purpose, Request
from w4s.types import Message

Body = dict[str, Any]
Habit = Callable[[web.Request, Body], Awaitable[web.StreamResponse]]
"""How a server answers one request."""


@dataclass(slots=True)
class Endpoint:
    """A server under way, and what it was asked."""

    url: str = ""
    bodies: list[Body] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    """The Authorization headers."""


@asynccontextmanager
async def endpoint(habit: Habit, port: int = 0) -> AsyncIterator[Endpoint]:
    """Serve on a free port inside the block."""
    served = Endpoint()

    async def chat(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        served.bodies.append(body)
        served.keys.append(request.headers.get("Authorization"))
        return await habit(request, body)

    app = web.Application()
    app.router.add_post("/v1/chat/completions", chat)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        served.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        yield served
    finally:
        await runner.cleanup()


async def answers(request: web.Request, body: Body) -> web.StreamResponse:
    """Answers everything; each response tells its seed."""
    return said([text_of(body, k) for k in range(body.get("n", 1))])


def text_of(body: Body, k: int = 0) -> str:
    """A response that depends on the question and the seed."""
    return f"{body['messages'][-1]['content']} -> {body.get('seed', 0) + k}"


def said(texts: Sequence[str | None], finish: str = "stop", **more: Any) -> web.Response:
    """A well-formed answer with these responses."""
    choices = [
        {"index": k, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
        for k, text in enumerate(texts)
    ]
    usage = {"prompt_tokens": 11, "completion_tokens": 7 * len(texts)}
    return web.json_response({"choices": choices, "usage": usage} | more)


def refused(
    status: int, message: str, headers: dict[str, str] | None = None, **fields: Any
) -> web.Response:
    """An error in OpenAI's form."""
    return web.json_response(
        {"error": {"message": message, **fields}}, status=status, headers=headers
    )


def in_turn(*habits: Habit) -> Habit:
    """One habit a request, the last for all that follow."""
    left = list(habits)

    async def habit(request: web.Request, body: Body) -> web.StreamResponse:
        return await (left.pop(0) if len(left) > 1 else left[0])(request, body)

    return habit


def always(response: Callable[[], web.StreamResponse]) -> Habit:
    """The same answer to everything."""

    async def habit(request: web.Request, body: Body) -> web.StreamResponse:
        return response()

    return habit


async def drops(request: web.Request, body: Body) -> web.StreamResponse:
    """Closes the connection without a word."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def cuts(request: web.Request, body: Body) -> web.StreamResponse:
    """Closes the connection in the middle of the answer."""
    whole = json.dumps({"choices": [{"message": {"content": "x" * 500}}]}).encode()
    response = web.StreamResponse(headers={"Content-Length": str(len(whole))})
    await response.prepare(request)
    await response.write(whole[:100])
    assert request.transport is not None
    request.transport.close()
    return response


def question(text: str = "2 + 2?", seed: int = 0, **fields: Any) -> Request:
    """A request with an identity of its own for each text."""
    identity = Identity(seed, Purpose.VALIDATE, workflow="w", problem=text)
    messages = (Message("system", "Answer in JSON."), Message("user", text))
    return Request(messages, identity, **fields)


def caps(**settings: object) -> Limits:
    """Spending limits, all others off."""
    return Limits.resolve(settings)
