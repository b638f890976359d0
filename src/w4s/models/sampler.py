"""Models that live in this process: one function from messages and a seed to a response.

In: messages, a seed, sampling parameters. Out: one response. `InProcess` makes a Model of a
sampler; the simulated server puts one behind HTTP. Both give the same responses.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from w4s.models.base import Choice, Reply, Request
from w4s.types import Message, Usage


def count_tokens(text: str) -> int:
    """About how many tokens a text has, at four characters a token, at least one."""
    return max(1, math.ceil(len(text) / 4))


def count_prompt_tokens(messages: Sequence[Message]) -> int:
    """Tokens of a conversation, with four a message for its frame."""
    return sum(4 + count_tokens(m.content) for m in messages)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to sample one response."""

    seed: int
    temperature: float = 1.0
    top_p: float = 1.0
    max_tokens: int = 4096
    json_mode: bool = False


class Sampler(Protocol):
    """A pure function of its arguments: equal calls give equal responses."""

    @property
    def name(self) -> str:
        """Model name, with everything that changes its responses."""

    def sample(self, messages: Sequence[Message], sampling: Sampling) -> Choice: ...


class InProcess:
    """A Model that samples here, at no price and without waiting."""

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler

    @property
    def name(self) -> str:
        return self._sampler.name

    async def complete(self, request: Request) -> Reply:
        choices = tuple(
            self._sampler.sample(
                request.messages,
                Sampling(
                    (request.seed + k) % 2**31,
                    request.temperature,
                    request.top_p,
                    request.max_tokens,
                    request.json_mode,
                ),
            )
            for k in range(request.n)
        )
        usage = Usage(
            calls=1,
            prompt_tokens=count_prompt_tokens(request.messages),
            completion_tokens=sum(count_tokens(c.text) for c in choices),
        )
        return Reply(choices, usage)

    async def aclose(self) -> None:
        """Nothing is held."""
