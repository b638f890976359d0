"""Judge an answer against its gold answer.

In: the gold answer of a problem and the text a workflow returned. Out: a Score with what was
read and why. A judge is a plain function `(target, answer) -> Score` that never raises and whose
reason never quotes the target, for reasons are shown to the meta-agent; `Judged` makes a
`tasks.base.Scorer` of it. Code is judged in `tasks.code`, which needs the sandbox.
"""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from w4s.errors import ConfigError
from w4s.sandbox.base import Sandbox
from w4s.tasks.answers import near, plain, read_letter, read_number
from w4s.types import JSON, Problem, Score

Judge: TypeAlias = Callable[[JSON, str], Score]
"""Takes the target and the answer."""

UserFunction: TypeAlias = Callable[[str, JSON], object]
"""A user's scorer: takes the answer and the target, returns a number from 0 to 1, or a bool."""

SHOWN = 200
"""Characters of an extracted answer that a Score keeps."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A Scorer out of a plain function; needs no sandbox."""

    judge: Judge

    async def __call__(self, problem: Problem, answer: str, sandbox: Sandbox) -> Score:
        return self.judge(problem.target, answer)


def natural(target: JSON) -> str:
    """The target as one would write it as an answer."""
    if isinstance(target, str):
        return target
    if isinstance(target, float) and math.isfinite(target):
        return plain(Decimal(repr(target)))
    return json.dumps(target, ensure_ascii=False)


def exact(target: JSON, answer: str) -> Score:
    """The same text, blanks around it aside."""
    extracted = answer.strip()
    same = extracted == natural(target).strip()
    return Score(float(same), extracted[:SHOWN], "same text" if same else "other text")


def contains(target: JSON, answer: str) -> Score:
    """The target stands somewhere in the answer, in upper or lower case."""
    found = natural(target).strip().casefold() in answer.casefold()
    return Score(
        float(found), answer.strip()[:SHOWN], "contains it" if found else "does not contain it"
    )


def number(target: JSON, answer: str) -> Score:
    """The number that the answer ends up with is the target."""
    return _number(target, answer, Decimal(0))


def number_within(tolerance: float) -> Judge:
    """Like `number`, with an absolute tolerance."""
    allowed = Decimal(repr(tolerance))

    def judge(target: JSON, answer: str) -> Score:
        return _number(target, answer, allowed)

    return judge


def _number(target: JSON, answer: str, tolerance: Decimal) -> Score:
    read, wanted = read_number(answer), read_number(natural(target))
    if read is None:
        return Score(0.0, "", "no number in the answer")
    if wanted is None:
        return Score(0.0, plain(read)[:SHOWN], "the target holds no number")
    right = near(read, wanted, tolerance)
    return Score(float(right), plain(read)[:SHOWN], "right number" if right else "wrong number")


def choice(target: JSON, answer: str) -> Score:
    """The letter that the answer chooses; see `answers.read_letter` for where it is sought."""
    letter = read_letter(answer)
    if letter is None:
        return Score(0.0, "", "no letter in the answer")
    right = letter == natural(target).strip().upper()
    return Score(float(right), letter, "right letter" if right else "wrong letter")


JUDGES: dict[str, Judge] = {
    "exact": exact,
    "number": number,
    "choice": choice,
    "contains": contains,
}
"""The scorers that an own task can name."""


def user_judge(function: UserFunction, name: str) -> Judge:
    """A judge out of a user's function.

    An exception or a value that is no number from 0 to 1 scores 0 and is named in the reason.
    `check_user_function` finds such functions before anything is spent.
    """

    def judge(target: JSON, answer: str) -> Score:
        try:
            return _as_score(function(answer, target), answer)
        except (Exception, SystemExit) as error:
            # A user's own code may raise anything; the answer it stumbles over is not right.
            return Score(0.0, answer[:SHOWN], f"{name} raised {type(error).__name__}")

    return judge


def check_user_function(
    function: UserFunction, name: str, golds: list[tuple[str, JSON, str]]
) -> None:
    """Try a user's scorer on gold answers: `(answer, target, where)` each.

    Raises ConfigError, with the place of the row, when it raises or returns no score.
    """
    if inspect.iscoroutinefunction(function):
        raise ConfigError(f"{name} is an async function; a scorer must be a plain one")
    for answer, target, where in golds:
        try:
            _as_score(function(answer, target), answer)
        except (Exception, SystemExit) as error:
            text = " ".join(str(error).split())[:SHOWN]
            raise ConfigError(
                f"{name} raised {type(error).__name__}: {text} on the gold answer of {where}; "
                "a scorer takes (answer, target) and returns a number from 0 to 1"
            ) from error


def _as_score(value: object, answer: str) -> Score:
    if isinstance(value, Score) and 0 <= value.value <= 1:
        return value
    if isinstance(value, int | float) and 0 <= value <= 1:
        return Score(float(value), answer.strip()[:SHOWN], "as the task's own scorer says")
    raise TypeError(f"returned {value!r:.80}, not a number from 0 to 1")
