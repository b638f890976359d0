"""A small world for the tests of the decision process: real sandbox, scripted executor.

The task is to add one to a number. The executor answers from a function of its conversation.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.resources import files

from w4s.errors import ProviderError
from w4s.evaluation import Evaluator
from w4s.executor import Allowance, Executor
from w4s.models.base import Choice, Reply, Request
from w4s.runner import Runner
from w4s.sandbox import open_sandbox
from w4s.sandbox.base import Limits, Sandbox
from w4s.types import Message, Problem, Score, Usage

Answer = Callable[[Sequence[Message], int], str]
"""From a conversation and a seed to a reply; may raise a ProviderError."""


def asked_number(messages: Sequence[Message]) -> int:
    return int(messages[-1].content.split()[-1].rstrip("?"))


def right(messages: Sequence[Message], seed: int) -> str:
    return f'{{"answer": "{asked_number(messages) + 1}"}}'


class Answering:
    """A model that answers from a function, and keeps the requests."""

    name = "answering"

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.requests: list[Request] = []

    async def complete(self, request: Request) -> Reply:
        self.requests.append(request)
        texts = [self.answer(request.messages, request.seed + k) for k in range(request.n)]
        return Reply(tuple(Choice(text) for text in texts), Usage(1, 0, 10, 5, 0.0))

    async def aclose(self) -> None:
        """Nothing is held."""


async def compare(problem: Problem, answer: str, sandbox: Sandbox) -> Score:
    return Score(float(answer == problem.target), answer, "compared as text")


def problems(start: int, count: int) -> tuple[Problem, ...]:
    return tuple(
        Problem(f"n{i}", f"plus_one/{i}", f"What is one more than {i}?", str(i + 1))
        for i in range(start, start + count)
    )


class World:
    """Everything an evaluation needs."""

    def __init__(self, model: Answering, sandbox: Sandbox, limits: Limits, allowance: Allowance):
        self.model = model
        self.sandbox = sandbox
        self.executor = Executor(model, sandbox, seed=0, allowance=allowance)
        self.runner = Runner(self.executor, compare, limits)
        self.evaluator = Evaluator(self.runner)


@asynccontextmanager
async def world(
    answer: Answer = right, limits: Limits | None = None, allowance: Allowance | None = None
) -> AsyncIterator[World]:
    """A sandbox and everything above it."""
    prelude = files("w4s").joinpath("agent.py").read_text("utf-8")
    sandbox = await open_sandbox(prelude=prelude)
    try:
        yield World(
            Answering(answer), sandbox, limits or Limits(seconds=5), allowance or Allowance()
        )
    finally:
        await sandbox.aclose()


def broken_on_threes(messages: Sequence[Message], seed: int) -> str:
    """A provider that fails for good on every number that ends in 3."""
    if asked_number(messages) % 10 == 3:
        raise ProviderError("500 for good")
    return right(messages, seed)
