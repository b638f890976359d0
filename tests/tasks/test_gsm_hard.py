"""GSM-Hard on upstream's file, where it is at hand."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pytest

from w4s.tasks import gsm8k_origins
from w4s.tasks.base import Task
from w4s.tasks.gsm_hard import judge, load_gsm_hard
from w4s.tasks.scorers import natural
from w4s.tasks.splits import overlaps


def column(path: Path, name: str) -> list[str]:
    """One field of a file, read without the code under test."""
    return [json.loads(line)[name] for line in gzip.decompress(path.read_bytes()).splitlines()]


@pytest.fixture(scope="module")
def task(benchmark_data: Path) -> Task:
    return load_gsm_hard()


def test_the_sets_are_the_published_ones(task: Task, benchmark_data: Path) -> None:
    rows = column(benchmark_data / "gsm_hard/gsmhardv2.jsonl.gz", "input")
    random.Random(0).shuffle(rows)
    assert [p.question for p in task.search.private] == rows[:128]
    assert [p.question for p in task.sealed.open()] == rows[128:628]
    assert {p.question for p in task.search.public} <= set(rows[628:828])
    assert [p.question for p in task.training] == rows[828:]
    assert (len(task.search.public), len(task.training)) == (10, 491)


def test_no_origin_is_in_two_sets(task: Task) -> None:
    assert overlaps([task]) == []


def test_origins_are_the_gsm8k_problems_that_the_rows_rewrite(
    task: Task, benchmark_data: Path
) -> None:
    questions = column(benchmark_data / "gsm8k/test.jsonl.gz", "question")
    for index, question in enumerate(questions):
        assert gsm8k_origins.of_question(question) == index
    unchanged = 0
    for problem in task.sealed.open():
        index = int(problem.origin.rsplit("/", 1)[1])
        unchanged += problem.question.split() == questions[index].split()
    assert unchanged > 50
    by_row = {gsm8k_origins.of_gsm_hard(row, "") for row in range(1319)}
    assert by_row == {f"gsm8k/test/{i}" for i in range(1319)}
    for problem in (*task.search.private, *task.training):
        assert problem.origin == gsm8k_origins.of_gsm_hard(int(problem.id.split("/")[1]), "")


def test_every_gold_answer_scores_1_and_another_number_0(task: Task) -> None:
    for problem in (*task.search.private, *task.training, *task.sealed.open()):
        assert isinstance(problem.target, float)
        assert judge(problem.target, natural(problem.target)).value == 1
        assert judge(problem.target, str(problem.target + 0.11)).value == 0


def test_every_answer_key_knows_question_answer_and_program(task: Task) -> None:
    for problem in (*task.search.private, *task.training):
        key = task.answer_keys(problem)
        assert key is not None
        assert key.question == problem.question
        assert judge(problem.target, key.answer).value == 1
        assert all(judge(problem.target, slip).value == 0 for slip in key.slips[:1])
        assert key.program is not None
        assert "def solution()" in key.program
        assert 0 <= key.load <= 1


@pytest.mark.parametrize(
    ("answer", "value", "reason"),
    [
        ("1234.05", 1, "within 0.1"),
        ("1.23405e3", 1, "within 0.1"),
        ("1235", 0, "more than 0.1 off"),
        ("nan", 0, "more than 0.1 off"),
        ("1,234", 0, "not a plain number, though the right one stands in the text"),
        ("$1234", 0, "not a plain number, though the right one stands in the text"),
        ("no idea", 0, "not a plain number"),
        ("", 0, "not a plain number"),
    ],
)
def test_the_published_rule(answer: str, value: float, reason: str) -> None:
    score = judge(1234.0, answer)
    assert (score.value, score.reason) == (value, reason)
