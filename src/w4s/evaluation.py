"""Run workflows on problems: the only place where solver calls fan out.

In: a Workflow and Problems. Out: an Evaluation. A limit of the run, or a provider that is down,
lets the calls under way end (they are paid for and go to the cache), starts no others, and is
raised then. Too many problems lost to faults that are not the workflow's: the evaluation raises.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from w4s.errors import Rejected, TooManyUnscored, W4sError
from w4s.models.base import Purpose
from w4s.places import Places
from w4s.racing import Race, Racing
from w4s.runner import Runner
from w4s.types import Evaluation, Outcome, Problem, Status, Workflow
from w4s.waiting import settled


class Observer(Protocol):
    """Watches evaluations, for progress and logs. Must not raise or block."""

    def outcome(self, workflow: Workflow, purpose: Purpose, outcome: Outcome) -> None: ...

    def evaluation(self, purpose: Purpose, evaluation: Evaluation) -> None: ...


class Unobserved:
    """Watches nothing."""

    def outcome(self, workflow: Workflow, purpose: Purpose, outcome: Outcome) -> None:
        """Nothing to do."""

    def evaluation(self, purpose: Purpose, evaluation: Evaluation) -> None:
        """Nothing to do."""


@dataclass(slots=True)
class Evaluator:
    """Evaluates workflows of one task."""

    runner: Runner
    unscored_limit: float = 0.05
    """Share of problems that may end UNSCORED before an evaluation is no longer believed."""
    concurrency: int = 1024
    """Solver calls that may be alive at once, over all evaluations."""
    observer: Observer = field(default_factory=Unobserved)
    _places: Places = field(init=False, repr=False)
    _stopped_by: W4sError | None = field(init=False, default=None, repr=False)

    def __post_init__(self) -> None:
        self._places = Places(self.concurrency)

    def beside(self, runner: Runner, observer: Observer) -> Evaluator:
        """Another one, for another task; both together keep to one concurrency."""
        other = replace(self, runner=runner, observer=observer)
        other._places = self._places
        return other

    async def once(self, workflow: Workflow, problem: Problem, purpose: Purpose) -> Outcome:
        """One solver call that belongs to no evaluation. Raises what the runner raises."""
        async with self._places.place(workflow.digest, _size(problem)):
            return await self.runner.run(workflow, problem, purpose)

    async def evaluate(
        self, workflow: Workflow, problems: Sequence[Problem], purpose: Purpose, trial: int = 0
    ) -> Evaluation:
        """One workflow on all `problems`; outcomes stand in the order of the problems.

        Raises TooManyUnscored, BudgetExceeded, ProviderDown, StoreError or AccessDenied; calls
        under way are not cancelled by that."""
        lost = _Lost(workflow, len(problems), self.unscored_limit)
        runs = [self._run(workflow, problem, purpose, trial, lost) for problem in problems]
        evaluation = Evaluation(workflow, tuple(await settled(runs)))
        self.observer.evaluation(purpose, evaluation)
        return evaluation

    async def evaluate_all(
        self,
        workflows: Sequence[Workflow],
        problems: Sequence[Problem],
        purpose: Purpose,
        trial: int = 0,
    ) -> list[Evaluation | TooManyUnscored]:
        """Several workflows side by side on the same problems. A workflow whose evaluation cannot
        be believed gets its TooManyUnscored in place of an Evaluation; the rest is raised."""
        return await settled(self._believed(w, problems, purpose, trial) for w in workflows)

    async def race(
        self,
        workflows: Sequence[Workflow],
        problems: Sequence[Problem],
        purpose: Purpose,
        racing: Racing,
    ) -> list[Evaluation | TooManyUnscored]:
        """As `evaluate_all`, block by block, but a workflow that can no longer win is stopped."""
        race = Race(racing, len(workflows), len(problems))
        lost = [_Lost(workflow, len(problems), self.unscored_limit) for workflow in workflows]
        outcomes: list[list[Outcome]] = [[] for _ in workflows]
        doubted: dict[int, TooManyUnscored] = {}
        for look in racing.blocks(len(problems)):
            # Who is left alone has nobody to race with: the rest is measured in one go.
            alone = len(race.running) <= 1
            block = range(look.start, len(problems)) if alone else look
            some = [problems[i] for i in block]
            results = await settled(
                self._block(workflows[c], some, purpose, lost[c]) for c in race.running
            )
            for candidate, result in zip(race.running, results, strict=True):
                if isinstance(result, TooManyUnscored):
                    doubted[candidate] = result
                else:
                    outcomes[candidate] += result
            race.retire(doubted)
            if alone:
                break
            race.block([[_raced_score(o) for o in outcomes[c][look.start :]] for c in race.running])
        return [
            doubted.get(c) or self._raced(workflow, outcomes[c], len(problems), purpose)
            for c, workflow in enumerate(workflows)
        ]

    async def _block(
        self, workflow: Workflow, problems: Sequence[Problem], purpose: Purpose, lost: _Lost
    ) -> list[Outcome] | TooManyUnscored:
        try:
            return await settled(self._run(workflow, p, purpose, 0, lost) for p in problems)
        except TooManyUnscored as error:
            return error

    def _raced(
        self, workflow: Workflow, outcomes: Sequence[Outcome], planned: int, purpose: Purpose
    ) -> Evaluation:
        evaluation = Evaluation(workflow, tuple(outcomes), stopped=len(outcomes) < planned)
        self.observer.evaluation(purpose, evaluation)
        return evaluation

    async def _believed(
        self, workflow: Workflow, problems: Sequence[Problem], purpose: Purpose, trial: int
    ) -> Evaluation | TooManyUnscored:
        try:
            return await self.evaluate(workflow, problems, purpose, trial)
        except TooManyUnscored as error:
            return error

    async def _run(
        self, workflow: Workflow, problem: Problem, purpose: Purpose, trial: int, lost: _Lost
    ) -> Outcome:
        async with self._places.place(workflow.digest, _size(problem)):
            if self._stopped_by is not None:
                raise self._stopped_by
            lost.check()
            try:
                outcome = await self.runner.run(workflow, problem, purpose, trial)
            except W4sError as error:
                self._stopped_by = error
                raise
        if outcome.status is Status.UNSCORED:
            lost.add(outcome)
        self.observer.outcome(workflow, purpose, outcome)
        return outcome


def _size(problem: Problem) -> float:
    """A long question has a long answer, though not in proportion."""
    return math.sqrt(1 + len(problem.question))


def _raced_score(outcome: Outcome) -> float:
    return math.nan if outcome.counted is None else outcome.counted


@dataclass(slots=True)
class _Lost:
    """Counts the unscored problems of one evaluation."""

    workflow: Workflow
    planned: int
    limit: float
    outcomes: list[Outcome] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self.check()

    def check(self) -> None:
        if len(self.outcomes) <= self.limit * self.planned:
            return
        troubles = [outcome.trouble for outcome in self.outcomes]
        raise TooManyUnscored(
            f"{len(self.outcomes)} of {self.planned} problems could not be scored for faults that "
            f"are not the workflow's (limit {self.limit:.0%}); the last one: {troubles[-1]}",
            rejected=all(t is not None and t.type == Rejected.__name__ for t in troubles),
        )
