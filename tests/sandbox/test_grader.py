"""Hidden tests: honest solutions pass, forged verdicts fail, tests stay hidden."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from w4s.errors import SandboxError
from w4s.sandbox.base import Ending, Grade, Limits
from w4s.sandbox.grader import grade_asserts
from w4s.sandbox.host import PythonSandbox

QUICK = Limits(seconds=0.5, grace_seconds=0.3, cpu_seconds=2)


InSandbox = Callable[[Callable[[PythonSandbox], Awaitable[Any]]], Any]
Grading = Callable[..., Grade]


@pytest.fixture
def grade(in_sandbox: InSandbox) -> Grading:
    def grade(
        candidate: str, *statements: str, setup: str = "", names: tuple[str, ...] = ()
    ) -> Grade:
        found = in_sandbox(
            lambda sandbox: grade_asserts(
                sandbox, candidate, statements, setup=setup, names=names, limits=QUICK
            )
        )
        assert isinstance(found, Grade)
        return found

    return grade


@pytest.mark.parametrize(
    ("candidate", "statement"),
    [
        ("def f(x): return x * 2", "assert f(2) == 4"),
        ("def f(x): return (x, {x}, [x], {1: x})", "assert f(2) == (2, {2}, [2], {1: 2})"),
        ("def f(x): return complex(x, 1)", "assert f(2) == 2 + 1j"),
        ("def f(x): return x ** 0.5", "assert math.isclose(f(2), 1.41421356, rel_tol=1e-6)"),
        ("def f(*a, k=1): return [a, k]", "assert f(1, 2, k=3) == [(1, 2), 3]"),
        ("def f(x): return (c for c in x)", "assert list(f('ab')) == ['a', 'b']"),
        ("def f(x, t): return [v for v in x if type(v) is t]", "assert f([1, 'a'], str) == ['a']"),
        (
            "class Pair:\n    def __init__(self, a): self.a = a\ndef f(ps): return ps[0].a",
            "p = Pair(3)\np.a = 5\nassert f([p, Pair(1)]) == 5 and p.a == 5",
        ),
        ("def f(x): raise KeyError(x)", "try:\n    f(1)\n    assert False\nexcept KeyError: pass"),
        ("def sum(x): return 'mine'", "assert sum([1]) == 'mine'"),
        (
            "import collections\ndef f(x): return collections.Counter(x)",
            "assert f('a') == {'a': 1}",
        ),
    ],
)
def test_honest_solutions_pass(candidate: str, statement: str, grade: Grading) -> None:
    setup = "import math"
    found = grade(
        candidate, statement, setup=setup, names=("sum",) if "def sum" in candidate else ()
    )
    assert found.verdicts == (None,)
    assert found.passed


FORGERIES = {
    "exit at module level": "import sys\nsys.exit(0)",
    "exit in the function": "import sys\ndef f(x): sys.exit(0)",
    "exit at once": "import os\ndef f(x): os._exit(0)",
    "exit at once at module level": "import os\nos._exit(0)",
    "interrupt": "def f(x): raise KeyboardInterrupt",
    "assertions that cannot fail": "import builtins\nbuiltins.AssertionError = int\ndef f(x): pass",
    "comparison that is always true": (
        "class Yes:\n    def __eq__(self, other): return True\n"
        "    def __bool__(self): return True\n"
        "def f(x): return Yes()"
    ),
    "number that equals all": (
        "class Yes(int):\n    def __eq__(self, other): return True\n    __hash__ = int.__hash__\n"
        "def f(x): return Yes(3)"
    ),
    "text that equals all": (
        "class Yes(str):\n    def __eq__(self, other): return True\n    __hash__ = str.__hash__\n"
        "def f(x): return Yes('x')"
    ),
    "redefined checker": "def check(f): return True\ndef f(x): pass",
    "success text": "print('PASSED\\n[null]')\ndef f(x): print('{\"done\": [null]}')",
    "result by hand": (
        "import os\nframe = b'{\"done\": [null]}'\n"
        "os.write(3, len(frame).to_bytes(4, 'big') + frame)\ndef f(x): return None"
    ),
    "result by hand in the call": (
        'import os\ndef f(x):\n    frame = b\'{"done": {"$object": 0}}\'\n'
        "    os.write(3, len(frame).to_bytes(4, 'big') + frame)\n    return None"
    ),
    "unknown tag": (
        'import os\ndef f(x):\n    frame = b\'{"done": {"$exec": "1"}}\'\n'
        "    os.write(3, len(frame).to_bytes(4, 'big') + frame)\n    return None"
    ),
    "looks for the tests": (
        "import gc, sys\ndef f(x):\n"
        "    frames = []\n    frame = sys._getframe()\n"
        "    while frame: frames.append(str(frame.f_locals)); frame = frame.f_back\n"
        "    found = [s for s in frames if '4711' in s]\n"
        "    return 4711 if found else None"
    ),
    "endless loop": "def f(x):\n    while True: pass",
    "never defined": "x = 1",
    "syntax error": "def f(x) return 1",
    "too much memory": "def f(x): return 'x' * 10**10",
    "giant result": "def f(x): return 'x' * 10**7",
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_verdict_fails(name: str, grade: Grading) -> None:
    setup = "def check(candidate):\n    assert candidate(2) == 4711"
    found = grade(FORGERIES[name], "check(f)", setup=setup, names=("f",))
    assert not found.passed
    assert found.verdicts[0] is not None


def test_the_rest_fails_after_the_candidate_is_gone(grade: Grading) -> None:
    candidate = "import os\ndef f(x):\n    if x == 2: os._exit(0)\n    return x"
    found = grade(candidate, "assert f(1) == 1", "assert f(2) == 2", "assert f(3) == 3")
    assert [verdict is None for verdict in found.verdicts] == [True, False, False]
    assert found.broken is not None
    assert found.broken.ending is Ending.EXITED
    assert not found.passed


def test_the_time_of_all_calls_is_counted_together(grade: Grading) -> None:
    candidate = "import time\ndef f(x): time.sleep(0.2); return x"
    found = grade(candidate, *[f"assert f({n}) == {n}" for n in range(10)])
    assert found.broken is not None
    assert found.broken.ending is Ending.TIME


def test_no_statement_is_no_pass(grade: Grading) -> None:
    assert not grade("def f(x): return x").passed


def test_a_broken_set_up_is_our_fault(grade: Grading) -> None:
    with pytest.raises(SandboxError, match="tests themselves"):
        grade("def f(x): return x", "assert f(1)", setup="1 / 0")


def data(name: str) -> Path:
    folder = os.environ.get("W4S_DATA")
    path = Path(folder or "", name)
    if not folder or not path.exists():
        pytest.skip("W4S_DATA is not set")
    return path


def rows(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


async def grade_all(cases: dict[str, dict[str, Any]]) -> list[str]:
    sandbox = PythonSandbox()

    async def failed(name: str, case: dict[str, Any]) -> str | None:
        found = await grade_asserts(sandbox, **case)
        return None if found.passed else f"{name}: {found}"

    try:
        found = await asyncio.gather(*(failed(name, case) for name, case in cases.items()))
        return [text for text in found if text is not None]
    finally:
        await sandbox.aclose()


@pytest.mark.long
def test_every_reference_solution_of_humaneval_passes() -> None:
    cases = {
        row["task_id"]: {
            "candidate": row["prompt"] + row["canonical_solution"],
            "statements": [f"check({row['entry_point']})"],
            "setup": row["prompt"] + "\n" + row["test"],
            "names": [row["entry_point"]],
        }
        for row in rows(data("humaneval/HumanEval.jsonl.gz"))
    }
    assert len(cases) == 164
    assert asyncio.run(grade_all(cases)) == []


@pytest.mark.long
@pytest.mark.timeout(300)
def test_every_reference_solution_of_mbpp_passes() -> None:
    cases = {
        str(row["task_id"]): {
            "candidate": row["code"],
            "statements": row["test_list"],
            "setup": row["test_setup_code"],
            "names": ["sum"] if row["task_id"] == 126 else [],  # it names its function like that
        }
        for row in rows(data("mbpp/mbpp.jsonl.gz"))
    }
    assert len(cases) == 974
    assert asyncio.run(grade_all(cases)) == []
