"""From all that a search has tried to the one workflow it hands over.

In: the first state and the turns. Out: the finalists, measured again, and the choice among them.
The best of many noisy accuracies is too good to be true; so the few best are validated once more
with fresh draws, the fresh accuracy is the one to believe, and both together decide. With an eye
on cost, the cheapest workflow wins that is not clearly worse than the best.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from w4s.environment import Environment
from w4s.errors import TooManyUnscored
from w4s.models.base import Purpose
from w4s.types import Entry, Evaluation, State, Turn, Usage, Workflow
from w4s.waiting import settled

T = TypeVar("T")

FRESH_TRIAL = 1000
"""Number of the first trial of a second measurement; no search repeats that often."""


@dataclass(frozen=True, slots=True)
class Finalist:
    """One of the best workflows of a search, measured again."""

    workflow: Workflow
    validated: float
    """Accuracy in the search: too high on average, because it was chosen for being high."""
    scores: tuple[float | None, ...]
    """Fresh scores, problem by problem; the mean of the trials, None where all were unscored."""
    cost: float
    """Of one answer: dollars, or tokens where no price is known."""

    @property
    def fresh(self) -> float:
        """The accuracy to believe."""
        return _mean(self.scores) or 0.0

    @property
    def accuracy(self) -> float:
        """Both measurements together: what decides."""
        return (self.validated + self.fresh) / 2


async def measure_again(
    env: Environment, begin: State, turns: Sequence[Turn], *, count: int, trials: int = 1
) -> list[Finalist]:
    """The `count` best workflows of a search, validated afresh, the best in the search first. One
    whose fresh measurement cannot be believed is left out; TooManyUnscored where all are."""
    best = sorted(_measured(begin, turns), key=lambda entry: -entry.accuracy)[:count]
    workflows, problems = [entry.workflow for entry in best], env.problems.private
    repeated = await settled(
        env.evaluator.evaluate_all(workflows, problems, Purpose.VALIDATE, FRESH_TRIAL + trial)
        for trial in range(trials)
    )
    found, doubted = list[Finalist](), list[TooManyUnscored]()
    for entry, of_one in zip(best, zip(*repeated, strict=True), strict=True):
        doubts = [trial for trial in of_one if isinstance(trial, TooManyUnscored)]
        doubted += doubts
        if not doubts:
            found.append(_finalist(entry, [t for t in of_one if isinstance(t, Evaluation)]))
    if doubted and not found:
        raise doubted[0]
    return found


def choose(finalists: Sequence[Finalist], *, economical: bool = False) -> Finalist:
    """The most accurate finalist, the earliest of equals; when `economical`, the cheapest of
    those whose fresh scores are within one standard error of its own."""
    best = max(finalists, key=lambda finalist: finalist.accuracy)
    if not economical:
        return best
    good = [f for f in finalists if f is best or _behind(f, best) <= _standard_error(f, best)]
    return min(good, key=lambda finalist: finalist.cost)


def pareto_front(
    items: Sequence[T], *, accuracy: Callable[[T], float], cost: Callable[[T], float]
) -> list[T]:
    """What nothing else beats in both, cheapest first."""
    front: list[T] = []
    for item in sorted(items, key=lambda i: (cost(i), -accuracy(i))):
        last = (accuracy(front[-1]), cost(front[-1])) if front else None
        if last is None or accuracy(item) > last[0] or (accuracy(item), cost(item)) == last:
            front.append(item)
    return front


def cost_of_one(usage: Usage, answers: int) -> float:
    """What one answer costs: dollars, or tokens where there is no price. Calls that came from the
    cache count as what was once paid for them."""
    return (usage.all_usd or float(usage.all_tokens)) / max(1, answers)


def _measured(begin: State, turns: Sequence[Turn]) -> list[Entry]:
    """Every workflow that was validated in full, each once, the earliest first."""
    ran = [a for turn in turns for a in turn.attempts if a.evaluation.ran]
    found = [
        Entry(attempt.workflow, attempt.evaluation.accuracy, attempt.feedback)
        for attempt in ran
        if not attempt.evaluation.stopped
    ]
    first: dict[str, Entry] = {}
    for entry in (*begin.examples, *found):
        first.setdefault(entry.workflow.digest, entry)
    return list(first.values())


def _finalist(entry: Entry, trials: Sequence[Evaluation]) -> Finalist:
    of_problems = zip(*((o.counted for o in trial.outcomes) for trial in trials), strict=True)
    answers = sum(len(trial.outcomes) for trial in trials)
    usage = sum((trial.usage for trial in trials), Usage())
    return Finalist(
        entry.workflow,
        entry.accuracy,
        tuple(_mean(scores) for scores in of_problems),
        cost_of_one(usage, answers),
    )


def _mean(scores: Sequence[float | None]) -> float | None:
    """Over what was scored; None when nothing was."""
    known = [score for score in scores if score is not None]
    return sum(known) / len(known) if known else None


def _behind(finalist: Finalist, best: Finalist) -> float:
    return best.fresh - finalist.fresh


def _standard_error(first: Finalist, second: Finalist) -> float:
    """Of the difference of their fresh accuracies, problem by problem."""
    pairs = zip(first.scores, second.scores, strict=True)
    differences = np.array([a - b for a, b in pairs if a is not None and b is not None])
    if len(differences) < 2:
        return 0.0
    return float(differences.std(ddof=1) / np.sqrt(len(differences)))
