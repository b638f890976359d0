"""GSM-Hard: grade-school problems with large numbers (Gao et al., PAL, 2022).

In: upstream's file of 1,319 rows, each of which rewrites a test problem of GSM8K. Out: a Task
with the sets of W4S: the rows shuffled with seed 0, then 128 for validation, 500 for the test, a
pool of 200 public problems, and 491 for training.
"""

from __future__ import annotations

from decimal import Decimal

from w4s.models.answer_book import AnswerKey
from w4s.tasks import data, gsm8k_origins
from w4s.tasks.about import About, Drawn, Row, assemble, keyed
from w4s.tasks.answers import near, plain, read_number
from w4s.tasks.base import Sizes, Task
from w4s.tasks.keys import numeric_key
from w4s.tasks.scorers import SHOWN, Judged, natural
from w4s.tasks.splits import drawn, pooled, shuffled
from w4s.types import JSON, Problem, Score

FILE = "gsm_hard/gsmhardv2.jsonl.gz"
TOLERANCE = 0.1

GSM_HARD = About(
    name="gsm_hard",
    family="mathematics",
    description="Solve grade-school math word problems whose numbers have been replaced by large "
    "or unusual ones (up to ten digits, decimals; results may be negative or fractional even "
    "where the story would not allow it). The reasoning takes two to eight steps of basic "
    "arithmetic; the calculation itself is the hard part. The answer must be a plain number that "
    "Python's float() can read: no words, units, currency signs or thousands commas.",
    metric="accuracy, within 0.1 of the target",
    rule="What Python's `float()` reads in the answer is at most 0.1 away from the target; what "
    "it cannot read scores 0 (`1,234.0`, `$18`). Rule of W4S and ADAS; PAL itself asks for 0.001. "
    "The reason says when a forgiving reading would have been right.",
    sets="W4S's: the rows shuffled with seed 0, then 128 validation, 500 test, a pool of 200 "
    "public problems, 491 for training; the same in the paper split.",
    licence="Apache-2.0 (repository); MIT (hub card)",
    source="reasoning-machines/pal, datasets/gsmhardv2.jsonl",
    files=(FILE,),
    rows=1319,
    sizes=Sizes(private=128, public=10, training=491, test=500),
)


def load_gsm_hard(seed: int = 0, sizes: Sizes | None = None, split: str = "default") -> Task:
    """The task; `seed` draws the public problems out of their pool, the sets are fixed."""
    file = data.load(FILE)
    rows = file.records()
    problems = [_problem(file, i, row) for i, row in enumerate(rows)]
    pools = pooled(shuffled(problems, 0), private=128, test=500, public=200)
    return assemble(
        GSM_HARD,
        drawn(GSM_HARD.name, pools, sizes, seed),
        Judged(judge),
        keyed(problems, rows, _key),
        Drawn(split, seed, sizes, (file.sha256,)),
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


def _problem(file: data.DataFile, row_number: int, row: Row) -> Problem:
    return Problem(
        id=f"gsm_hard/{row_number}",
        origin=gsm8k_origins.of_gsm_hard(row_number, str(row.get("code", ""))),
        question=file.field(row, "input", str, row_number),
        target=float(file.field(row, "target", float, row_number)),
    )


def _key(problem: Problem, row: Row) -> AnswerKey:
    answer = plain(Decimal(natural(problem.target)))
    return numeric_key(problem.question, answer, program=str(row.get("code", "")).strip() or None)
