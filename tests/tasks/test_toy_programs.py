"""Toy tasks in the real sandbox: reference programs compute the target, broken ones do not."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from w4s.models.answer_book import AnswerKey
from w4s.sandbox.base import Action, Ending, Job, Limits
from w4s.sandbox.host import PythonSandbox
from w4s.tasks.base import Interface, Sizes, Task
from w4s.tasks.toy import load_toy, toy_families
from w4s.types import Problem

Keyed = tuple[Problem, AnswerKey]

FAMILIES = {name: load_toy(name, sizes=Sizes(1, 1, 0, 1)).interface for name in toy_families()}
ANSWERED = [name for name, interface in FAMILIES.items() if interface is Interface.ANSWER]
CODED = [name for name, interface in FAMILIES.items() if interface is Interface.CODE]


def some_problems(name: str, count: int) -> tuple[Task, list[Keyed]]:
    """A few problems of three draws, with the task of draw 0 for its scorer."""
    found: list[Keyed] = []
    for draw in (0, 1, 2):
        task = load_toy(f"{name}/{draw}", seed=8, sizes=Sizes(count, 1, 0, 1))
        for problem in task.search.private:
            key = task.answer_keys(problem)
            assert key is not None
            found.append((problem, key))
    return task, found


def in_sandbox(work: Callable[[PythonSandbox], Awaitable[None]]) -> None:
    async def main() -> None:
        sandbox = PythonSandbox(batch=True)
        try:
            await work(sandbox)
        finally:
            await sandbox.aclose()

    asyncio.run(main())


async def values(sandbox: PythonSandbox, programs: Sequence[str]) -> list[str]:
    """What each program's `solution()` returns."""
    jobs = [Job(text, Action.VALUE, limits=Limits(seconds=10)) for text in programs]
    results = await asyncio.gather(*(sandbox.run(job) for job in jobs))
    assert all(result.ending is Ending.RETURNED for result in results), [
        (result.trouble, text)
        for result, text in zip(results, programs, strict=True)
        if result.ending is not Ending.RETURNED
    ]
    return [str(result.value) for result in results]


@pytest.mark.parametrize("name", ANSWERED)
def test_reference_programs_are_right_and_broken_ones_run_and_are_wrong(name: str) -> None:
    _, keyed = some_problems(name, 3)
    keys = [key for _, key in keyed if key.program is not None]

    async def work(sandbox: PythonSandbox) -> None:
        found = await values(sandbox, [key.program or "" for key in keys])
        assert found == [key.answer for key in keys]
        broken = [(text, key.answer) for key in keys for text in key.broken]
        assert bool(broken) == bool(keys)
        for got, (text, right) in zip(
            await values(sandbox, [text for text, _ in broken]), broken, strict=True
        ):
            assert got != right, text

    in_sandbox(work)


@pytest.mark.parametrize("name", ANSWERED)
def test_right_answers_score_1_in_many_dresses_and_slips_0(name: str) -> None:
    task, keyed = some_problems(name, 3)

    async def work(sandbox: PythonSandbox) -> None:
        for problem, key in keyed:
            for text in (
                key.answer,
                f" {key.answer}\n",
                f"The answer is {key.answer}.",
                f"**{key.answer}**",
            ):
                assert (await task.scorer(problem, text, sandbox)).value == 1.0, text
            for slip in (*key.slips, "", "no idea at all"):
                assert (await task.scorer(problem, slip, sandbox)).value == 0.0, slip

    in_sandbox(work)


@pytest.mark.parametrize("name", CODED)
def test_reference_functions_pass_the_hidden_tests_and_broken_ones_fail(name: str) -> None:
    task, keyed = some_problems(name, 3)

    async def work(sandbox: PythonSandbox) -> None:
        for problem, key in keyed:
            right = await task.scorer(problem, key.answer, sandbox)
            assert right.value == 1.0, (key.answer, right)
            for text in (*key.broken, "", "not python", "import sys; sys.exit(0)"):
                assert (await task.scorer(problem, text, sandbox)).value == 0.0, text

    in_sandbox(work)


@pytest.mark.parametrize("name", CODED)
def test_public_tests_pass_on_the_reference(name: str) -> None:
    _, keyed = some_problems(name, 3)

    async def work(sandbox: PythonSandbox) -> None:
        for problem, key in keyed:
            job = Job(key.answer, Action.STATEMENTS, cases=problem.public_tests)
            result = await sandbox.run(job)
            assert result.value == [None] * len(problem.public_tests)

    in_sandbox(work)


def test_a_value_of_another_type_is_not_the_expected_one() -> None:
    task, [(problem, _), *_] = some_problems("toy_lists", 1)
    coded = Problem("p", "p", "?", {"cases": [[[1], 1], [[2], 2]]}, "same")

    async def work(sandbox: PythonSandbox) -> None:
        plain = await task.scorer(coded, "def same(n):\n    return n\n", sandbox)
        assert plain.value == 1.0
        odd = "def same(n):\n    return True if n == 1 else n\n"
        assert (await task.scorer(coded, odd, sandbox)).value == 0.0
        assert (await task.scorer(problem, "x = 1", sandbox)).value == 0.0

    in_sandbox(work)
