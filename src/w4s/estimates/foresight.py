"""All of it together: work, rates, pace and prices make an estimate.

In: those. Out: an Estimate. Repetitions that faults of the provider cause are not foreseen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from w4s.config import Limits
from w4s.estimates.pace import Pace
from w4s.estimates.record import Estimate, Share
from w4s.estimates.span import Span, total
from w4s.estimates.work import Part, Work
from w4s.models.metering.prices import Price
from w4s.reports.estimated import abreast
from w4s.reports.run import Role

_PER = 1e-6


def foresee(
    title: str,
    plan: str,
    work: Work,
    pace: Pace,
    prices: Mapping[Role, Price | None],
    source: str,
    workflow: str = "",
) -> Estimate:
    """The estimate for one piece of work."""
    shares = tuple(_share(part, prices.get(part.role)) for part in work.parts)
    return Estimate(title, plan, source, shares, pace.seconds(work.stages), workflow)


def together(title: str, estimates: Sequence[Estimate], *, times: int = 1) -> Estimate:
    """Several, one after another, and that so many times."""
    shares = tuple(
        replace(
            share,
            calls=share.calls * float(times),
            prompt_tokens=share.prompt_tokens * float(times),
            completion_tokens=share.completion_tokens * float(times),
            usd=None if share.usd is None else share.usd * float(times),
        )
        for estimate in estimates
        for share in estimate.shares
    )
    return Estimate(
        title,
        " and ".join(estimate.plan for estimate in estimates),
        "; ".join(dict.fromkeys(estimate.source for estimate in estimates)),
        shares,
        total(estimate.seconds for estimate in estimates) * float(times),
        ends_at=next((e.ends_at for e in estimates if e.ends_at), ""),
    )


def beside(title: str, estimates: Sequence[Estimate]) -> Estimate:
    """Several that one command does side by side."""
    seconds = abreast([estimate.seconds for estimate in estimates])
    return replace(together(title, estimates), seconds=seconds)


def within(estimates: Sequence[Estimate], limits: Limits) -> list[Estimate]:
    """What one command does side by side, under the user's limits. They hold for the whole, and end
    it early where it reaches one: so each is cut by the same share."""
    left, ends_at = _left(beside("", estimates), limits)
    return [
        replace(
            estimate,
            shares=tuple(_cut(share, left) for share in estimate.shares),
            seconds=_part_of(estimate.seconds, left),
            ends_at=ends_at,
        )
        for estimate in estimates
    ]


def _left(whole: Estimate, limits: Limits) -> tuple[Span, str]:
    """The share of the whole that is done, and the limit that ends it."""
    asked = (
        ("--max-calls", limits.max_calls, whole.calls),
        ("--max-tokens", limits.max_tokens, whole.tokens),
        ("--max-usd", limits.max_usd, whole.usd),
        ("--max-minutes", limits.max_minutes, whole.seconds * (1 / 60)),
    )
    left, ends_at = Span.exactly(1.0), ""
    for flag, limit, span in asked:
        if limit is None or span is None:
            continue
        share = Span(*(_share_done(limit, value) for value in (span.low, span.likely, span.high)))
        if share.likely < min(1.0, left.likely):
            ends_at = f"{flag} {limit:g}"
        left = Span(
            min(left.low, share.low), min(left.likely, share.likely), min(left.high, share.high)
        )
    return left, ends_at


def _share_done(limit: float, value: float) -> float:
    return min(1.0, limit / value) if value > 0 else 1.0


def _cut(share: Share, left: Span) -> Share:
    return replace(
        share,
        calls=_part_of(share.calls, left),
        prompt_tokens=_part_of(share.prompt_tokens, left),
        completion_tokens=_part_of(share.completion_tokens, left),
        usd=None if share.usd is None else _part_of(share.usd, left),
    )


def _part_of(span: Span, left: Span) -> Span:
    """End by end, so that sums stay within the limit."""
    return Span(span.low * left.low, span.likely * left.likely, span.high * left.high)


def _share(part: Part, price: Price | None) -> Share:
    return Share(
        part.name,
        part.role.value,
        part.calls,
        part.prompt_tokens,
        part.completion_tokens,
        None if price is None else _dollars(part, price),
    )


def _dollars(part: Part, price: Price) -> Span:
    return part.prompt_tokens * (price.prompt * _PER) + part.completion_tokens * (
        price.completion * _PER
    )
