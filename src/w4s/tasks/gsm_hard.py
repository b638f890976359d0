"""GSM-Hard: grade-school problems with large numbers (Gao et al., PAL, 2022).

In: upstream's file of 1,319 rows, each of which rewrites a test problem of GSM8K. Out: a Task
with the sets of W4S: the rows shuffled with seed 0, then 128 for validation, 500 for the test, a
pool of 200 public problems, and 491 for training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from w4s.models.answer_book import AnswerKey
from w4s.tasks import data, gsm8k_origins
from w4s.tasks.answers import near, plain, read_number
from w4s.tasks.base import Sealed, SearchSet, Sizes, Task
from w4s.tasks.keys import numeric_key
from w4s.tasks.scorers import SHOWN, Judged, natural
from w4s.tasks.splits import Sets, drawn, shuffled
from w4s.types import JSON, Problem, Score

FILE = "gsm_hard/gsmhardv2.jsonl.gz"
TOLERANCE = 0.1

DESCRIPTION = """\
Solve grade-school math word problems whose numbers have been replaced by large or unusual ones \
(up to ten digits, decimals, results that may be negative or fractional even where the story \
would not allow it). The reasoning takes two to eight steps of basic arithmetic; the calculation \
itself is the hard part. The answer must be a plain number that Python's float() can read: \
no words, units, currency signs or thousands commas."""


def load_gsm_hard(seed: int = 0, sizes: Sizes | None = None) -> Task:
    """The task; `seed` draws the public problems out of their pool, the sets are fixed."""
    file = data.load(FILE)
    rows = file.records()
    problems = [_problem(file, i, row) for i, row in enumerate(rows)]
    keyed = dict(zip((p.id for p in problems), rows, strict=True))
    sets = drawn("gsm_hard", _published(problems), sizes, seed)

    def key(problem: Problem) -> AnswerKey | None:
        row = keyed.get(problem.id)
        return None if row is None else _key(problem, row)

    return Task(
        name="gsm_hard",
        family="mathematics",
        description=DESCRIPTION,
        example=sets.public[0],
        example_answer=natural(sets.public[0].target),
        metric="accuracy, within 0.1 of the target",
        scorer=Judged(judge),
        search=SearchSet(sets.private, sets.public),
        training=sets.training,
        sealed=Sealed(lambda: sets.test, len(sets.test)),
        licence="Apache-2.0 (repository); MIT (hub card)",
        source="reasoning-machines/pal, datasets/gsmhardv2.jsonl",
        answer_keys=key,
        variant={"split": "w4s", "seed": seed, "sha256": file.sha256},
    )


def judge(target: JSON, answer: str) -> Score:
    """The published rule: what `float()` reads is at most 0.1 away from the target.

    What `float()` cannot read scores 0, as published; the reason says when a forgiving reading
    would have found the right number in the text.
    """
    try:
        value = float(answer)
    except ValueError:
        return Score(0.0, "", _unread(target, answer))
    right = abs(value - float(natural(target))) <= TOLERANCE
    return Score(
        float(right), answer.strip()[:SHOWN], "within 0.1" if right else "more than 0.1 off"
    )


def _unread(target: JSON, answer: str) -> str:
    found = read_number(answer)
    wanted = Decimal(natural(target))
    if found is not None and near(found, wanted, Decimal(repr(TOLERANCE))):
        return "not a plain number, though the right one stands in the text"
    return "not a plain number"


def _published(problems: Sequence[Problem]) -> Sets:
    pools = {}
    order = shuffled(problems, 0)
    for role, size in gsm8k_origins.ROLES.items():
        pools[role], order = tuple(order[:size]), order[size:]
    return Sets(**pools)


def _problem(file: data.DataFile, row_number: int, row: Mapping[str, Any]) -> Problem:
    return Problem(
        id=f"gsm_hard/{row_number}",
        origin=gsm8k_origins.origin(gsm8k_origins.of_gsm_hard(row_number)),
        question=file.field(row, "input", str, row_number),
        target=float(file.field(row, "target", float, row_number)),
    )


def _key(problem: Problem, row: Mapping[str, Any]) -> AnswerKey:
    answer = plain(Decimal(natural(problem.target)))
    return numeric_key(problem.question, answer, program=str(row.get("code", "")).strip() or None)
