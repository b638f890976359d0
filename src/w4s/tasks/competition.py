"""Competition mathematics: MATH-500.

In: the 500 problems that the hub holds of the MATH test set. Out: a Task whose answers are
expressions, compared as normalised strings first and symbolically after that.
"""

from __future__ import annotations

import re

from w4s.models.answer_book import AnswerKey, Skill
from w4s.sandbox.base import Sandbox
from w4s.tasks import data
from w4s.tasks.about import About, Drawn, Row, assemble, keyed
from w4s.tasks.answers import read_boxed, read_number
from w4s.tasks.base import Sizes, Task
from w4s.tasks.keys import number_slips
from w4s.tasks.scorers import SHOWN
from w4s.tasks.splits import drawn, pooled, shuffled
from w4s.tasks.symbolic import equal, need_math_verify
from w4s.types import Problem, Score

MATH = About(
    name="math",
    family="mathematics",
    description="Solve competition problems in algebra, geometry, number theory, counting and "
    "probability, precalculus. The answer is a number or an expression, exact and simplified "
    "(fractions and roots as they are, no decimals unless asked for), written in LaTeX; it may "
    "stand in \\boxed{}.",
    metric="accuracy",
    rule="The last \\boxed{} of the answer, or the whole answer where there is none, equals the "
    "gold answer as a normalised string, or else symbolically (math-verify, in a process of its "
    "own under a time limit). Like grade_answer in openai/prm800k, with math-verify in the place "
    "of its sympy rules. `upstream` is the value by string alone, as in hendrycks/math.",
    sets="MATH-500 shuffled with seed 0: 100 validation, 250 test, 50 public, 100 for training; "
    "the same in the paper split, for the paper's problems are not known.",
    licence="MIT as the hub states; origin disputed",
    source="HuggingFaceH4/MATH-500",
    files=("math/math500.jsonl.gz",),
    rows=500,
    sizes=Sizes(private=100, public=10, training=100, test=250),
)


def load_math(seed: int = 0, sizes: Sizes | None = None, split: str = "default") -> Task:
    need_math_verify()
    file = data.load(MATH.files[0])
    rows = file.records()
    problems = [_problem(file, i, row) for i, row in enumerate(rows)]
    pools = pooled(shuffled(problems, 0), private=100, test=250, public=50)
    return assemble(
        MATH,
        drawn(MATH.name, pools, sizes, seed),
        score_math,
        keyed(problems, rows, _key),
        Drawn(split, seed, sizes, (file.sha256,)),
    )


async def score_math(problem: Problem, answer: str, sandbox: Sandbox) -> Score:
    """The rule in `MATH`."""
    extracted = stated(answer)
    gold = str(problem.target)
    if not extracted:
        return Score(0.0, "", "no answer", upstream=0.0)
    if normalised(extracted) == normalised(gold):
        return Score(1.0, extracted[:SHOWN], "the same expression", upstream=1.0)
    same = await equal(gold, extracted)
    reasons = {True: "an equal expression", False: "another expression", None: "cannot be compared"}
    return Score(float(same is True), extracted[:SHOWN], reasons[same], upstream=0.0)


def stated(answer: str) -> str:
    """The expression that an answer states."""
    boxed = read_boxed(answer)
    return (answer if boxed is None else boxed).strip().strip("$").strip()


_DROPPED = re.compile(
    r"\\left|\\right|\\[!,;: ]|\\\$|\\?%|\^\{?\\circ\}?|\\(?:mathrm|mbox)\{[^{}]*\}|[\s$]"
)
_UNIT = re.compile(r"\\text\{\s[^{}]*\}$")
_TEXT = re.compile(r"\\text\{([^{}]*)\}")
_SHORT_FRACTION = re.compile(r"\\frac(\d)(\d)")
_SLASH_FRACTION = re.compile(r"(-?)(\d{1,40})/(\d{1,40})")
_DIGITS = re.compile(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?")


def normalised(expression: str) -> str:
    """One spelling for what is only spelt differently: spaces, sizes of brackets, units, commas
    in thousands, `\\dfrac`, `1/2`, `.5`, `x=`."""
    text = expression.strip().rstrip(".")
    text = _TEXT.sub(r"\1", _UNIT.sub("", text))
    text = _DROPPED.sub("", text)
    text = text.replace("\\dfrac", "\\frac").replace("\\tfrac", "\\frac")
    text = _SHORT_FRACTION.sub(r"\\frac{\1}{\2}", text)
    name, equals, value = text.partition("=")
    if equals and len(name) <= 2 and "=" not in value:
        text = value
    if _DIGITS.fullmatch(text):
        text = text.replace(",", "")
    slash = _SLASH_FRACTION.fullmatch(text)
    if slash:
        text = f"{slash[1]}\\frac{{{slash[2]}}}{{{slash[3]}}}"
    if re.fullmatch(r"-?\.\d+", text):
        text = text.replace(".", "0.")
    if re.fullmatch(r"-?\d+\.0+", text):
        text = text.partition(".")[0]
    return text


def _problem(file: data.DataFile, row_number: int, row: Row) -> Problem:
    name = row.get("unique_id") or row_number
    return Problem(
        id=f"math/{row_number}",
        origin=f"math/{name}",
        question=file.field(row, "problem", str, row_number),
        target=file.field(row, "answer", str, row_number),
    )


def _key(problem: Problem, row: Row) -> AnswerKey:
    gold = str(problem.target)
    level = int(row["level"]) if str(row.get("level", "")).isdigit() else 3
    whole = re.fullmatch(r"-?\d+", gold) is not None
    numbers = re.findall(r"\d+", problem.question)
    slips = number_slips(gold, numbers) if whole else _wrong_expressions(gold)
    return AnswerKey(
        question=problem.question,
        answer=gold,
        skill=Skill.ARITHMETIC,
        steps=1 + 2 * level,
        load=round(0.1 + 0.15 * level, 2),
        slips=slips,
    )


def _wrong_expressions(gold: str) -> tuple[str, ...]:
    """The expression with another number in it, and with the other sign."""
    number = read_number(gold)
    digits = re.search(r"\d+", gold)
    wrong = [f"-{gold}" if not gold.startswith("-") else gold[1:]]
    if digits:
        wrong.insert(0, f"{gold[: digits.start()]}{int(digits[0]) + 1}{gold[digits.end() :]}")
    if number is not None:
        wrong.append(str(int(number) + 2))
    return tuple(wrong)
