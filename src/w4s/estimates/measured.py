"""Rates from an earlier run: of the same task and models best, of others as well as it goes.

In: a Run, and the assumed rates for what is to be done. Out: Rates and a Pace with its measurements
in their place. Workflows that the run measured keep their own rates; the package's own ones keep
their number of calls, and tokens in proportion.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev

from w4s.errors import ConfigError
from w4s.estimates.pace import MeasuredPace
from w4s.estimates.rates import Rate, Rates
from w4s.estimates.span import Span
from w4s.models.ledger import Totals
from w4s.reports.run import Role, Run, Spent
from w4s.types import Attempt, Evaluation, Turn, Usage

SAME = 1.15
"""Factor by which a like run may differ in tokens a call."""
OTHER = 1.8
"""And one on another task or with another model."""
SAME_PACE = 1.4
OTHER_PACE = 3.0
EXAMPLES = "examples"
"""The stretch in which a search measures its first workflows."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An earlier run, and how near it is to what is planned."""

    run: Run
    differs: tuple[str, ...] = ()
    """What is not the same there: `task`, `executor`, `meta-agent`, `machine`…"""

    @property
    def tokens_factor(self) -> float:
        """Few problems say little about the others."""
        problems = self.run.facts.get("private")
        few = 0.5 / math.sqrt(problems) if isinstance(problems, int) and problems > 0 else 0.0
        return (OTHER if self.differs else SAME) * (1 + few)

    @property
    def pace_factor(self) -> float:
        return OTHER_PACE if self.differs else SAME_PACE


def measured_rates(seen: Seen, assumed: Rates) -> Rates:
    """ConfigError where the run has measured nothing yet."""
    run = seen.run
    attempts = [attempt for turn in run.turns for attempt in turn.attempts]
    if not attempts:
        raise ConfigError(f"{run.path} has no turn yet to estimate from; go on with its search")
    factor = Span.about(1.0, seen.tokens_factor)
    candidate = _candidate(run.turns, factor)
    prompt, completion = _scales(attempts, assumed)
    known = {
        digest: rate.scaled(prompt=prompt * factor, completion=completion * factor)
        for digest, rate in assumed.known.items()
    }
    known |= {a.workflow.digest: _rate([a.evaluation], factor) for a in attempts}
    meta = _search_totals(run, Role.META_AGENT)
    sampled = sum(len(turn.attempts) + len(turn.dropped) for turn in run.turns)
    replies = sampled + sum(_repairs(turn) for turn in run.turns)
    there = f" (another {', another '.join(seen.differs)} there)" if seen.differs else ""
    return replace(
        assumed,
        known=known,
        candidate=candidate,
        prompt_tokens=_known(meta.prompt_tokens, meta.calls, assumed.prompt_tokens) * factor,
        reply_tokens=_known(meta.completion_tokens, replies, assumed.reply_tokens) * factor,
        repairs=_share(sum(_repairs(turn) for turn in run.turns), sampled, most=3.0),
        runs=_share(len({a.workflow.digest for a in attempts}), sampled, most=1.0),
        source=f"measured in {run.path}{there}: {len(attempts)} candidates,"
        f" {_search_totals(run, Role.EXECUTOR).calls:,} calls to the executor",
    )


def measured_pace(seen: Seen) -> MeasuredPace | None:
    """None where no whole turn was timed, or where hardly anything was really asked."""
    turns = [s for s in seen.run.spent if s.stretch.startswith("turn ") and "cut" not in s.stretch]
    before = [s for s in seen.run.spent if s.stretch == EXAMPLES]
    if not turns or not before:
        return None
    calls = _executor(turns[-1]).calls - _executor(before[-1]).calls
    from_disk = _executor(turns[-1]).cached - _executor(before[-1]).cached
    if calls <= from_disk:
        return None
    seconds = fmean(stretch.seconds for stretch in turns)
    return MeasuredPace(calls / len(turns), seconds, seen.pace_factor)


def _rate(evaluations: Sequence[Evaluation], factor: Span) -> Rate:
    usage = sum((evaluation.usage for evaluation in evaluations), Usage())
    solver_calls = sum(len(evaluation.outcomes) for evaluation in evaluations)
    calls, paid = (usage.calls + usage.cached) / max(1, solver_calls), max(1, usage.calls)
    return Rate(
        Span.about(calls, SAME),
        factor * (usage.prompt_tokens / paid),
        factor * (usage.completion_tokens / paid),
    )


def _candidate(turns: Sequence[Turn], factor: Span) -> Rate:
    """The mean over candidates. Those of one turn resemble each other, so the turns, not the
    candidates, say how much the next ones may differ."""
    rate = _rate([a.evaluation for turn in turns for a in turn.attempts], factor)
    means = [
        _rate([a.evaluation for a in turn.attempts], factor).calls.likely
        for turn in turns
        if turn.attempts
    ]
    likely = rate.calls.likely
    error = 2 * stdev(means) / math.sqrt(len(means)) if len(means) > 1 else 0.75 * likely
    error = max(error, (factor.high - 1) * likely)
    return replace(rate, calls=Span(max(1.0, likely - error), likely, likely + 1.5 * error))


def _scales(attempts: Sequence[Attempt], assumed: Rates) -> tuple[Span, Span]:
    """Tokens a call against those assumed of a candidate."""
    seen = _rate([attempt.evaluation for attempt in attempts], Span.exactly(1.0))
    if not seen.prompt_tokens.likely or not seen.completion_tokens.likely:
        return Span.exactly(1.0), Span.exactly(1.0)  # all of it came from the cache
    return (
        Span.about(_sane(seen.prompt_tokens.likely / assumed.candidate.prompt_tokens.likely), 1.2),
        Span.about(
            _sane(seen.completion_tokens.likely / assumed.candidate.completion_tokens.likely), 1.3
        ),
    )


def _sane(ratio: float) -> float:
    """Half the way only: what differs may be the workflows, not the model."""
    return math.sqrt(ratio)


def _known(tokens: int, count: int, otherwise: Span) -> Span:
    return Span.exactly(tokens / count) if tokens and count else otherwise


def _share(seen: int, of: int, *, most: float) -> Span:
    """A rate of rare events, with one more and one fewer of them thinkable."""
    return Span(
        max(0.0, seen - 1 - math.sqrt(seen)) / of,
        seen / of,
        min(most, (seen + 1 + math.sqrt(seen)) / of),
    )


def _repairs(turn: Turn) -> int:
    return sum(len(a.proposal.repairs) for a in turn.attempts) + sum(
        len(p.repairs) for p in turn.dropped
    )


def _search_totals(run: Run, role: Role) -> Totals:
    spent = [stretch for stretch in run.spent if not stretch.is_test]
    return spent[-1].totals.get(role, Totals()) if spent else Totals()


def _executor(spent: Spent) -> Totals:
    return spent.totals.get(Role.EXECUTOR, Totals())
