"""Toy tasks: names, sets, reproducibility, what a problem looks like."""

import subprocess
import sys
from collections import Counter

import pytest

from w4s.errors import ConfigError
from w4s.models.answer_book import Skill
from w4s.tasks.base import Interface, Sizes, Task
from w4s.tasks.toy import load_toy, toy_digest, toy_families
from w4s.types import Problem

SMALL = Sizes(private=12, public=4, training=12, test=12)
DRAWS = (0, 1, 2, 3)


def every_problem(task: Task) -> list[Problem]:
    return [*task.search.private, *task.search.public, *task.training, *task.sealed.open()]


def test_there_are_enough_families_of_each_kind() -> None:
    kinds = Counter(load_toy(name, sizes=Sizes(1, 1, 0, 1)).family for name in toy_families())
    assert len(toy_families()) >= 12
    assert kinds["mathematics"] >= 4
    assert set(kinds) == {"mathematics", "reading", "choice", "code", "mixture"}


@pytest.mark.parametrize("name", toy_families())
def test_sets_have_the_sizes_asked_for_and_never_overlap(name: str) -> None:
    for draw in DRAWS:
        task = load_toy(f"{name}/{draw}", seed=3, sizes=SMALL)
        sets = (task.search.private, task.search.public, task.training, task.sealed.open())
        assert [len(some) for some in sets] == [12, 4, 12, 12]
        assert task.sealed.size == 12
        assert len({p.id for p in every_problem(task)}) == 40
        assert len({p.origin for p in every_problem(task)}) == 40


@pytest.mark.parametrize("name", toy_families())
def test_no_question_stands_in_two_sets(name: str) -> None:
    sizes = Sizes(40, 10, 40, 60)
    if load_toy(name, sizes=Sizes(1, 1, 0, 1)).interface is Interface.CODE:
        sizes = SMALL
    task = load_toy(f"{name}/5", seed=0, sizes=sizes)
    sets = (task.search.private, task.search.public, task.training, task.sealed.open())
    texts = [{p.question for p in some} for some in sets]
    assert sum(map(len, texts)) == len(set().union(*texts))


def test_a_larger_set_begins_with_the_smaller_one() -> None:
    small = load_toy("toy_ledger/2", seed=1, sizes=Sizes(5, 2, 5, 5))
    large = load_toy("toy_ledger/2", seed=1, sizes=Sizes(9, 3, 8, 7))
    assert large.search.private[:5] == small.search.private
    assert large.training[:5] == small.training
    assert large.sealed.open()[:5] == small.sealed.open()


def test_seeds_and_draws_give_other_problems() -> None:
    tasks = [
        load_toy(name, seed=seed, sizes=SMALL)
        for name, seed in (
            ("toy_dates", 0),
            ("toy_dates", 1),
            ("toy_dates/1", 0),
            ("toy_dates/2", 0),
        )
    ]
    assert len({p.question for task in tasks for p in every_problem(task)}) == 160
    assert len({p.origin for task in tasks for p in every_problem(task)}) == 160


def test_draws_differ_in_demands_and_wording() -> None:
    demands, openings = set(), set()
    for draw in range(12):
        task = load_toy(f"toy_ledger/{draw}", sizes=Sizes(1, 1, 0, 1))
        key = task.answer_keys(task.example)
        assert key is not None
        demands.add((key.steps, round(key.load, 1)))
        openings.add(task.example.question.split(" ")[0])
    assert len(demands) > 5
    assert len(openings) > 1


@pytest.mark.parametrize("name", toy_families())
def test_keys_hold_the_answer_and_plausible_slips(name: str) -> None:
    task = load_toy(f"{name}/1", seed=2, sizes=SMALL)
    for problem in every_problem(task):
        key = task.answer_keys(problem)
        assert key is not None
        assert key.question == problem.question
        assert 1 <= key.steps <= 30
        assert 0 <= key.load <= 1
        assert key.answer not in key.slips
        assert key.slips or key.skill is Skill.CODE
        if key.skill is Skill.CODE:
            assert key.broken
            assert problem.entry_point is not None
            assert problem.entry_point in key.answer
            assert len(problem.public_tests) >= 2
        else:
            assert problem.target == key.answer


def test_foreign_problems_have_no_key() -> None:
    task = load_toy("toy_ledger", sizes=SMALL)
    other = load_toy("toy_ledger", seed=1, sizes=SMALL)
    assert task.answer_keys(other.example) is None
    assert task.answer_keys(Problem("x", "x", "?", "1")) is None


@pytest.mark.parametrize("name", toy_families())
def test_the_task_is_told_in_prose_with_an_example(name: str) -> None:
    task = load_toy(name, sizes=SMALL)
    assert task.name == name
    assert "answer" in task.description
    assert task.example in task.search.public
    assert task.example_answer
    assert (task.interface is Interface.CODE) == (task.family == "code")


@pytest.mark.parametrize("name", ["toy_leger", "toy_ledger/", "toy_ledger/x", "ledger", "toy_"])
def test_unknown_names_are_refused_with_a_hint(name: str) -> None:
    with pytest.raises(ConfigError, match="unknown toy task"):
        load_toy(name)


def test_a_set_that_must_not_be_empty_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least one problem"):
        load_toy("toy_ledger", sizes=Sizes(private=0))


def test_problems_are_the_same_in_every_process() -> None:
    script = (
        "from w4s.tasks.base import Sizes\n"
        "from w4s.tasks.toy import load_toy, toy_families\n"
        "for name in toy_families():\n"
        "    task = load_toy(name + '/4', seed=9, sizes=Sizes(2, 1, 1, 1))\n"
        "    for problem in task.search.private:\n"
        "        print(problem, task.answer_keys(problem), problem.target)\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in (1, 2)
    }
    assert len(outputs) == 1


def test_the_digest_is_sixteen_hexadecimal_digits() -> None:
    assert len(toy_digest()) == 16
    assert int(toy_digest(), 16) >= 0
