"""How toy tasks are judged and how their sets are made, in words.

In: a toy task. Out: the same with its rule and its division. Stands outside `w4s.tasks.toy`, whose
text is part of the problems' identity (`toy_digest`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from w4s.tasks.base import Scorer, Task
from w4s.tasks.toy.draws import Answer
from w4s.tasks.toy.scoring import scorer_of

_RULES: Mapping[Scorer, str] = {
    scorer_of(Answer.NUMBER): "The number in the answer's last box, else its last number, is the"
    " gold number.",
    scorer_of(Answer.LETTER): "The letter in `answer is (X)`, else in `answer: X`, else the last"
    " capital that stands alone, is the gold letter.",
    scorer_of(Answer.TEXT): "Where a date is asked for, the last date of the answer is the gold"
    " date; else the last word of a short answer is the gold word, in upper or lower case.",
    scorer_of(Answer.CODE): "1 when the function gives the expected value, type included, for all"
    " hidden arguments.",
}

_DIVISION = (
    "Made from the seed, as many as are asked for. A problem's number says its set, and so does its"
    " text (functions, whose names keep them apart, excepted), so that sets of any size and seed"
    " share none."
)


def described(task: Task) -> Task:
    """The toy task, with what `w4s tasks NAME` says of it."""
    return replace(task, rule=_RULES[task.scorer], division=_DIVISION)
