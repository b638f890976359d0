"""A way to run one coroutine against a fresh sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
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


@pytest.fixture
def in_sandbox() -> InSandbox[T]:
    def run(story: Callable[[PythonSandbox], Awaitable[T]]) -> T:
        async def main() -> T:
            sandbox = PythonSandbox(PRELUDE)
            try:
                return await story(sandbox)
            finally:
                await sandbox.aclose()

        return asyncio.run(main())

    return run
