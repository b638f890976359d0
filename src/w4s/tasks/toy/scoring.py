"""How toy answers are scored.

In: a problem and an answer. Out: a Score. Numbers and letters are judged as everywhere; names
and dates here; functions by running them on hidden arguments and comparing on this side.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from w4s.sandbox.base import Action, Ending, Job, Limits, Sandbox
from w4s.tasks.base import Scorer
from w4s.tasks.scorers import SHOWN, Judged, choice, natural, number
from w4s.tasks.toy.draws import Answer
from w4s.types import JSON, Problem, Score

_ISO_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
_WORD = re.compile(r"\w+")
_LONGEST_STATEMENT = 12
"""Words in `The answer is Brevik.` and the like; a longer text is no answer but an essay."""


def scorer_of(answer: Answer) -> Scorer:
    match answer:
        case Answer.NUMBER:
            return Judged(number)
        case Answer.LETTER:
            return Judged(choice)
        case Answer.TEXT:
            return Judged(name_or_date)
        case Answer.CODE:
            return score_code


def metric_of(answer: Answer) -> str:
    if answer is Answer.CODE:
        return "share of problems whose function passes all hidden tests"
    return "accuracy"


def name_or_date(target: JSON, answer: str) -> Score:
    """The last date of the answer where dates are asked for, else its only or its last word."""
    wanted = natural(target)
    found = _ISO_DATE.findall(answer) if _ISO_DATE.fullmatch(wanted) else _stated_word(answer)
    if not found:
        return Score(0.0, answer.strip()[:SHOWN], "no short answer in the text")
    right = found[-1].casefold() == wanted.casefold()
    return Score(float(right), found[-1][:SHOWN], "right" if right else "wrong")


def _stated_word(answer: str) -> list[str]:
    words = _WORD.findall(answer[:2000])
    return words if len(words) <= _LONGEST_STATEMENT else []


async def score_code(problem: Problem, answer: str, sandbox: Sandbox) -> Score:
    """1 when the function gives the expected value for all hidden arguments, else 0."""
    assert isinstance(problem.target, Mapping)
    cases = problem.target["cases"]
    assert isinstance(cases, list | tuple)
    entry = problem.entry_point or "solution"
    arguments = tuple(arguments for arguments, _ in cases)
    job = Job(answer, Action.CALLS, entry, cases=arguments, limits=Limits(seconds=5.0))
    result = await sandbox.run(job)
    if result.ending is not Ending.RETURNED:
        return Score(0.0, answer.strip()[:SHOWN], f"did not run: {result.ending.value}")
    assert isinstance(result.value, list | tuple)
    passed = sum(
        isinstance(got, Mapping) and "value" in got and _same(got["value"], expected)
        for got, (_, expected) in zip(result.value, cases, strict=True)
    )
    reason = f"passed {passed} of {len(cases)} hidden tests"
    return Score(float(passed == len(cases)), answer.strip()[:SHOWN], reason)


def _same(got: JSON, expected: JSON) -> bool:
    """Equal in value and type: `True` is not 1, and a tuple is not a list."""
    return json.dumps(got, sort_keys=True) == json.dumps(expected, sort_keys=True)
