"""The package's own workflows, played through in this process with a stand-in for the executor.

In: a baseline and some problems. Out: how many calls it makes and how long prompts and replies
are. Nothing leaves the machine and no sandbox is needed, because these workflows are our own code;
nobody else's is ever run here. The stand-in is the simulated executor, so the lengths of replies
are its, not those of the model that will be asked.
"""

from __future__ import annotations

import importlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from w4s.agent import PASSED, make_agent
from w4s.models.sampler import Sampler, Sampling, count_prompt_tokens, count_tokens
from w4s.tasks.base import Interface
from w4s.types import Message, Problem

PASS_SHARE = 0.75
"""How often a program passes its public tests, which some workflows repeat it for."""


@dataclass(slots=True)
class Rehearsed:
    """What solver calls of one workflow asked for."""

    solver_calls: int = 0
    calls: int = 0
    choices: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    most_calls: int = 0
    """Of one solver call."""


def rehearse(
    name: str, problems: Sequence[Problem], interface: Interface, executor: Sampler
) -> Rehearsed:
    """Play a baseline of the package through, problem by problem."""
    solver: Callable[..., Any] = importlib.import_module(f"w4s.workflows.{name}").solver
    rehearsed = Rehearsed()
    for number, problem in enumerate(problems):
        stage = _Stage(executor, random.Random(f"{name} {number}"), rehearsed)
        arguments = {"task": problem.question}
        if interface is Interface.CODE:
            arguments["entry_point"] = problem.entry_point or "solution"
        before = rehearsed.calls
        solver(make_agent(stage), **arguments)
        rehearsed.solver_calls += 1
        rehearsed.most_calls = max(rehearsed.most_calls, rehearsed.calls - before)
    return rehearsed


@dataclass(slots=True)
class _Stage:
    """The host's side of one solver call, as far as the baselines can tell."""

    executor: Sampler
    rng: random.Random
    counted: Rehearsed
    _methods: dict[str, Callable[..., Any]] = field(init=False)

    def __post_init__(self) -> None:
        self._methods = {
            "llm": self._llm,
            "execute": self._execute,
            "run_public_tests": self._run_public_tests,
        }

    def __call__(self, method: str, **arguments: Any) -> Any:
        return self._methods[method](**arguments)

    def _llm(
        self,
        *,
        messages: Sequence[dict[str, str]],
        temperature: float,
        max_tokens: int,
        n: int,
        json_mode: bool,
    ) -> list[str]:
        conversation = [Message(m["role"], m["content"]) for m in messages]
        texts = [
            self.executor.sample(
                conversation,
                Sampling(
                    self.rng.getrandbits(31),
                    temperature,
                    max_tokens=max_tokens,
                    json_mode=json_mode,
                ),
            ).text
            for _ in range(n)
        ]
        counted = self.counted
        counted.calls += 1
        counted.choices += n
        counted.prompt_tokens += count_prompt_tokens(conversation)
        counted.completion_tokens += sum(map(count_tokens, texts))
        return texts

    def _execute(self, *, code: str, timeout: float) -> str:
        """Programs of the stand-in are not run: what they find changes no number of calls."""
        return "42"

    def _run_public_tests(self, *, solution: str, entry_point: str) -> str:
        return PASSED if self.rng.random() < PASS_SHARE else "AssertionError: 1 of 3 tests failed"
