"""What one solver call takes, and one proposal.

In: nothing. Out: the records that `assumptions` and `measured` fill and `work` multiplies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from w4s.estimates.span import Span


@dataclass(frozen=True, slots=True)
class Rate:
    """What one solver call of a workflow asks of the executor."""

    calls: Span
    prompt_tokens: Span
    """Of one call."""
    completion_tokens: Span
    """Of one call, all of its responses."""

    def scaled(self, *, prompt: Span, completion: Span) -> Rate:
        """With tokens that are so many times as many."""
        return Rate(self.calls, self.prompt_tokens * prompt, self.completion_tokens * completion)


@dataclass(frozen=True, slots=True)
class Rates:
    """What everything takes."""

    known: Mapping[str, Rate]
    """By digest: workflows that stand already."""
    candidate: Rate
    """A workflow that the meta-agent is going to write."""
    prompt_tokens: Span
    """Of one call to the meta-agent."""
    reply_tokens: Span
    """Of one of its replies."""
    repairs: Span
    """Repairs per sampled candidate."""
    runs: Span
    """Share of the sampled candidates that run and are measured, each only once."""
    source: str
    """In words, for the user."""

    def of(self, digest: str) -> Rate:
        """Of a workflow; of one that nobody knows, as of a candidate."""
        return self.known.get(digest, self.candidate)
