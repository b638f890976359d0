"""Multiple choice: MMLU-Pro and GPQA-Diamond.

In: upstream's rows. Out: Tasks whose answer is a letter. The options stand in the question, each
behind its letter.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from w4s.models.answer_book import AnswerKey
from w4s.tasks import data
from w4s.tasks.about import About, Drawn, Row, assemble, keyed
from w4s.tasks.answers import read_letter
from w4s.tasks.base import Sizes, Task
from w4s.tasks.keys import choice_key
from w4s.tasks.scorers import Judge, Judged
from w4s.tasks.splits import deal, drawn, pooled, shuffled
from w4s.types import JSON, Problem, Score

LETTERS = "ABCDEFGHIJ"

_LETTER_RULE = (
    "The letter read out of the answer is the gold letter. Read in the order of "
    "TIGER-AI-Lab/MMLU-Pro: `answer is (X)`, first match; `answer: X`; the last capital that "
    "stands alone. Where nothing is found upstream draws a random letter; here that scores 0."
)

MMLU_PRO = About(
    name="mmlu_pro",
    family="choice",
    description="Answer multiple-choice questions at university level from fourteen fields "
    "(mathematics, physics, chemistry, law, engineering, economics, health, psychology, business, "
    "biology, philosophy, computer science, history, others). There are three to ten options, "
    "and many questions need calculation or several steps of reasoning. The answer must be the "
    "letter of the right option alone.",
    metric="accuracy",
    rule=_LETTER_RULE,
    sets="Dealt with seed 0 so that equal questions stay together: 800 test, 128 validation, 200 "
    "public, the rest for training; the same in the paper split, for upstream has no sets for a "
    "search.",
    licence="Apache-2.0 (repository); MIT (hub card)",
    source="TIGER-AI-Lab/MMLU-Pro, test set of October 2024",
    files=("mmlu_pro/test.jsonl.gz",),
    rows=12032,
    sizes=Sizes(private=128, public=10, training=10903, test=800),
)

GPQA = About(
    name="gpqa",
    family="choice",
    description="Answer very hard multiple-choice questions in biology, physics and chemistry, "
    "written by experts so that even skilled people with a search engine fail. There are four "
    "options. The answer must be the letter of the right option alone.",
    metric="accuracy",
    rule=_LETTER_RULE.replace("The letter", "The letter (A to D)", 1),
    sets="Diamond. Shuffled with seed 0: 32 validation, 110 test, 20 public, 36 for training. "
    "Paper: ADAS's, the first 32 rows for validation (the last 6 of them public), the other 166 "
    "for the test. The options are shuffled with the seed of the task.",
    licence="CC BY 4.0, gated: show no example online",
    source="Idavidrein/gpqa, gpqa_diamond",
    files=("gpqa/gpqa_diamond.jsonl.gz",),
    rows=198,
    sizes=Sizes(private=32, public=10, training=36, test=110),
    confidential=True,
)


def load_mmlu_pro(seed: int = 0, sizes: Sizes | None = None, split: str = "default") -> Task:
    file = data.load(MMLU_PRO.files[0])
    rows = file.records()
    first_ids: dict[str, JSON] = {}
    problems = [_mmlu_problem(file, i, row, first_ids) for i, row in enumerate(rows)]
    pools = deal(problems, Sizes(private=128, public=200, test=800), seed=0)
    return assemble(
        MMLU_PRO,
        drawn(MMLU_PRO.name, pools, sizes, seed),
        Judged(letter_judge(LETTERS)),
        keyed(problems, rows, _mmlu_key),
        Drawn(split, seed, sizes, (file.sha256,)),
    )


def load_gpqa(seed: int = 0, sizes: Sizes | None = None, split: str = "default") -> Task:
    file = data.load(GPQA.files[0])
    rows = file.records()
    problems = [_gpqa_problem(file, i, row, seed) for i, row in enumerate(rows)]
    if split == "paper":
        order = [*problems[:26], *problems[32:], *problems[26:32]]
        pools = pooled(order, private=26, test=len(problems) - 32, public=6)
    else:
        pools = pooled(shuffled(problems, 0), private=32, test=110, public=20)
    return assemble(
        GPQA,
        drawn(GPQA.name, pools, sizes, seed),
        Judged(letter_judge(LETTERS[:4])),
        keyed(problems, rows, _gpqa_key),
        Drawn(split, seed, sizes, (file.sha256,)),
    )


def letter_judge(letters: str) -> Judge:
    """The rule in `_LETTER_RULE` over the given letters."""

    def judge(target: JSON, answer: str) -> Score:
        letter = read_letter(answer, letters)
        if letter is None:
            return Score(0.0, "", "no letter in the answer")
        right = letter == target
        return Score(float(right), letter, "right letter" if right else "wrong letter")

    return judge


def with_options(question: str, options: Sequence[str]) -> str:
    """The question with its options, one per line, each behind its letter."""
    lines = [f"{letter}. {option}" for letter, option in zip(LETTERS, options, strict=False)]
    return "\n".join([question.strip(), "Options:", *lines])


# --- Rows ----------------------------------------------------------------------------------


def _mmlu_problem(
    file: data.DataFile, row_number: int, row: Row, first_ids: dict[str, JSON]
) -> Problem:
    """The letter decides, as in upstream's scorer; one row's index disagrees with it (3983)."""
    question = file.field(row, "question", str, row_number)
    options = [str(option) for option in file.field(row, "options", list, row_number)]
    letter = file.field(row, "answer", str, row_number)
    if letter not in LETTERS[: len(options)]:
        raise file.unexpected(row_number, f"the answer {letter!r} is none of its options")
    question_id = file.field(row, "question_id", int, row_number)
    return Problem(
        id=f"mmlu_pro/{question_id}",
        origin=f"mmlu_pro/{first_ids.setdefault(_letters_of(question), question_id)}",
        question=with_options(question, options),
        target=letter,
    )


def _letters_of(question: str) -> str:
    """What is equal in questions that differ in blanks and signs alone."""
    return re.sub(r"\W+", " ", question).strip().lower() or question


def _gpqa_problem(file: data.DataFile, row_number: int, row: Row, seed: int) -> Problem:
    right = file.field(row, "Correct Answer", str, row_number).strip()
    wrong = [file.field(row, f"Incorrect Answer {i}", str, row_number).strip() for i in range(1, 4)]
    options = [(right, True), *((option, False) for option in wrong)]
    random.Random(f"gpqa {seed} {row_number}").shuffle(options)
    place = [is_right for _, is_right in options].index(True)
    return Problem(
        id=f"gpqa/{row_number}",
        origin=f"gpqa/{row_number}",
        question=with_options(
            file.field(row, "Question", str, row_number), [text for text, _ in options]
        ),
        target=LETTERS[place],
    )


# --- Answer keys ---------------------------------------------------------------------------

_STRAIN = {
    "law": 0.75,
    "engineering": 0.7,
    "physics": 0.6,
    "chemistry": 0.6,
    "history": 0.55,
    "philosophy": 0.5,
    "health": 0.45,
    "psychology": 0.35,
    "biology": 0.3,
}
"""Rough order of the fields by how hard they are for models; 0.5 for the others."""


def _mmlu_key(problem: Problem, row: Row) -> AnswerKey:
    strain = _STRAIN.get(str(row.get("category")), 0.5)
    return choice_key(problem.question, str(problem.target), row["options"], strain)


def _gpqa_key(problem: Problem, row: Row) -> AnswerKey:
    return choice_key(problem.question, str(problem.target), LETTERS[:4], 0.85)
