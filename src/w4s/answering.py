"""A workflow in use: a question of a user's, to which nobody knows the right answer.

In: a question, and for programming tasks the function to write. Out: the Problem and the scorer
with which a Runner answers it. Exported files and the server share this, so that the same
question gets the same answer from both.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Sequence

from w4s.sandbox.base import Sandbox
from w4s.types import Outcome, Problem, Score, Status, Workflow

_DEFINED = re.compile(r"(?:^|`)[ \t]*(?:async )?def ([A-Za-z_]\w*)\(", re.MULTILINE)
_NAMED = re.compile(r"`([A-Za-z_]\w*)\(")


class NotAnswered(Exception):
    """The workflow gave no answer."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(f"{outcome.status.value}: {outcome.trouble}")
        self.outcome = outcome


def question_of_user(
    question: str,
    entry_point: str | None = None,
    public_tests: Sequence[str] = (),
    id: str | None = None,
) -> Problem:
    """A question as a Problem without a gold answer.

    Its id, which decides the executor's random draws, is made from the question unless it has
    one: equal questions get equal answers."""
    digest = hashlib.sha256(question.encode("utf-8", "replace")).hexdigest()[:16]
    return Problem(id or digest, "user", question, None, entry_point, tuple(public_tests))


async def unjudged(problem: Problem, answer: str, sandbox: Sandbox) -> Score:
    """The Scorer of questions whose right answer nobody knows: every answer passes."""
    return Score(1.0, answer, "not judged")


def answer_of(outcome: Outcome) -> str:
    """The answer. Raises NotAnswered when there is none."""
    if outcome.status is not Status.SCORED or outcome.score is None:
        raise NotAnswered(outcome)
    return outcome.score.extracted


def wants_entry_point(workflow: Workflow) -> bool:
    """Whether `solver` takes the name of a function to write; False for what is no Python."""
    try:
        module = ast.parse(workflow.code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    solvers = [n for n in module.body if isinstance(n, ast.FunctionDef) and n.name == "solver"]
    return any(
        argument.arg == "entry_point"
        for solver in solvers
        for argument in (*solver.args.posonlyargs, *solver.args.args, *solver.args.kwonlyargs)
    )


def entry_point_in(question: str) -> str | None:
    """The function that a question asks for, as far as its text says so.

    That is the last one of its `def` lines (helpers stand before it), else the first call in
    backticks, as in "write a function `area(r)`"."""
    if defined := _DEFINED.findall(question):
        return str(defined[-1])
    named = _NAMED.search(question)
    return named[1] if named else None
