"""What a method is: a way to spend a budget on finding a workflow."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from w4s.environment import Environment
from w4s.meta_agent import MetaAgent
from w4s.tasks.base import Interface
from w4s.types import State, Turn, Workflow
from w4s.workflow import load_baseline


class Method(Protocol):
    """Searches, turn by turn. `done` are the turns of an earlier run, to go on behind.

    Every method evaluates through `env`, so data, sandbox, budget and account are the same. It
    may end before `turns` when it sees that nothing rises any more."""

    def __call__(
        self,
        env: Environment,
        agent: MetaAgent,
        begin: State,
        *,
        turns: int,
        samples: int,
        done: Sequence[Turn] = (),
    ) -> AsyncIterator[Turn]: ...


@dataclass(frozen=True, slots=True)
class Published:
    """The settings that a method was published with."""

    turns: int
    samples: int
    """Candidates a turn."""
    trials: int
    """Validations of each candidate."""
    answer_examples: tuple[str, ...]
    """Baselines that the search starts from, by name."""
    code_examples: tuple[str, ...]
    ready: Callable[[], None] = lambda: None
    """Raises ConfigError where something that the method needs is not installed."""

    def examples(self, interface: Interface) -> tuple[Workflow, ...]:
        """The workflows of the first state."""
        names = self.code_examples if interface is Interface.CODE else self.answer_examples
        return tuple(load_baseline(name) for name in names)
