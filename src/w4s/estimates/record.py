"""An estimate as it stands in a run folder, to be held against the truth later.

In: nothing. Out: the records. `foresight` makes them, `reports.estimates` compares them.
"""

from __future__ import annotations

from dataclasses import dataclass

from w4s.estimates.span import Span, total


@dataclass(frozen=True, slots=True)
class Share:
    """What one part of the work takes."""

    name: str
    """`examples`, `candidates`, `proposals`, …"""
    role: str
    """Whose model is called: `executor` or `meta_agent`."""
    calls: Span
    prompt_tokens: Span
    completion_tokens: Span
    usd: Span | None
    """None where the model's price is not known."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a command is going to take."""

    title: str
    """`search`, `test direct`, … One run has at most one of each that counts: the last."""
    plan: str
    """The work it is for; where this changes the estimate is made anew."""
    source: str
    """Where its figures come from, in words."""
    shares: tuple[Share, ...]
    seconds: Span
    workflow: str = ""
    """Digest of the workflow, of a test."""
    ends_at: str = ""
    """The limit of the user's that is likely to end it early: `--max-calls 1000`."""

    @property
    def calls(self) -> Span:
        return total(share.calls for share in self.shares)

    @property
    def tokens(self) -> Span:
        return total(share.prompt_tokens + share.completion_tokens for share in self.shares)

    @property
    def usd(self) -> Span | None:
        """None where a price is not known."""
        known = [share.usd for share in self.shares if share.usd is not None]
        return total(known) if len(known) == len(self.shares) else None
