"""Everything a full report tells of a run.

In: a Run. Out: a Story, which the HTML page, the Markdown and the JSON lay out. Public problems
are told with their text, private ones by number and outcome (`candidates` sees to that), sealed
ones not at all: only how many were won and lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from w4s.models.metering.ledger import Totals
from w4s.reports.candidates import SAME, Candidate, candidates_of
from w4s.reports.command import search_command
from w4s.reports.run import FINISHED, Final, PublicProblem, Role, Run, Spent, Tested
from w4s.reports.stats import Difference, crossed, mcnemar
from w4s.reports.summary import Summary, summarise
from w4s.settings import to_toml
from w4s.types import Evaluation


class Going(StrEnum):
    """Where a run stands."""

    RUNNING = "running"
    """A process works on it now."""
    FINISHED = "finished"
    STOPPED = "stopped"
    """It ended before its last turn; the same command goes on."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """One stretch of work and what it took by itself."""

    name: str
    seconds: float
    executor: Totals
    meta_agent: Totals


@dataclass(frozen=True, slots=True)
class Remeasured:
    """One of the best, measured again at the end of the search."""

    name: str
    validated: float
    """Accuracy in the search: too high on average, because it was chosen for being high."""
    fresh: float
    """The accuracy to believe."""
    cost: float
    """Of one answer: dollars, or tokens where no price is known."""
    chosen: bool


@dataclass(frozen=True, slots=True)
class Pair:
    """Two workflows on the sealed test: the first against the second."""

    first: str
    second: str
    """Names."""
    won: int
    """Problems on which the first scored more."""
    lost: int
    equal: int
    difference: Difference
    """Of the accuracies, paired; McNemar's exact p-value where scores are right or wrong."""


@dataclass(frozen=True, slots=True)
class Story:
    """All that a full report says of one run."""

    summary: Summary
    going: Going
    command: str
    configuration: str
    """Settings and facts, as TOML."""
    candidates: tuple[Candidate, ...]
    """The examples, then turn by turn."""
    public: tuple[PublicProblem, ...]
    stretches: tuple[Stretch, ...]
    finalists: tuple[Remeasured, ...]
    """Empty where the search did not measure its best again."""
    pairs: tuple[Pair, ...]
    """The found workflow against each other tested one."""

    @property
    def by_id(self) -> dict[str, Candidate]:
        return {candidate.id: candidate for candidate in self.candidates}

    @property
    def best(self) -> Candidate | None:
        """The best on validation: what the search hands over."""
        best = self.summary.best
        return next((c for c in self.candidates if best and c.digest == best.digest), None)

    @property
    def errors(self) -> list[tuple[str, int, int]]:
        """Kind, validations that ended in it, and candidates that had it; the most frequent
        first. Candidates that were dropped had it on a public problem."""
        counts: Counter[str] = Counter()
        had: Counter[str] = Counter()
        for candidate in self.candidates:
            counts.update(dict(candidate.errors))
            had.update(kind for kind, _ in candidate.errors)
        return [(kind, number, had[kind]) for kind, number in counts.most_common()]


def tell(run: Run, *, working: bool = False) -> Story:
    """The whole story. `working` says whether a process works on the run now."""
    summary = summarise(run)
    candidates = tuple(candidates_of(run))
    stretches = tuple(_stretches(run.spent))
    return Story(
        summary,
        _going(summary, working),
        search_command(run.config),
        to_toml({**run.config.settings(), "facts": dict(run.facts)}),
        candidates,
        _public(run),
        stretches,
        tuple(_finalists(run.final)),
        tuple(_pairs(run.tests)),
    )


def _going(summary: Summary, working: bool) -> Going:
    if working:
        return Going.RUNNING
    return Going.FINISHED if summary.finished else Going.STOPPED


def _public(run: Run) -> tuple[PublicProblem, ...]:
    """In the order of the evaluations; without their text where the folder does not hold it."""
    questions = {problem.id: problem.question for problem in run.public}
    evaluated = [a.public.outcomes for turn in run.turns for a in turn.attempts]
    outcomes = max(evaluated, key=len, default=())
    return tuple(PublicProblem(o.problem, questions.get(o.problem, "")) for o in outcomes)


def _finalists(final: Final | None) -> Iterable[Remeasured]:
    for one in final.finalists if final is not None else ():
        flow = one.workflow
        chosen = final is not None and flow.digest == final.chosen
        yield Remeasured(flow.name, one.validated, one.fresh, one.cost, chosen)


def _pairs(tests: Sequence[Tested]) -> Iterable[Pair]:
    found = [t for t in tests if t.origin == "found"]
    if not found:
        return
    first = found[-1]
    for other in tests:
        if other is not first and other.sealed == first.sealed:
            pair = _pair(first.evaluation, other.evaluation)
            if pair is not None:
                yield pair


def _pair(first: Evaluation, second: Evaluation) -> Pair | None:
    """On the problems that both have a score for; None when there are none."""
    theirs = {o.problem: o.value for o in second.scored}
    both = [(o.value, theirs[o.problem]) for o in first.scored if o.problem in theirs]
    if not both:
        return None
    won = sum(a > b + SAME for a, b in both)
    lost = sum(b > a + SAME for a, b in both)
    difference = crossed(np.array([[a - b for a, b in both]]))
    if all(score in (0.0, 1.0) for pair in both for score in pair):
        difference = replace(difference, p=mcnemar(won, lost))
    names = first.workflow.name, second.workflow.name
    return Pair(*names, won, lost, len(both) - won - lost, difference)


# --- Cost ----------------------------------------------------------------------------------


def _stretches(spent: Sequence[Spent]) -> Iterable[Stretch]:
    """Each by itself; the file holds running totals, those of the tests apart."""
    before: dict[bool, Mapping[str, Totals]] = {True: {}, False: {}}
    for stretch in spent:
        if stretch.stretch == FINISHED:
            continue
        earlier = before[stretch.is_test]
        own = {r: _since(stretch.totals.get(r), earlier.get(r)) for r in Role}
        before[stretch.is_test] = stretch.totals
        yield Stretch(stretch.stretch, stretch.seconds, own[Role.EXECUTOR], own[Role.META_AGENT])


def _since(now: Totals | None, before: Totals | None) -> Totals:
    return (now or Totals()) - (before or Totals())
