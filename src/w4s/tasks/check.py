"""Check a task before money is spent on it.

In: a Task, usually a user's own. Out: one Check per question asked of it, each with what was
found. Nothing here opens the sealed test problems: of them only number and origins are looked at.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice, pairwise
from typing import Any, TypeAlias

from w4s.sandbox import open_sandbox
from w4s.sandbox.base import Sandbox
from w4s.tasks.base import Interface, Task
from w4s.tasks.scorers import natural
from w4s.tasks.splits import overlaps
from w4s.types import Problem, Score

GOLDS = 200
"""Gold answers that are tried; code, which runs, gets a tenth of that."""

ODD_ANSWERS = (
    "",
    " ",
    "NaN",
    "inf",
    "-",
    "\\boxed{",
    "\\boxed{\\frac{1}{" * 50,
    "\N{ARABIC-INDIC DIGIT THREE}\N{RIGHT-TO-LEFT MARK}\N{DEVANAGARI DIGIT ONE}",
    "\ud800",
    "\0",
    "9" * 5000,
    "word " * 20_000,
    '{"answer": [1, {"a": null}]}',
)
"""What models really return now and then."""


class Finding(StrEnum):
    """How a check came out."""

    GOOD = "good"
    DOUBTFUL = "doubtful"
    """The task works, but its results will mean less."""
    BAD = "bad"
    """The task cannot be used like this."""


@dataclass(frozen=True, slots=True)
class Check:
    """One question and what was found."""

    question: str
    finding: Finding
    detail: str


_Look: TypeAlias = Callable[[Task, Sandbox], Coroutine[Any, Any, Check]]


def check_task(task: Task) -> list[Check]:
    """All checks, in a sandbox of their own."""

    async def main() -> list[Check]:
        sandbox = await open_sandbox()
        try:
            return [await look(task, sandbox) for look in _LOOKS]
        finally:
            await sandbox.aclose()

    return asyncio.run(main())


async def _golds(task: Task, sandbox: Sandbox) -> Check:
    question = "does every gold answer score 1?"
    wrong = []
    tried = 0
    for problem in islice(_seen(task), GOLDS // 10 if _is_code(task) else GOLDS):
        answer = _gold(task, problem)
        if answer is None:
            continue
        tried += 1
        score = await task.scorer(problem, answer, sandbox)
        if score.value < 1:
            wrong.append(f"{problem.id} scores {score.value:g} ({score.reason})")
    if wrong:
        return Check(question, Finding.BAD, f"{len(wrong)} of {tried} do not, first {wrong[0]}")
    return Check(question, Finding.GOOD, f"{tried} of {tried} tried")


async def _others(task: Task, sandbox: Sandbox) -> Check:
    """An answer to another problem must not be right as a rule."""
    question = "do wrong answers score less?"
    problems = list(islice(_seen(task), 20 if _is_code(task) else GOLDS))
    taken = 0
    tried = 0
    for problem, other in pairwise(problems):
        answer, gold = _gold(task, other), _gold(task, problem)
        if answer is None or answer == gold:
            continue
        tried += 1
        taken += (await task.scorer(problem, answer, sandbox)).value >= 1
    if tried and taken / tried > 0.2:
        detail = f"{taken} of {tried} answers to other problems were taken for right"
        return Check(question, Finding.BAD, detail)
    return Check(question, Finding.GOOD, f"{taken} of {tried} answers to other problems scored 1")


async def _odd(task: Task, sandbox: Sandbox) -> Check:
    question = "does the scorer bear any text?"
    for answer in ODD_ANSWERS:
        try:
            score = await task.scorer(task.example, answer, sandbox)
        except Exception as error:
            # A task() may bring any scorer; what it raises is the finding.
            detail = f"raised {type(error).__name__} on {answer!r:.40}"
            return Check(question, Finding.BAD, detail)
        if not _usable(score):
            return Check(question, Finding.BAD, f"{score.value!r} for {answer!r:.40}")
    return Check(question, Finding.GOOD, f"{len(ODD_ANSWERS)} odd answers scored")


async def _sets(task: Task, sandbox: Sandbox) -> Check:
    question = "are the sets apart?"
    shared = overlaps([task])
    if shared:
        return Check(question, Finding.BAD, str(shared[0]))
    search = task.search
    detail = (
        f"{len(search.private)} private, {len(search.public)} public, {len(task.training)} "
        f"training, {task.sealed.size} test problems"
    )
    return Check(question, Finding.GOOD, detail)


async def _sizes(task: Task, sandbox: Sandbox) -> Check:
    question = "are there enough problems?"
    private, test = len(task.search.private), task.sealed.size
    detail = (
        f"at 50 % right, the 95 % interval is ±{_margin(private)} points on validation and "
        f"±{_margin(test)} on the test"
    )
    enough = private >= 30 and test >= 100
    return Check(question, Finding.GOOD if enough else Finding.DOUBTFUL, detail)


async def _constant(task: Task, sandbox: Sandbox) -> Check:
    question = "is a constant answer far from right?"
    if _is_code(task):
        return Check(question, Finding.GOOD, "code")
    golds = Counter(_gold(task, problem) for problem in _seen(task))
    gold, count = golds.most_common(1)[0]
    share = count / golds.total()
    finding = Finding.DOUBTFUL if share > 0.6 else Finding.GOOD
    return Check(question, finding, f"always answering {gold!r:.40} is right in {share:.0%}")


async def _words(task: Task, sandbox: Sandbox) -> Check:
    question = "does the description say enough?"
    words = len(task.description.split())
    if words < 8:
        return Check(question, Finding.DOUBTFUL, f"{words} words; say how an answer must look")
    return Check(question, Finding.GOOD, f"{words} words")


_LOOKS: tuple[_Look, ...] = (_golds, _others, _odd, _sets, _sizes, _constant, _words)


def _seen(task: Task) -> Sequence[Problem]:
    return (*task.search.private, *task.search.public, *task.training)


def _gold(task: Task, problem: Problem) -> str | None:
    """A right answer: the answer key's, else the target as text; None where neither is one."""
    key = task.answer_keys(problem)
    if key is not None:
        return key.answer
    return None if _is_code(task) else natural(problem.target)


def _is_code(task: Task) -> bool:
    return task.interface is Interface.CODE


def _usable(score: object) -> bool:
    return isinstance(score, Score) and math.isfinite(score.value) and 0 <= score.value <= 1


def _margin(count: int) -> int:
    return math.ceil(98 / math.sqrt(max(1, count)))
