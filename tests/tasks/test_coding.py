"""Coding problems: tests taken apart, and verdicts from the real sandbox."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from w4s.sandbox import open_sandbox
from w4s.sandbox.base import Action, Ending, Job, Limits, Sandbox
from w4s.tasks.base import Task
from w4s.tasks.code_tests import CodeTests, of_asserts, of_check_function
from w4s.tasks.grading import candidate_source, score_code
from w4s.tasks.registry import load_task
from w4s.types import JSON, Problem, Score

PROMPT = '''from math import floor

def helper(x):
    return x + 1

def twice(x: int) -> int:
    """Double a number.
    >>> twice(2)
    4
    >>> twice("a")
    'aa'
    """
'''

CHECK = """
METADATA = {}

def check(candidate):
    import math
    assert candidate(2) == 4
    assert candidate(3) == 6, "three"
    assert True, "nothing"
    for i in range(3):
        assert helper(candidate(i)) == 2 * i + 1
"""


def code_problem(tests: CodeTests, prompt: str = "") -> Problem:
    target: dict[str, JSON] = {
        "before": tests.prelude,
        "prompt": prompt,
        "prelude": tests.prelude,
        "tests": list(tests.published),
        "hidden": list(tests.hidden),
    }
    return Problem("p", "p", "q", target, "twice", tests.public)


TWICE = code_problem(of_check_function(CHECK, PROMPT, "twice"), PROMPT)


def scored(problem: Problem, *answers: str) -> list[Score]:
    async def main() -> list[Score]:
        sandbox = await open_sandbox()
        try:
            return [await score_code(problem, answer, sandbox) for answer in answers]
        finally:
            await sandbox.aclose()

    return asyncio.run(main())


def test_docstring_examples_are_public_and_their_calls_not_hidden() -> None:
    tests = of_check_function(CHECK, PROMPT, "twice")
    assert tests.public == ("assert twice(2) == 4", "assert twice('a') == 'aa'")
    assert len(tests.published) == 4
    hidden = [tests.published[i] for i in tests.hidden]
    assert len(hidden) == 2
    assert "assert twice(3) == 6" in hidden[0]
    assert "helper(twice(i))" in hidden[1]
    assert "import math" in hidden[1]
    assert "def helper" in tests.prelude
    assert "def twice" not in tests.prelude


def test_without_examples_the_first_test_is_public() -> None:
    tests = of_check_function(CHECK, 'def twice(x):\n    """Double."""\n', "twice")
    assert tests.public == ("import math\nassert twice(2) == 4",)
    assert 0 not in tests.hidden


def test_a_single_test_stays_hidden() -> None:
    check = "def check(candidate):\n    assert candidate(2) == 4\n"
    for prompt in ('def twice(x):\n    """Double."""\n', PROMPT):
        tests = of_check_function(check, prompt, "twice")
        assert (tests.public, tests.hidden) == ((), (0,))


def test_of_asserts_the_first_is_public_unless_none_would_pass_the_rest() -> None:
    plain = of_asserts(["assert f(1) == 1", "assert f(2) == 2"], ["import math"], "f")
    assert plain.public == ("import math\nassert f(1) == 1",)
    assert plain.hidden == (1,)
    negative = of_asserts(["assert f(1)", "assert not f(2)", "assert f(3) == None"], [], "f")
    assert negative.public == ("assert not f(2)",)
    assert negative.hidden == (0, 2)
    same = of_asserts(["assert f(1) == 1"] * 3, [], "f")
    assert (same.public, same.hidden) == ((), (0, 1, 2))


def test_an_answer_without_the_function_continues_the_prompt() -> None:
    assert candidate_source(TWICE, "    return 2 * x\n") == PROMPT + "    return 2 * x\n"
    whole = candidate_source(TWICE, "def twice(x):\n    return helper(x)\n")
    assert whole.startswith("from math import floor")
    assert whole.count("def twice") == 1


def test_right_wrong_and_partly_right() -> None:
    right, completion, wrong, partly = scored(
        TWICE,
        "def twice(x):\n    return x + x\n",
        "    return x + x\n",
        "def twice(x):\n    return x\n",
        "def twice(x):\n    return {2: 5}.get(x, 2 * x)\n",
    )
    assert (right.value, right.upstream) == (1, 1)
    assert right.reason == "passed 2 of 2 hidden tests"
    assert (completion.value, completion.upstream) == (1, 1)
    assert (wrong.value, wrong.upstream) == (0, 0)
    assert (partly.value, partly.upstream) == (0, 0)


def test_the_published_verdict_may_differ() -> None:
    """A function that is wrong on the public call alone fails upstream's tests, not ours."""
    tests = of_asserts(["assert twice(1) == 2", "assert twice(2) == 4"], [], "twice")
    [score] = scored(code_problem(tests), "def twice(x):\n    return 2 * x if x > 1 else 0\n")
    assert (score.value, score.upstream) == (1, 0)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "def twice(x:",
        "raise SystemExit(0)",
        "import os; os._exit(0)",
        "def twice(x):\n    raise SystemExit(0)\n",
        "print('passed 2 of 2')\n",
        "import builtins\nbuiltins.AssertionError = None\n",
        "class Any:\n    __eq__ = lambda self, other: True\ndef twice(x):\n    return Any()\n",
        "def check(candidate):\n    pass\n",
        pytest.param("def twice(x):\n    while True: pass\n", marks=pytest.mark.long),
    ],
)
def test_no_trick_passes(answer: str) -> None:
    [score] = scored(TWICE, answer)
    assert (score.value, score.upstream) == (0, 0)


# --- Upstream's files ---------------------------------------------------------------------


async def references_hold(task: Task, problems: list[Problem], sandbox: Sandbox) -> None:
    for problem in problems:
        key = task.answer_keys(problem)
        assert key is not None
        score = await task.scorer(problem, key.answer, sandbox)
        assert (score.value, score.upstream) == (1, 1), problem.id
        empty = await task.scorer(problem, f"def {problem.entry_point}(*a):\n    pass\n", sandbox)
        assert (empty.value, empty.upstream) == (0, 0), problem.id
        cases = problem.public_tests
        public = await sandbox.run(
            Job(key.answer, Action.STATEMENTS, cases=cases, limits=Limits(seconds=10))
        )
        assert public.ending is Ending.RETURNED, problem.id
        assert public.value == [None] * len(cases), problem.id


def run_references(name: str, count: int | None) -> None:
    async def main() -> None:
        task = load_task(name)
        every = [
            *task.search.private, *task.search.public, *task.sealed.open(), *task.training
        ]  # fmt: skip
        sandbox = await open_sandbox()
        try:
            await references_hold(task, every[:count], sandbox)
        finally:
            await sandbox.aclose()

    asyncio.run(main())


@pytest.mark.parametrize("name", ["humaneval", "mbpp"])
def test_some_reference_solutions_pass(benchmark_data: Path, name: str) -> None:
    run_references(name, 5)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["humaneval", "mbpp"])
def test_all_reference_solutions_pass_and_empty_ones_fail(benchmark_data: Path, name: str) -> None:
    run_references(name, None)
