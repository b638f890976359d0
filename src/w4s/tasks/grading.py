"""Decide coding problems: which of the published tests the candidate passes.

In: a problem whose target holds its tests, and an answer. Out: a Score. The tests run in the
sandbox's grader, apart from the candidate's code (`sandbox.grader`); here is what is asked of it
and what its verdicts mean.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from w4s.sandbox.base import Limits, Sandbox
from w4s.sandbox.grader import grade_asserts
from w4s.tasks.parsing import parsed
from w4s.tasks.scorers import SHOWN
from w4s.types import JSON, Problem, Score

CANDIDATE_LIMITS = Limits(seconds=30.0, cpu_seconds=12)
"""For all tests of a problem together; HumanEval itself allows 3 s, AFlow 15. Processor time is
the tighter one, so that a busy machine does not change a verdict."""


async def score_code(problem: Problem, answer: str, sandbox: Sandbox) -> Score:
    """1 when all hidden tests pass; `upstream` is 1 when all published ones do."""
    target = problem.target
    assert isinstance(target, Mapping)
    grade = await grade_asserts(
        sandbox,
        candidate_source(problem, answer),
        [str(test) for test in _items(target, "tests")],
        setup=str(target["prelude"]),
        names=[problem.entry_point or ""],
        limits=CANDIDATE_LIMITS,
    )
    passed = [verdict is None for verdict in grade.verdicts]
    hidden = [passed[i] for i in _items(target, "hidden") if isinstance(i, int)]
    reason = f"passed {sum(hidden)} of {len(hidden)} hidden tests"
    if grade.broken is not None:
        reason += f"; {grade.broken.trouble or grade.broken.ending.value}"
    return Score(
        float(all(hidden)), answer.strip()[:SHOWN], reason[:SHOWN], upstream=float(all(passed))
    )


def candidate_source(problem: Problem, answer: str) -> str:
    """The module to test: the answer behind the helpers of its prompt.

    As in HumanEval, an answer that does not define the function is taken as the continuation of
    the prompt.
    """
    target = problem.target
    assert isinstance(target, Mapping)
    prompt = str(target["prompt"])
    if not prompt or _defines(answer, problem.entry_point):
        return f"{target['before']}\n{answer}"
    return prompt + answer


def _items(target: Mapping[str, JSON], name: str) -> Sequence[JSON]:
    found = target[name]
    return found if isinstance(found, Sequence) and not isinstance(found, str) else ()


def _defines(source: str, name: str | None) -> bool:
    try:
        body = parsed(source).body
    except SyntaxError:
        return False
    names = {getattr(node, "name", None) for node in body}
    for node in body:
        if isinstance(node, ast.Assign):
            names |= {t.id for t in node.targets if isinstance(t, ast.Name)}
    return name in names
