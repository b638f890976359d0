"""The decision process: begin, check, attempts, advance. It has no memory of its own.

In: proposals and a frozen State. Out: Attempts with feedback and reward, and the next State. The
search set is all it holds of the task, so no test problem can reach a state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from w4s.errors import TooManyUnscored
from w4s.evaluation import Evaluator
from w4s.feedback import feedback
from w4s.models.base import Purpose
from w4s.racing import Racing
from w4s.reward import discrete
from w4s.tasks.base import SearchSet
from w4s.types import (
    Attempt,
    Entry,
    Evaluation,
    Proposal,
    State,
    Status,
    Step,
    Turn,
    Workflow,
)
from w4s.waiting import settled


class Parent(StrEnum):
    """Which workflow a conversation starts from when it is rebuilt."""

    LAST = "last"
    """The one that advanced last, as published."""
    BEST = "best"
    """The best so far: a turn that went wrong is left behind."""


@dataclass(frozen=True, slots=True)
class Environment:
    """One task's search set, and what measures workflows on it."""

    evaluator: Evaluator
    problems: SearchSet
    examples: tuple[Workflow, ...]
    """The workflows of the first state."""
    window: int = 2
    """Turns until the conversation is rebuilt from the examples and the last workflow."""
    trials: int = 1
    """How often each validation is repeated; an accuracy is then the mean over the trials. More
    make accuracies surer where the executor's answers vary; more problems do so better."""
    racing: Racing | None = None
    """Stops candidates of a turn that can no longer win. Turn it on to save validation calls in a
    search; leave it off when collecting, because the reward of a stopped candidate is rough."""
    parent: Parent = Parent.LAST

    async def begin(self) -> State:
        """Evaluate the examples; the best of them is the best so far and the last."""
        measured = await self._measure(self.examples, race=False)
        entries = []
        for result in measured:
            if isinstance(result, TooManyUnscored):
                raise result
            entries.append(self._entry(result, last=None))
        best = max(entries, key=lambda entry: entry.accuracy)
        return State(0, tuple(entries), None, (), best.accuracy, best, best)

    async def check(self, workflow: Workflow) -> str | None:
        """Run `workflow` on one public problem: the error it ends with, None when it answers.

        A wrong answer is no error. Neither is a fault of the provider's, which says nothing about
        the workflow; the evaluation will meet it again if it lasts."""
        problem = self.problems.public[0]
        outcome = await self.evaluator.once(workflow, problem, Purpose.CHECK)
        if outcome.status is Status.SCORED:
            return None
        if outcome.status is Status.UNSCORED and (
            outcome.trouble is None or outcome.trouble.type != "Rejected"
        ):
            return None
        trouble = outcome.trouble
        details = f"\n{trouble.traceback}" if trouble and trouble.traceback else ""
        return f"{outcome.status}: {trouble}{details}"

    async def attempts(self, state: State, proposals: Sequence[Proposal]) -> list[Attempt]:
        """Measure the proposals that hold a workflow, side by side on the same problems.

        A workflow whose every fault is a request that the provider rejects (a conversation too
        long, say) is left out; any other doubt about an evaluation is raised."""
        running = [(p, p.workflow) for p in proposals if p.workflow is not None]
        measured = await self._measure([workflow for _, workflow in running], race=True)
        attempts = []
        for (proposal, _), result in zip(running, measured, strict=True):
            if isinstance(result, TooManyUnscored):
                if not result.rejected:
                    raise result
                continue
            attempts.append(self._attempt(state, proposal, result))
        return attempts

    def advance(self, state: State, turn: Turn) -> State:
        """The state after `turn`; only the turn's number changes when nothing ran."""
        chosen = turn.chosen
        if chosen is None:
            return replace(state, turn=state.turn + 1)
        entry = Entry(chosen.workflow, chosen.evaluation.accuracy, chosen.feedback)
        window = (*state.window, Step(chosen.proposal.reply, chosen.feedback))
        rebuilt = len(window) >= self.window
        best = entry if entry.accuracy > state.best.accuracy else state.best
        if rebuilt and self.parent is Parent.BEST:
            entry = best
        return State(
            turn=state.turn + 1,
            examples=state.examples,
            anchor=entry if rebuilt else state.anchor,
            window=() if rebuilt else window,
            best_at_start=best.accuracy if rebuilt else state.best_at_start,
            best=best,
            last=entry,
        )

    async def _measure(
        self, workflows: Sequence[Workflow], *, race: bool
    ) -> list[_Measured | TooManyUnscored]:
        private, public = await settled(
            [
                self._validate(workflows, self.racing if race else None),
                self.evaluator.evaluate_all(workflows, self.problems.public, Purpose.PUBLIC),
            ]
        )
        return [
            a
            if isinstance(a, TooManyUnscored)
            else b
            if isinstance(b, TooManyUnscored)
            else _Measured(a, b)
            for a, b in zip(private, public, strict=True)
        ]

    async def _validate(
        self, workflows: Sequence[Workflow], racing: Racing | None
    ) -> list[Evaluation | TooManyUnscored]:
        """On the private problems, `trials` times; outcomes stand trial after trial. Those that
        a race stops in the first trial take no part in the others."""
        private, validate = self.problems.private, Purpose.VALIDATE
        if racing is None:
            first = await self.evaluator.evaluate_all(workflows, private, validate)
        else:
            first = await self.evaluator.race(workflows, private, validate, racing)
        on = [e.workflow for e in first if isinstance(e, Evaluation) and not e.stopped]
        repeated = await settled(
            self.evaluator.evaluate_all(on, private, validate, trial)
            for trial in range(1, self.trials)
        )
        later = iter(zip(*repeated, strict=True))
        return [
            _joined(e, next(later, ())) if isinstance(e, Evaluation) and not e.stopped else e
            for e in first
        ]

    def _entry(self, measured: _Measured, last: float | None) -> Entry:
        text = feedback(measured.private, measured.public, self.problems.public, last=last)
        return Entry(measured.private.workflow, measured.private.accuracy, text)

    def _attempt(self, state: State, proposal: Proposal, measured: _Measured) -> Attempt:
        accuracy, last = measured.private.accuracy, state.last.accuracy
        return Attempt(
            proposal,
            measured.private,
            measured.public,
            self._entry(measured, last).feedback,
            discrete(accuracy, state.best.accuracy, last),
        )


@dataclass(frozen=True, slots=True)
class _Measured:
    """One workflow on the private and on the public problems."""

    private: Evaluation
    public: Evaluation


def _joined(
    first: Evaluation, others: Sequence[Evaluation | TooManyUnscored]
) -> Evaluation | TooManyUnscored:
    """One evaluation of all trials; the first one that cannot be believed spoils it."""
    outcomes = list(first.outcomes)
    for trial in others:
        if isinstance(trial, TooManyUnscored):
            return trial
        outcomes += trial.outcomes
    return Evaluation(first.workflow, tuple(outcomes))
