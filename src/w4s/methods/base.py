"""What a method is: a way to spend a budget on finding a workflow."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from w4s.environment import Environment
from w4s.meta_agent import MetaAgent
from w4s.types import State, Turn


class Method(Protocol):
    """Searches, turn by turn. `done` are the turns of an earlier run, to go on behind.

    Every method evaluates through `env`, so data, sandbox, budget and account are the same."""

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
