"""What a task is: its words, its problems in disjoint sets, its score.

In: a name or a user's file (see the other modules of this folder). Out: a Task. Search gets
the `SearchSet`, collection gets `training`; the sealed test problems come out of `sealed` only,
and only the `test` command opens it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from w4s.models.answer_book import AnswerKey
from w4s.sandbox.base import Sandbox
from w4s.types import JSON, Problem, Score


class Interface(StrEnum):
    """How a workflow of this task is called."""

    ANSWER = "answer"
    """`solver(agent, task)`."""
    CODE = "code"
    """`solver(agent, task, entry_point)`; the answer is Python source that defines it."""


class Scorer(Protocol):
    """Judges one answer on the host.

    `answer` is text. Never raises for any text; `SandboxError` passes through. The sandbox is
    for scorers that must run code.
    """

    async def __call__(self, problem: Problem, answer: str, sandbox: Sandbox) -> Score: ...


@dataclass(frozen=True, slots=True)
class SearchSet:
    """What a search may read."""

    private: tuple[Problem, ...]
    """Validation problems: they give the accuracy and are never shown."""
    public: tuple[Problem, ...]
    """Problems for the self-check and for the failing cases that feedback quotes."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many problems each set should have; None leaves it to the task."""

    private: int | None = None
    public: int | None = None
    training: int | None = None
    test: int | None = None


@dataclass(frozen=True, slots=True)
class Brief:
    """What the meta-agent is told of a task."""

    name: str
    description: str
    interface: Interface
    example: Problem
    example_answer: str
    metric: str


class Sealed:
    """The test problems, behind one door."""

    def __init__(self, problems: Callable[[], tuple[Problem, ...]], size: int) -> None:
        self._problems = problems
        self.size = size
        """How many problems there are, without reading them."""

    def open(self) -> tuple[Problem, ...]:
        """Read the problems. Called by the test command alone (a test holds this)."""
        return self._problems()

    def origins(self) -> frozenset[str]:
        """Where the problems come from, to check that sets are disjoint; not the problems."""
        return frozenset(problem.origin for problem in self._problems())

    def __repr__(self) -> str:
        return f"Sealed({self.size} problems)"


@dataclass(frozen=True, slots=True)
class Task:
    """One task, whatever its source."""

    name: str
    family: str
    """`mathematics`, `reading`, `choice`, `code`, `mixture` or `own`."""
    description: str
    """For the meta-agent, in prose; says what an answer looks like."""
    example: Problem
    """A problem from the public set, to show in the prompt with its answer."""
    example_answer: str
    """How a right answer to `example` looks."""
    metric: str
    """What `Score.value` measures, in a few words."""
    scorer: Scorer
    search: SearchSet
    training: tuple[Problem, ...]
    """For collection; disjoint by origin from everything search and test read."""
    sealed: Sealed
    interface: Interface = Interface.ANSWER
    licence: str = ""
    source: str = ""
    """Where the data comes from."""
    rule: str = ""
    """How an answer is judged, and whose rule that is."""
    division: str = ""
    """How the sets were drawn."""
    confidential: bool = False
    """Its problems must not be published: what a run writes stays in the cache (`confidential`)."""
    answer_keys: Callable[[Problem], AnswerKey | None] = field(default=lambda problem: None)
    """For the simulated executor: what it needs to know of a problem."""
    variant: JSON = None
    """Seed, sizes and whatever else the sets were drawn from; part of a run's configuration."""

    @property
    def brief(self) -> Brief:
        """What the meta-agent is told."""
        return Brief(
            self.name,
            self.description,
            self.interface,
            self.example,
            self.example_answer,
            self.metric,
        )
