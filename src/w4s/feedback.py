"""Turn a measured workflow into the text that the meta-agent reads.

In: the accuracy on the private problems, the outcomes on the public ones. Out: a string. Nothing
is measured here, and the private problems themselves never come in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from w4s.prompts import render
from w4s.types import Evaluation, Outcome, Problem, Status

_CASES = 3
_TROUBLES = 3
_CHARACTERS = 1500


@dataclass(frozen=True, slots=True)
class Case:
    """One public problem that a workflow failed."""

    question: str
    given: str
    expected: str


def feedback(
    evaluation: Evaluation,
    public: Evaluation,
    problems: Sequence[Problem],
    *,
    last: float | None,
) -> str:
    """The feedback text.

    `evaluation` is on the private problems and gives numbers only. `public` is on `problems`,
    which may be quoted. `last` is the accuracy before this turn, None for an example."""
    return render(
        "feedback",
        accuracy=evaluation.accuracy,
        trend=_trend(evaluation.accuracy, last),
        troubles=_troubles(public),
        cases=_failing_cases(public, problems),
    )


def _trend(accuracy: float, last: float | None) -> str:
    if last is None:
        return ""
    change = f"{100 * (accuracy - last):+.1f} points"
    if accuracy > last:
        return f"It rose ({change})."
    return f"It fell ({change})." if accuracy < last else "It stayed the same."


def _troubles(public: Evaluation) -> list[tuple[str, int]]:
    """The most frequent errors on the public problems: an error text may quote its problem, so
    private outcomes are left out."""
    failed = (o for o in public.outcomes if o.status not in (Status.SCORED, Status.UNSCORED))
    texts = Counter(_capped(f"{o.status}: {o.trouble}") for o in failed)
    return texts.most_common(_TROUBLES)


def _failing_cases(public: Evaluation, problems: Sequence[Problem]) -> list[Case]:
    wrong = [
        (problem, outcome)
        for problem, outcome in zip(problems, public.outcomes, strict=True)
        if outcome.status is not Status.UNSCORED and outcome.value < 1
    ]
    return [
        Case(_capped(problem.question), _capped(_given(outcome)), _capped(expected_answer(problem)))
        for problem, outcome in wrong[:_CASES]
    ]


def _given(outcome: Outcome) -> str:
    if outcome.status is Status.SCORED:
        reason = f" ({outcome.score.reason})" if outcome.score and outcome.score.reason else ""
        return f"{outcome.answer}{reason}"
    return f"no answer: {outcome.trouble}"


def expected_answer(problem: Problem) -> str:
    if problem.entry_point is not None:
        return "\n".join(problem.public_tests) or f"a correct function {problem.entry_point}"
    return str(problem.target)


def _capped(text: str) -> str:
    return text if len(text) <= _CHARACTERS else text[:_CHARACTERS] + " […]"
