"""`w4s tasks --check`: a good task passes, and each fault is found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from w4s.sandbox.base import Sandbox
from w4s.tasks.base import Sizes, Task
from w4s.tasks.check import Check, Finding, check_task
from w4s.tasks.headroom import WORKFLOWS, Measured, Room, headroom
from w4s.tasks.registry import load_task
from w4s.types import Problem, Score
from w4s.workflow import baseline_names


@pytest.fixture
def task(tmp_path: Path) -> Task:
    lines = [f"What is {i} times 3? Answer with the number alone.,{3 * i}" for i in range(400)]
    (tmp_path / "triple.csv").write_text("\n".join(["question,answer", *lines]))
    return load_task(f"{tmp_path / 'triple.csv'}:scorer=number")


def bad(checks: list[Check]) -> list[str]:
    return [check.question for check in checks if check.finding is Finding.BAD]


def test_a_good_task_has_nothing_bad_or_doubtful(task: Task) -> None:
    assert {check.finding for check in check_task(task)} == {Finding.GOOD}


def test_a_code_task_is_checked_by_running_it() -> None:
    task = load_task("toy_lists", sizes=Sizes(private=3, public=2, training=0, test=3))
    assert bad(check_task(task)) == []


async def generous(problem: Problem, answer: str, sandbox: Sandbox) -> Score:
    return Score(1.0)


async def strict(problem: Problem, answer: str, sandbox: Sandbox) -> Score:
    return Score(0.0, reason="never")


async def touchy(problem: Problem, answer: str, sandbox: Sandbox) -> Score:
    return Score(float(float(answer) == float(str(problem.target))))


@pytest.mark.parametrize(
    ("scorer", "question"),
    [
        (generous, "do wrong answers score less?"),
        (strict, "does every gold answer score 1?"),
        (touchy, "does the scorer bear any text?"),
    ],
)
def test_a_bad_scorer_is_found(task: Task, scorer: object, question: str) -> None:
    broken = replace(task, scorer=scorer)  # type: ignore[arg-type]
    assert bad(check_task(broken)) == [question]


def test_shared_origins_are_found(task: Task) -> None:
    leaking = replace(task, training=(*task.training, task.search.private[0]))
    assert bad(check_task(leaking)) == ["are the sets apart?"]


def test_doubts_are_named(tmp_path: Path) -> None:
    rows = "\n".join(f"Is {i} a number?,yes" for i in range(20))
    (tmp_path / "yes.csv").write_text(f"question,answer\n{rows}")
    task = replace(load_task(str(tmp_path / "yes.csv")), description="Say yes.")
    found = {c.question: c.detail for c in check_task(task) if c.finding is Finding.DOUBTFUL}
    assert "±41 points on validation" in found["are there enough problems?"]
    assert found["is a constant answer far from right?"].endswith("'yes' is right in 100%")
    assert "2 words" in found["does the description say enough?"]


@pytest.mark.parametrize(
    ("accuracy", "low", "high", "room"),
    [
        (0.5, 0.41, 0.59, Room.AMPLE),
        (0.97, 0.92, 0.99, Room.LITTLE),
        (1.0, 0.97, 1.0, Room.LITTLE),
        (0.0, 0.0, 0.03, Room.NONE_SOLVED),
    ],
)
def test_headroom(accuracy: float, low: float, high: float, room: Room) -> None:
    worse = Measured("direct", accuracy / 2, low / 2, high / 2, 128)
    verdict = headroom([worse, Measured("self_consistency", accuracy, low, high, 128)])
    assert verdict.room is room
    assert ("self_consistency" in verdict.text) == (accuracy > 0)


def test_headroom_measures_workflows_that_exist() -> None:
    names = {name for names in WORKFLOWS.values() for name in names}
    assert names <= set(baseline_names())
