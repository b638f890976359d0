"""What a model is: something that answers messages.

In: a Request, which carries the identity of the call. Out: a Reply with one choice per
asked-for response. The weak and the strong side alike stand behind this one protocol, and
caching, metering and retries are wrappers around it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from w4s.types import Message, Usage


class Purpose(StrEnum):
    """Why a call is made; part of its identity, so that no two uses share a random draw."""

    PROPOSE = "propose"
    REPAIR = "repair"
    CHECK = "check"
    VALIDATE = "validate"
    """On the private problems."""
    PUBLIC = "public"
    """On the public problems, for feedback."""
    TEST = "test"
    PROBE = "probe"
    USE = "use"
    """By users of a finished workflow."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which call this is, apart from its content.

    Two calls with the same content and identity are the same call, on every run and under any
    scheduling; all others are independent draws.
    """

    seed: int
    """Seed of the run."""
    purpose: Purpose
    workflow: str = ""
    """`Workflow.digest`, or the digest of the state for a proposal."""
    problem: str = ""
    """`Problem.id`."""
    trial: int = 0
    """Number of the repetition, when an evaluation is repeated on purpose."""
    occurrence: int = 0
    """How many equal requests this solver call made before."""

    @property
    def digest(self) -> str:
        """64 hexadecimal digits."""
        parts = [
            self.seed,
            self.purpose.value,
            self.workflow,
            self.problem,
            self.trial,
            self.occurrence,
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a model."""

    messages: tuple[Message, ...]
    identity: Identity
    temperature: float = 1.0
    top_p: float = 1.0
    max_tokens: int = 4096
    """Upper limit of each response, in tokens."""
    n: int = 1
    """How many responses to sample."""
    first_choice: int = 0
    """Number of the first of these responses within its call (see `seed`)."""
    json_mode: bool = False
    """Ask the server to produce one JSON object."""

    @property
    def seed(self) -> int:
        """The `seed` sent along, 31 bits.

        Choice k of a call has the seed of choice 0 plus k, so five choices are the same five
        whether the server samples them in one request or is asked five times.
        """
        return (int(self.identity.digest[:8], 16) + self.first_choice) % 2**31


@dataclass(frozen=True, slots=True)
class Choice:
    """One sampled response."""

    text: str
    finish_reason: str = "stop"
    """`stop`, `length` (cut at max_tokens) or `content_filter`."""
    token_ids: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered."""

    choices: tuple[Choice, ...]
    """At least one, at most `Request.n`; `models.choices` asks again for missing ones."""
    usage: Usage
    prompt_ids: tuple[int, ...] | None = None
    """Token ids of the prompt as the model saw it, where it tells."""


class Model(Protocol):
    """Anything that answers messages.

    `complete` raises a `ProviderError` when the call fails; wrappers may raise
    `BudgetExceeded` or `ProviderDown`.
    """

    @property
    def name(self) -> str:
        """Endpoint and model, without secrets; part of the cache key."""

    async def complete(self, request: Request) -> Reply: ...

    async def aclose(self) -> None:
        """Let go of connections and files."""
