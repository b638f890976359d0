"""A served workflow in this process: real sandbox, real sockets, an executor that is a function."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, TypeVar

import pytest

from w4s.answering import wants_entry_point
from w4s.executor import Executor
from w4s.models.base import Choice, Model, Reply, Request
from w4s.models.metering.prices import FREE, Price
from w4s.sandbox import open_sandbox
from w4s.sandbox.base import Limits
from w4s.serving.server import Front, Server, serving
from w4s.serving.service import Capacity, Service
from w4s.types import Usage, Workflow

T = TypeVar("T")

MODEL = "w4s-test"
ECHO = """
def solver(agent, task):
    return {"answer": agent.call_llm(messages=[{"role": "user", "content": task}])[0]}
"""


class Talking:
    """A model that says a function of the request, after a while if wanted."""

    name = "talking"

    def __init__(
        self,
        say: Callable[[Request], str] = lambda request: f"you said: {request.messages[-1].content}",
        seconds: float = 0.0,
        usd: float = 0.0,
    ) -> None:
        self._say = say
        self._seconds = seconds
        self._usd = usd
        self.requests: list[Request] = []
        self.at_work = 0
        self.most_at_work = 0

    async def complete(self, request: Request) -> Reply:
        self.requests.append(request)
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            await asyncio.sleep(self._seconds)
            text = self._say(request)
        finally:
            self.at_work -= 1
        return Reply(tuple(Choice(text) for _ in range(request.n)), Usage(1, 0, 10, 5, self._usd))

    async def aclose(self) -> None:
        """Nothing is held."""


@dataclass(frozen=True)
class Served:
    """A server under way."""

    url: str
    service: Service


class House:
    """One event loop and one sandbox for many tests: both take time to start."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self._runner = runner
        prelude = files("w4s").joinpath("agent.py").read_text("utf-8")
        self.sandbox = runner.run(open_sandbox(prelude=prelude))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def close(self) -> None:
        self._runner.run(self.sandbox.aclose())

    @asynccontextmanager
    async def served(
        self,
        model: Model,
        code: str = ECHO,
        *,
        capacity: Capacity | None = None,
        key: str | None = None,
        price: Price = FREE,
        heartbeat_seconds: float = 10.0,
        seconds: float = 5.0,
    ) -> AsyncIterator[Served]:
        """Serve a workflow on a free port inside the block."""
        workflow = Workflow(code)
        service = Service(
            workflow,
            Executor(model, self.sandbox, seed=0),
            Limits(seconds=seconds),
            capacity or Capacity(),
            price,
        )
        front = Front(MODEL, writes_code=wants_entry_point(workflow), key=key)
        server = Server(service, front, heartbeat_seconds)
        async with serving(server, "127.0.0.1", 0):
            yield Served(server.url, service)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """The house that the tests of one file share."""
    with asyncio.Runner() as runner:
        house = House(runner)
        try:
            yield house
        finally:
            house.close()
