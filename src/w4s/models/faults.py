"""How a simulated server misbehaves: slowly, on purpose, and the same way every time.

In: the number of a request. Out: how long the answer takes, what goes wrong with it, and which
features the server lacks. Drawn from a seed and the request's number, so that a run of faults
can be repeated.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum


class Feature(StrEnum):
    """What an OpenAI-compatible server may or may not offer."""

    N = "n"
    """Several choices in one request."""
    JSON_MODE = "json_mode"
    SEED = "seed"
    MAX_TOKENS = "max_tokens"
    """The older name of the limit; newest models refuse it."""
    MAX_COMPLETION_TOKENS = "max_completion_tokens"
    """The newer name; most self-hosted servers know the older one only."""
    SYSTEM_ROLE = "system_role"
    DEVELOPER_ROLE = "developer_role"
    TEMPERATURE = "temperature"
    """Any temperature but 1; reasoning models refuse it."""
    TOP_P = "top_p"
    """Any top_p but 1."""


@dataclass(frozen=True, slots=True)
class Latency:
    """How long an answer takes. The choices of one request are sampled side by side."""

    base_ms: float = 0.0
    """Until the first token."""
    ms_per_token: float = 0.0
    """For each token of the longest choice."""

    def seconds(self, longest_tokens: int) -> float:
        return (self.base_ms + self.ms_per_token * longest_tokens) / 1000


class Fault(StrEnum):
    """What can go wrong with one request."""

    OVERLOADED = "overloaded"
    """429 with Retry-After, at once."""
    SERVER_ERROR = "server_error"
    """500, at once."""
    DROPPED = "dropped"
    """The connection closes before the first byte of the answer."""
    CUT_BODY = "cut_body"
    """The body ends before its announced length."""
    MALFORMED = "malformed"
    """Status 200 with a body that is no JSON, or a choice without content."""


@dataclass(frozen=True, slots=True)
class Faults:
    """Probabilities per request; their sum is at most 1."""

    overloaded: float = 0.0
    server_error: float = 0.0
    dropped: float = 0.0
    cut_body: float = 0.0
    malformed: float = 0.0
    retry_after_seconds: float = 1.0
    """What a 429 asks for."""
    seed: int = 0

    def __post_init__(self) -> None:
        chances = [chance for _, chance in self._table()]
        if min(chances) < 0 or sum(chances) > 1 + 1e-9:
            raise ValueError("fault probabilities must not be negative, nor exceed 1 together")

    def draw(self, number: int) -> Fault | None:
        """What goes wrong with request `number`, if anything."""
        table = self._table()
        if not any(chance for _, chance in table):
            return None
        draw = random.Random(f"{self.seed}/{number}").random()
        for fault, chance in table:
            if draw < chance:
                return fault
            draw -= chance
        return None

    def _table(self) -> tuple[tuple[Fault, float], ...]:
        return (
            (Fault.OVERLOADED, self.overloaded),
            (Fault.SERVER_ERROR, self.server_error),
            (Fault.DROPPED, self.dropped),
            (Fault.CUT_BODY, self.cut_body),
            (Fault.MALFORMED, self.malformed),
        )
