"""Coding problems: HumanEval and MBPP.

In: upstream's files. Out: Tasks whose answer is Python source. Tests are taken apart in
`code_tests`; they are decided in `grading`, where the candidate's code runs in the sandbox and
the tests do not.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files

from w4s.models.answer_book import AnswerKey
from w4s.tasks import data
from w4s.tasks.about import About, Drawn, Row, assemble, keyed
from w4s.tasks.base import Interface, Sizes, Task
from w4s.tasks.code_tests import (
    CodeTests,
    called_function,
    helpers,
    makes_objects,
    of_asserts,
    of_check_function,
    signature,
)
from w4s.tasks.grading import score_code
from w4s.tasks.keys import code_key, statements
from w4s.tasks.splits import Sets, drawn, shuffled
from w4s.types import JSON, Problem

_RULE = (
    "1 when the function passes all hidden tests, which make no call that a public test makes; "
    "`upstream` is 1 when it passes all tests as published. Tests run outside the process that "
    "runs the candidate."
)

HUMANEVAL = About(
    name="humaneval",
    family="code",
    description="Complete a Python function from its signature and docstring. The task text is "
    "the beginning of a module; `entry_point` names the function. The answer must be Python "
    "source that defines the whole function, with the imports and helpers it needs.",
    metric="pass@1 on the hidden tests",
    rule=_RULE + " Public: the docstring's examples that Python can read; where there is none, "
    "the first test of `check`. HumanEval/34, 38 and 50 have one test and therefore no public "
    "one; the wrong example of HumanEval/47 is left out.",
    sets="W4S's 33 and 131 ids: 5 of the 33 are public, 28 private; none is left for training "
    "(collect on mbpp or the toy tasks); the same in the paper split.",
    licence="MIT",
    source="openai/human-eval, data/HumanEval.jsonl.gz",
    files=("humaneval/HumanEval.jsonl.gz",),
    rows=164,
    sizes=Sizes(private=28, public=5, training=0, test=131),
    interface=Interface.CODE,
)

MBPP = About(
    name="mbpp",
    family="code",
    description="Write a short Python function from a one-sentence description, its signature "
    "and one test. `entry_point` names the function. The answer must be Python source that "
    "defines the function, with the imports and helpers it needs.",
    metric="pass@1 on the hidden tests",
    rule=_RULE + " Public: the first of the three or more asserts (in two problems "
    "the second, for the others would pass a function that returns None; in one whose asserts "
    "are all the same, none).",
    sets="W4S's 86 and 341 ids of the sanitized set: 10 of the 86 are public, the others private "
    "(five that share a function name with a test problem are left out); training from the full "
    "set, without function names that search or test use and without problems whose tests pass "
    "objects of a class. Paper: all 86, whatever the names.",
    licence="CC BY 4.0",
    source="google-research/google-research, mbpp/",
    files=("mbpp/sanitized-mbpp.json.gz", "mbpp/mbpp.jsonl.gz"),
    rows=427 + 974,
    sizes=Sizes(private=71, public=10, training=524, test=341),
    interface=Interface.CODE,
)


def load_humaneval(seed: int = 0, sizes: Sizes | None = None, split: str = "default") -> Task:
    file = data.load(HUMANEVAL.files[0])
    rows = file.records()
    problems = [_humaneval_problem(file, i, row) for i, row in enumerate(rows)]
    pools = _published("humaneval", problems, public=5)
    return assemble(
        HUMANEVAL,
        drawn(HUMANEVAL.name, pools, sizes, seed),
        score_code,
        keyed(problems, rows, _humaneval_key),
        Drawn(split, seed, sizes, (file.sha256,)),
        answer=_solutions(problems, [r["prompt"] + r["canonical_solution"] for r in rows]),
    )


def load_mbpp(seed: int = 0, sizes: Sizes | None = None, split: str = "default") -> Task:
    sanitized, full = (data.load(name) for name in MBPP.files)
    rows = [*sanitized.document(), *full.records()]
    found = [_mbpp_problem(sanitized, i, row) for i, row in enumerate(sanitized.document())]
    found += [_mbpp_problem(full, i, row) for i, row in enumerate(full.records())]
    usable = [(problem, row) for problem, row in zip(found, rows, strict=True) if problem]
    problems, rows = [problem for problem, _ in usable], [row for _, row in usable]
    pools = _published("mbpp", problems, public=10, apart=split != "paper")
    return assemble(
        MBPP,
        drawn(MBPP.name, pools, sizes, seed),
        score_code,
        keyed(problems, rows, _mbpp_key),
        Drawn(split, seed, sizes, (sanitized.sha256, full.sha256)),
        answer=_solutions(problems, [row["code"] for row in rows]),
    )


# --- Sets ----------------------------------------------------------------------------------


@cache
def _published_ids() -> Mapping[str, Mapping[str, Sequence[int]]]:
    """Task ids of W4S's files; nothing but ids."""
    text = files("w4s.tasks").joinpath("code_splits.json").read_text(encoding="utf-8")
    loaded: Mapping[str, Mapping[str, Sequence[int]]] = json.loads(text)
    return loaded


def _published(name: str, problems: Sequence[Problem], public: int, apart: bool = True) -> Sets:
    """W4S's sets, with the first of its shuffled validation problems public.

    With `apart`, validation problems that share an origin with a test problem are left out.
    Training is what shares no origin with either.
    """
    ids = _published_ids()[name]
    by_id = {problem.id: problem for problem in problems}
    test = [by_id[f"{name}/{i}"] for i in ids["test"]]
    tested = {problem.origin for problem in test}
    validation = shuffled((by_id[f"{name}/{i}"] for i in ids["validate"]), 0)
    if apart:
        validation = [problem for problem in validation if problem.origin not in tested]
    used = tested | {problem.origin for problem in validation}
    training = [problem for problem in problems if problem.origin not in used]
    return Sets(
        private=tuple(validation[public:]),
        public=tuple(validation[:public]),
        training=tuple(shuffled(training, 0)),
        test=tuple(test),
    )


# --- Rows ----------------------------------------------------------------------------------


def _humaneval_problem(file: data.DataFile, row_number: int, row: Row) -> Problem:
    prompt = file.field(row, "prompt", str, row_number)
    entry_point = file.field(row, "entry_point", str, row_number)
    try:
        tests = of_check_function(file.field(row, "test", str, row_number), prompt, entry_point)
    except (SyntaxError, ValueError) as error:
        raise file.unexpected(row_number, f"its tests cannot be read: {error}") from error
    number = file.field(row, "task_id", str, row_number).rpartition("/")[2]
    return Problem(
        id=f"humaneval/{number}",
        origin=f"humaneval/{number}",
        question=prompt,
        target=_target(tests, before=helpers(prompt, entry_point), prompt=prompt),
        entry_point=entry_point,
        public_tests=tests.public,
    )


def _mbpp_problem(file: data.DataFile, row_number: int, row: Row) -> Problem | None:
    """None for a problem whose tests pass objects of a class: they cannot cross the wall."""
    asserts = file.field(row, "test_list", list, row_number)
    code = file.field(row, "code", str, row_number)
    entry_point = called_function(asserts[0], code)
    if entry_point is None:
        raise file.unexpected(row_number, "its tests call no function of its code")
    if row.get("test_setup_code") or makes_objects(asserts, code):
        return None
    tests = of_asserts(asserts, row.get("test_imports") or [], entry_point)
    words = str(row.get("prompt") or row.get("text")).strip()
    part = "" if "prompt" in row else "full/"
    return Problem(
        id=f"mbpp/{part}{file.field(row, 'task_id', int, row_number)}",
        # Two tasks with the same function name are nearly the same task; eight names occur twice.
        origin=f"mbpp/{entry_point}",
        question=f"{words}\n\n{signature(code, entry_point)}{_shown(tests)}",
        target=_target(tests),
        entry_point=entry_point,
        public_tests=tests.public,
    )


def _shown(tests: CodeTests) -> str:
    return f"\n\nIt must pass this test:\n{tests.public[0]}" if tests.public else ""


def _target(tests: CodeTests, before: str = "", prompt: str = "") -> dict[str, JSON]:
    """What `grading.score_code` reads."""
    return {
        "before": before,
        "prompt": prompt,
        "prelude": tests.prelude,
        "tests": list(tests.published),
        "hidden": list(tests.hidden),
    }


def _solutions(problems: Sequence[Problem], texts: Sequence[str]) -> Callable[[Problem], str]:
    by_id = {problem.id: text for problem, text in zip(problems, texts, strict=True)}
    return lambda problem: by_id[problem.id]


# --- Answer keys ---------------------------------------------------------------------------


def _humaneval_key(problem: Problem, row: Row) -> AnswerKey:
    return _code_key(problem, str(row["prompt"]) + str(row["canonical_solution"]))


def _mbpp_key(problem: Problem, row: Row) -> AnswerKey:
    return _code_key(problem, str(row["code"]).replace("\r\n", "\n"))


def _code_key(problem: Problem, solution: str) -> AnswerKey:
    return code_key(problem.question, solution, load=min(0.9, statements(solution) / 25))
