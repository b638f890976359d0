"""What was expected against what came.

In: the estimates of a run, and what its parts really took. Out: one row for each quantity, and the
words for ranges. An estimate of a search that goes on, or that ended early, is compared with what
it has taken so far.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from w4s.estimates.record import Estimate
from w4s.estimates.span import Span, total
from w4s.models.metering.ledger import Totals

SEARCH = "search"
TEST = "test"
COLLECT = "collect"


@dataclass(frozen=True, slots=True)
class Foreseen:
    """One quantity of one part of a run."""

    part: str
    """`search`, `test` or `collect`."""
    quantity: str
    """`calls`, `tokens`, `dollars` or `seconds`."""
    expected: Span
    truth: float
    within: bool
    """Whether the truth is in the range."""
    source: str
    """What the estimate was made from."""


def against_truth(
    part: str, estimates: Sequence[Estimate], took: Totals, seconds: float
) -> tuple[Foreseen, ...]:
    """One row for each quantity; none without an estimate. Dollars only where a price was known."""
    if not estimates:
        return ()
    spent = took.spent
    priced = [estimate.usd for estimate in estimates if estimate.usd is not None]
    rows = [
        ("calls", total(e.calls for e in estimates), float(spent.calls)),
        ("tokens", total(e.tokens for e in estimates), float(spent.tokens)),
        ("seconds", abreast([e.seconds for e in estimates]), seconds),
    ]
    if len(priced) == len(estimates) and any(usd.high for usd in priced):
        rows.insert(2, ("dollars", total(priced), spent.usd))
    return tuple(
        Foreseen(part, quantity, span, truth, span.holds(truth), estimates[-1].source)
        for quantity, span, truth in rows
    )


def abreast(seconds: Sequence[Span]) -> Span:
    """The time of works that go on side by side: as long as the longest where all is waiting, as
    all together where the machine is the limit. Zero of none."""
    longest, together = max((span.likely for span in seconds), default=0.0), total(seconds)
    low = max((span.low for span in seconds), default=0.0)
    return Span(low, (longest + together.likely) / 2, together.high)


def of_search(estimates: Sequence[Estimate]) -> list[Estimate]:
    """The one that counts: the last."""
    return [e for e in estimates if e.title == SEARCH][-1:]


def of_tests(estimates: Sequence[Estimate], tested: Collection[str]) -> list[Estimate]:
    """Those of workflows that were tested, each once; `tested` are digests."""
    last = {e.workflow: e for e in estimates if e.workflow in tested}
    return list(last.values()) if len(last) == len(tested) else []


def of_collection(estimates: Sequence[Estimate]) -> list[Estimate]:
    """The last one of each task."""
    last = {e.title: e for e in estimates if e.title.startswith(f"{COLLECT} ")}
    return list(last.values())


def in_one_line(estimate: Estimate) -> str:
    """`calls 490 (210 to 1,400), tokens 280,000 (…), dollars $1.20 (…), time 22 min (…)`."""
    parts = [f"calls {span_text('calls', estimate.calls)}"]
    parts.append(f"tokens {span_text('tokens', estimate.tokens)}")
    if estimate.usd is not None and estimate.usd.high > 0:
        parts.append(f"dollars {span_text('dollars', estimate.usd)}")
    parts.append(f"time {span_text('seconds', estimate.seconds)}")
    return ", ".join(parts)


def quantity_text(quantity: str, value: float) -> str:
    """A value in the unit of its quantity, to two figures."""
    rough = _two_figures(value)
    match quantity:
        case "dollars":
            if rough >= 10:
                return f"${rough:,.0f}"
            return f"${rough:.2f}" if rough >= 1 else f"${rough:.2g}"
        case "seconds":
            return _time_text(rough)
        case _:
            return _count_text(rough)


def span_text(quantity: str, span: Span) -> str:
    """`9,500 (3,100 to 24,000)`, or the value alone where it is known exactly."""
    likely = quantity_text(quantity, span.likely)
    low, high = (quantity_text(quantity, end) for end in (span.ordered.low, span.ordered.high))
    return likely if low == high else f"{likely} ({low} to {high})"


def _count_text(value: float) -> str:
    for unit, size in (("G", 1e9), ("M", 1e6)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:,.0f}"


def _time_text(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.2g} s"
    if seconds < 6000:
        return f"{seconds / 60:.2g} min"
    return f"{float(f'{seconds / 3600:.3g}'):,.10g} h"


def _two_figures(value: float) -> float:
    if value == 0 or not math.isfinite(value):
        return value
    return round(value, 1 - math.floor(math.log10(abs(value))))
