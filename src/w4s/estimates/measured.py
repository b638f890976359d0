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
from w4s.models.metering.ledger import Totals
from w4s.reports.run import Role, Run, Spent
from w4s.types import Attempt, Evaluation, Turn, Usage

SAME = 1.15
"""Factor by which a like run may differ in tokens a call."""
OTHER = 1.8
"""And one on another task or with another model."""
SAME_PACE = 2.0
"""Machines have other things to do, and endpoints other customers."""
OTHER_PACE = 4.0
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
    examples = _examples(seen, assumed)
    known = {
        digest: _as_seen(rate, examples)
        if examples is not None
        else _by_candidates(attempts, rate, assumed, factor)
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
    """None where no whole turn was timed, where hardly anything was really asked, or where
    another executor was."""
    if "executor" in seen.differs:
        return None
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


@dataclass(frozen=True, slots=True)
class _Examples:
    """The examples of a run, as rehearsed and as they were."""

    calls: float
    """Per solver call, against the rehearsal: a server that samples one response at a time shows
    here."""
    prompt: float
    completion: float
    """Tokens a call, against the rehearsal."""


def _examples(seen: Seen, assumed: Rates) -> _Examples | None:
    """None where they say nothing about the planned run: the model is another one, the task is,
    or some of them cannot be rehearsed."""
    run = seen.run
    stretch = next((s for s in run.spent if s.stretch == EXAMPLES), None)
    entries = run.begin.examples if run.begin is not None else ()
    known = [assumed.known.get(entry.workflow.digest) for entry in entries]
    rates = [rate for rate in known if rate is not None]
    private, public = run.facts.get("private"), run.facts.get("public")
    if {"executor", "task"} & set(seen.differs) or stretch is None or len(rates) < len(known):
        return None
    measured = _executor(stretch)
    if not (measured.calls and isinstance(private, int) and isinstance(public, int)):
        return None
    solver_calls = private * (run.config.trials or 1) + public
    calls = sum(r.calls.likely for r in rates)
    prompt = sum(r.calls.likely * r.prompt_tokens.likely for r in rates) / calls
    completion = sum(r.calls.likely * r.completion_tokens.likely for r in rates) / calls
    return _Examples(
        (measured.calls + measured.cached) / (solver_calls * calls),
        measured.prompt_tokens / measured.calls / prompt,
        measured.completion_tokens / measured.calls / completion,
    )


def _as_seen(rate: Rate, examples: _Examples) -> Rate:
    """A rehearsed workflow, by how the examples differed from their rehearsal."""
    return Rate(
        Span.about(rate.calls.likely * examples.calls, 1.02),
        Span.about(rate.prompt_tokens.likely * examples.prompt, 1.1),
        Span.about(rate.completion_tokens.likely * examples.completion, 1.2),
    )


def _by_candidates(attempts: Sequence[Attempt], rate: Rate, assumed: Rates, factor: Span) -> Rate:
    """A rehearsed workflow, by how the candidates of the run differed from those assumed. Half the
    way only: what differs may be the workflows, not the model."""
    seen = _rate([attempt.evaluation for attempt in attempts], Span.exactly(1.0))
    prompt = seen.prompt_tokens.likely / assumed.candidate.prompt_tokens.likely or 1.0
    completion = seen.completion_tokens.likely / assumed.candidate.completion_tokens.likely or 1.0
    return rate.scaled(
        prompt=Span.about(math.sqrt(prompt), 1.2) * factor,
        completion=Span.about(math.sqrt(completion), 1.3) * factor,
    )


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
