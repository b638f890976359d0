"""A way to run one coroutine against a fresh sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import pytest

from w4s.sandbox.host import PythonSandbox

T = TypeVar("T")

PRELUDE = """
class Agent:
    def __init__(self, call):
        self._call = call

    def ask(self, question):
        return self._call("ask", question=question)


def make_agent(call):
    return Agent(call)
"""

InSandbox = Callable[[Callable[[PythonSandbox], Awaitable[T]]], T]


@pytest.fixture(scope="module")
def in_sandbox() -> Iterator[InSandbox[T]]:
    """Run a coroutine function against the sandbox that the module's tests share."""
    with asyncio.Runner() as runner:

        async def up() -> PythonSandbox:
            sandbox = PythonSandbox(PRELUDE)
            await sandbox.start()
            return sandbox

        sandbox = runner.run(up())

        async def told(story: Callable[[PythonSandbox], Awaitable[T]]) -> T:
            return await story(sandbox)

        yield lambda story: runner.run(told(story))
        runner.run(sandbox.aclose())
