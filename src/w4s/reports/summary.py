"""What came of a run, in one record: all that a report says is here.

In: a Run. Out: a Summary, which tables and JSON only lay out. Nothing is measured or written.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from w4s.models.metering.ledger import Totals
from w4s.reports.estimated import (
    SEARCH,
    TEST,
    Foreseen,
    against_truth,
    of_search,
    of_tests,
)
from w4s.reports.run import BEST, FINISHED, Final, PriceUsed, Role, Run, Spent, Tested
from w4s.reports.stats import Interval, wilson
from w4s.types import Entry, Evaluation, State, Turn, Usage


@dataclass(frozen=True, slots=True)
class Accuracy:
    """A mean score and how sure it is."""

    value: float
    interval: Interval
    """95 %, Wilson."""
    problems: int
    """How many were scored."""
    unscored: int = 0
    """Solver calls lost to faults that are not the workflow's; left out of the mean."""
    upstream: float | None = None
    """The mean under the published scorer, where that differs by design."""


@dataclass(frozen=True, slots=True)
class Validated:
    """One workflow on the private validation problems."""

    name: str
    digest: str
    accuracy: Accuracy


@dataclass(frozen=True, slots=True)
class TurnSummary:
    """One turn of the search."""

    turn: int
    """1 for the first."""
    candidates: tuple[Validated, ...]
    """Those that ran, in the order sampled."""
    dropped: int
    """Candidates that never ran, repairs included."""
    chosen: Validated | None
    """The candidate that advanced; None when nothing ran."""
    best: float
    """Best accuracy so far, this turn included."""


@dataclass(frozen=True, slots=True)
class SealedResult:
    """One workflow on the sealed test."""

    name: str
    digest: str
    origin: str
    accuracy: Accuracy
    statuses: tuple[tuple[str, int], ...]
    """How many problems ended how, the most frequent first."""
    usage: Usage
    """Of the executor, over all test problems."""
    seconds: float


@dataclass(frozen=True, slots=True)
class Cost:
    """What a part of the run took."""

    executor: Totals
    meta_agent: Totals
    seconds: float
    """Wall time of all stretches, those cut off by a kill included."""

    @property
    def usd(self) -> float:
        """Dollars that count as spent, calls of unknown outcome at their worst."""
        return (self.executor + self.meta_agent).spent.usd


@dataclass(frozen=True, slots=True)
class Walls:
    """What held the generated code."""

    kind: str
    """`walls`, `bwrap` or `unsafe`."""
    profile: str
    """`nofs`, `scratch`, or `none` where nothing held it."""
    held: tuple[str, ...]
    """What a canary tried in vain when the sandbox was last opened."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of one run."""

    folder: str
    task: str
    executor: str
    meta_agent: str
    method: str
    seed: int
    turns_planned: int
    turns: tuple[TurnSummary, ...]
    examples: tuple[Validated, ...]
    """The workflows of the first state."""
    best: Validated | None
    """The best on validation; None when nothing has been measured yet."""
    best_file: str
    tests: tuple[SealedResult, ...]
    tested: int
    """How many different workflows were measured on the sealed test of this run. The more, the
    less the best of them says about unseen problems."""
    finished: bool
    """False when the search command has something left to do."""
    search_cost: Cost
    test_cost: Cost
    prices: tuple[PriceUsed, ...] = ()
    """What tokens cost when they were used."""
    walls: Walls | None = None
    """None where the sandbox was never opened."""
    foreseen: tuple[Foreseen, ...] = ()
    """What was expected against what came, of the search and of the tests."""

    @property
    def found(self) -> SealedResult | None:
        """The found workflow on the sealed test; the last one, where the search went on since."""
        return next((test for test in reversed(self.tests) if test.origin == "found"), None)


def summarise(run: Run) -> Summary:
    """The record of all that a report says."""
    problems = run.facts.get("private", 0)
    count = problems if isinstance(problems, int) else 0
    examples = tuple(_entry(e, count) for e in run.begin.examples) if run.begin else ()
    best = best_entry(run.begin, run.turns, run.final)
    planned = run.config.turns or 0
    early = any(stretch.stretch == FINISHED for stretch in run.spent)
    search_cost = _cost([s for s in run.spent if not s.is_test])
    test_cost = _cost([s for s in run.spent if s.is_test])
    return Summary(
        folder=str(run.path),
        task=run.config.task,
        executor=run.config.executor,
        meta_agent=run.config.meta_agent,
        method=run.config.method,
        seed=run.config.seed,
        turns_planned=planned,
        turns=tuple(_turn(turn) for turn in run.turns),
        examples=examples,
        best=_entry(best, count) if best else None,
        best_file=str(run.path / BEST),
        tests=tuple(_sealed_result(t) for t in run.tests),
        tested=len({t.evaluation.workflow.digest for t in run.tests}),
        finished=early or len(run.turns) >= planned,
        search_cost=search_cost,
        test_cost=test_cost,
        prices=run.prices,
        walls=_walls(run),
        foreseen=_foreseen(run, search_cost, test_cost),
    )


def best_entry(
    begin: State | None, turns: Sequence[Turn], final: Final | None = None
) -> Entry | None:
    """The best workflow of the finished turns, on validation; the earliest of equals. Where
    finalists were measured again, the one that was chosen, with its fresh accuracy."""
    if final is not None:
        return Entry(final.winner.workflow, final.winner.fresh, "")
    if not turns:
        return begin.best if begin else None
    last = turns[-1]
    chosen, best = last.chosen, last.state.best
    if chosen is not None and chosen.evaluation.accuracy > best.accuracy:
        return Entry(chosen.workflow, chosen.evaluation.accuracy, chosen.feedback)
    return best


def accuracy_of(evaluation: Evaluation) -> Accuracy:
    """An evaluation's mean with its interval. Repeated trials of a problem are one problem: they
    make its own score surer, and say nothing about other problems."""
    scores: defaultdict[str, list[float]] = defaultdict(list)
    for outcome in evaluation.scored:
        scores[outcome.problem].append(outcome.value)
    total = sum(fmean(trials) for trials in scores.values())
    return Accuracy(
        evaluation.accuracy,
        wilson(total, len(scores)),
        len(scores),
        len(evaluation.outcomes) - len(evaluation.scored),
        _upstream(evaluation),
    )


def accuracy_of_mean(mean: float, problems: int) -> Accuracy:
    """Where nothing but the mean is known; a few problems may have been unscored."""
    return Accuracy(mean, wilson(mean * problems, problems), problems)


def _turn(turn: Turn) -> TurnSummary:
    candidates = tuple(_validated(a.evaluation) for a in turn.attempts)
    chosen = turn.chosen
    accuracies = [turn.state.best.accuracy]
    if chosen is not None:
        accuracies.append(chosen.evaluation.accuracy)
    return TurnSummary(
        turn=turn.state.turn + 1,
        candidates=candidates,
        dropped=len(turn.dropped),
        chosen=_validated(chosen.evaluation) if chosen is not None else None,
        best=max(accuracies),
    )


def _validated(evaluation: Evaluation) -> Validated:
    flow = evaluation.workflow
    return Validated(flow.name, flow.digest, accuracy_of(evaluation))


def _entry(entry: Entry, count: int) -> Validated:
    """An archive entry holds its mean alone."""
    accuracy = accuracy_of_mean(entry.accuracy, count)
    return Validated(entry.workflow.name, entry.workflow.digest, accuracy)


def _sealed_result(tested: Tested) -> SealedResult:
    evaluation = tested.evaluation
    statuses = Counter(outcome.status.value for outcome in evaluation.outcomes)
    return SealedResult(
        name=evaluation.workflow.name,
        digest=evaluation.workflow.digest,
        origin=tested.origin,
        accuracy=accuracy_of(evaluation),
        statuses=tuple(statuses.most_common()),
        usage=evaluation.usage,
        seconds=tested.seconds,
    )


def _foreseen(run: Run, search: Cost, test: Cost) -> tuple[Foreseen, ...]:
    tested = {t.evaluation.workflow.digest for t in run.tests}
    searched = of_search(run.estimates) if run.turns else []
    return (
        *against_truth(SEARCH, searched, search.executor + search.meta_agent, search.seconds),
        *against_truth(TEST, of_tests(run.estimates, tested), test.executor, test.seconds),
    )


def _walls(run: Run) -> Walls | None:
    if run.canaries is None:
        return None
    held = run.canaries.get("held", ())
    return Walls(
        run.config.sandbox,
        str(run.canaries.get("profile", "none")),
        tuple(map(str, held)) if isinstance(held, list) else (),
    )


def _upstream(evaluation: Evaluation) -> float | None:
    """Mean under the published scorer; None where no score names one."""
    scores = [outcome.score for outcome in evaluation.scored if outcome.score is not None]
    if all(score.upstream is None for score in scores):
        return None
    values = [s.value if s.upstream is None else s.upstream for s in scores]
    return sum(values) / len(evaluation.scored)


def _cost(spent: Sequence[Spent]) -> Cost:
    """Of stretches on one account: its last totals, and the time of all."""
    totals = spent[-1].totals if spent else {}
    stretches = sum(stretch.seconds for stretch in spent)
    return Cost(
        totals.get(Role.EXECUTOR, Totals()),
        totals.get(Role.META_AGENT, Totals()),
        max(stretches, spent[-1].elapsed if spent else 0.0),
    )
