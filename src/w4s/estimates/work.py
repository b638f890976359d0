"""What a search, a test and a collection consist of.

In: sizes, workflows, rates. Out: parts with their calls, which follow from the method's structure,
and stages, which say what waits for what. Nothing is looked up here and nothing is run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from w4s.estimates.pace import Stage
from w4s.estimates.rates import Rate, Rates
from w4s.estimates.span import Span, total
from w4s.methods.aflow import CONVERGED_ROUNDS
from w4s.methods.aflow import RETRIES as AFLOW_RETRIES
from w4s.reports.run import Role
from w4s.types import Workflow

RACED = Span(0.3, 0.45, 1.0)
"""Share of the validation that is left when candidates race (LOG.md has measured figures)."""


@dataclass(frozen=True, slots=True)
class Part:
    """Calls of one kind."""

    name: str
    role: Role
    calls: Span
    prompt_tokens: Span
    completion_tokens: Span


@dataclass(frozen=True, slots=True)
class Work:
    """All that a command does."""

    parts: tuple[Part, ...]
    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True)
class SearchSize:
    """How much a search, or an episode, does."""

    method: str
    turns: int
    samples: int
    trials: int
    private: int
    public: int
    examples: tuple[Workflow, ...]
    racing: bool = False
    finalists: int = 0

    def __str__(self) -> str:
        more = f", {self.finalists} finalists" if self.finalists else ""
        return (
            f"{self.method}: {len(self.examples)} examples, {self.turns} turns of {self.samples}"
            f" candidates, each on {self.private} private problems"
            f"{f' {self.trials} times' if self.trials > 1 else ''}"
            f"{' at most (racing)' if self.racing else ''} and {self.public} public ones{more}"
        )


def search_work(size: SearchSize, rates: Rates) -> Work:
    """A search from its first example to its last finalist."""
    if size.method == "gepa":
        return _gepa_work(size, rates)
    turns = _turns(size)
    sampled = turns * float(size.samples)
    validated = (RACED if size.racing else Span.exactly(1)) * float(size.private * size.trials)
    measured = validated + Span.exactly(size.public)
    checks = sampled * (Span.exactly(1) + rates.repairs)
    again = float(size.finalists * size.private)
    parts = [
        _joined("examples", [_example(w, size, rates) for w in size.examples]),
        *_proposing(size, turns, sampled, rates),
        _executing("self-checks", checks, rates.candidate),
        _executing("candidates", sampled * rates.runs * measured, rates.candidate),
    ]
    if again:
        parts.append(_executing("finalists", Span.exactly(again), rates.candidate))
    return Work(tuple(parts), _stages(size, turns, measured, again, rates))


def _gepa_work(size: SearchSize, rates: Rates) -> Work:
    """GEPA scores a number of answers, each of one call with a prompt that grows, and reflects in
    between: after three answers where nothing comes of it, after a whole validation where
    something does. Assumed from its algorithm, and not held against runs."""
    [direct] = size.examples
    rate = rates.of(direct.digest).scaled(
        prompt=Span(1.2, 3.0, 8.0), completion=Span(0.8, 2.0, 6.0)
    )
    scored = Span.exactly(size.turns * size.private) * Span(1.0, 1.05, 1.3)
    reflections = Span(0.5 * size.turns, 2.0 * size.turns, size.turns * size.private / 6)
    reflecting = Part(
        "reflections",
        Role.META_AGENT,
        reflections.ordered,
        reflections.ordered * rates.prompt_tokens,
        reflections.ordered * rates.reply_tokens,
    )
    examples = _example(direct, size, rates)
    parts = (examples, _executing("scored answers", scored, rate), reflecting)
    begin = Stage(Span.exactly(size.private + size.public), rate.calls)
    rounds = Stage(Span.exactly(size.private / 2), rate.calls, 2, 1.0, reflections.ordered)
    return Work(parts, (begin, rounds))


def test_work(problems: int, workflow: Workflow, rates: Rates) -> Work:
    """One workflow on the sealed test."""
    rate, count = rates.of(workflow.digest), Span.exactly(problems)
    part = _executing(f"test {workflow.name}", count, rate)
    return Work((part,), (Stage(count, rate.calls),))


test_work.__test__ = False  # type: ignore[attr-defined]


def repeated(work: Work, times: int, side_by_side: int = 1) -> Work:
    """The same several times over, some of them at a time."""
    parts = tuple(
        Part(
            part.name,
            part.role,
            part.calls * float(times),
            part.prompt_tokens * float(times),
            part.completion_tokens * float(times),
        )
        for part in work.parts
    )
    rounds = -(-times // side_by_side)
    abreast = float(min(times, side_by_side))
    stages = tuple(
        replace(s, solver_calls=s.solver_calls * abreast, times=s.times * float(rounds))
        for s in work.stages
    )
    return Work(parts, stages)


def _turns(size: SearchSize) -> Span:
    """AFlow ends when nothing has risen for some rounds."""
    if size.method != "aflow" or size.turns <= CONVERGED_ROUNDS:
        return Span.exactly(size.turns)
    shortest = CONVERGED_ROUNDS + 1.0
    return Span(shortest, max(shortest, 0.6 * size.turns), float(size.turns))


def _example(workflow: Workflow, size: SearchSize, rates: Rates) -> Part:
    count = Span.exactly(size.private * size.trials + size.public)
    return _executing(workflow.name, count, rates.of(workflow.digest))


def _proposing(size: SearchSize, turns: Span, sampled: Span, rates: Rates) -> list[Part]:
    """Calls to the meta-agent; `REQUESTS` says how often each method asks."""
    requests, replies = _REQUESTS.get(size.method, _asks_once)(turns, sampled)
    repairs = sampled * rates.repairs
    longer = rates.prompt_tokens + rates.reply_tokens
    return [
        Part(
            "proposals",
            Role.META_AGENT,
            requests,
            requests * rates.prompt_tokens,
            replies * rates.reply_tokens,
        ),
        Part("repairs", Role.META_AGENT, repairs, repairs * longer, repairs * rates.reply_tokens),
    ]


def _asks_once(turns: Span, sampled: Span) -> tuple[Span, Span]:
    """All candidates of a turn in one request."""
    return turns, sampled


def _reflects(turns: Span, sampled: Span) -> tuple[Span, Span]:
    """Drafts in one request; then each is revised and polished on its own."""
    return turns + sampled * 2.0, sampled * 3.0


def _asks_anew(turns: Span, sampled: Span) -> tuple[Span, Span]:
    """One request a candidate, again where it is known already."""
    asked = sampled * Span(1.0, 1.3, 1.0 + AFLOW_RETRIES)
    return asked, asked


_REQUESTS: dict[str, Callable[[Span, Span], tuple[Span, Span]]] = {
    "adas": _reflects,
    "aflow": _asks_anew,
}


def _executing(name: str, solver_calls: Span, rate: Rate) -> Part:
    calls = solver_calls * rate.calls
    return Part(
        name,
        Role.EXECUTOR,
        calls,
        calls * rate.prompt_tokens,
        calls * rate.completion_tokens,
    )


def _joined(name: str, parts: Sequence[Part]) -> Part:
    return Part(
        name,
        Role.EXECUTOR,
        total(part.calls for part in parts),
        total(part.prompt_tokens for part in parts),
        total(part.completion_tokens for part in parts),
    )


def _stages(
    size: SearchSize, turns: Span, measured: Span, again: float, rates: Rates
) -> tuple[Stage, ...]:
    problems = float(size.private * size.trials + size.public)
    longest = max((rates.of(w.digest).calls for w in size.examples), key=lambda span: span.likely)
    asked = 3.0 if size.method == "adas" else 1.0
    tried = (measured * rates.runs + Span.exactly(1)) * float(size.samples)
    stages = [
        Stage(Span.exactly(len(size.examples) * problems), longest),
        Stage(tried, rates.candidate.calls, 2, asked, turns),
    ]
    if again:
        stages.append(Stage(Span.exactly(again), rates.candidate.calls))
    return tuple(stages)
