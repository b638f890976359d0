"""Compilations: a source that comes again is compiled once, by a child that knows nothing else."""

import asyncio
import base64
import marshal
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from w4s.sandbox import compilations
from w4s.sandbox.base import Ending, Job, Result
from w4s.sandbox.compilations import Compilations
from w4s.sandbox.host import PythonSandbox
from w4s.sandbox.inside.program import Program

InSandbox = Callable[[Callable[[PythonSandbox], Awaitable[Any]]], Any]

SOURCE = "def solver(task):\n    '\\d'\n    print(task)\n    return {'answer': 1 / len(task)}"


def test_the_second_coming_is_compiled_and_later_ones_have_it() -> None:
    asked = []

    async def compile(source: str) -> str:
        asked.append(source)
        return source.upper()

    async def main() -> list[str | None]:
        known = Compilations(compile)
        found = [known.of("a"), known.of("b"), known.of("a"), known.of("a")]
        await asyncio.sleep(0)
        found += [known.of("a"), known.of("b")]
        await known.aclose()
        return found

    assert asyncio.run(main()) == [None, None, None, None, "A", None]
    assert asked == ["a"]


def test_what_cannot_be_compiled_is_tried_once() -> None:
    asked = []

    async def compile(source: str) -> None:
        asked.append(source)

    async def main() -> None:
        known = Compilations(compile)
        for _ in range(5):
            assert known.of("a") is None
            await asyncio.sleep(0)

    asyncio.run(main())
    assert asked == ["a"]


def test_the_oldest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compilations, "MOST_SOURCES", 2)

    async def compile(source: str) -> str:
        return source.upper()

    async def main() -> None:
        known = Compilations(compile)
        for source in ("a", "a", "b"):
            known.of(source)
        await asyncio.sleep(0)
        assert known.of("a") == "A"
        known.of("c")
        known.of("d")
        assert known.of("a") is None

    asyncio.run(main())


def test_every_run_of_a_source_is_alike_whoever_compiled_it(in_sandbox: InSandbox) -> None:
    async def story(sandbox: PythonSandbox) -> list[Result]:
        results = []
        for task in ("first", "second", "third", ""):
            results.append(await sandbox.run(Job(SOURCE, arguments={"task": task})))
            await asyncio.sleep(0.1)
        assert sandbox._compilations.of(SOURCE) is not None
        return results

    *good, bad = in_sandbox(story)
    assert [result.output for result in good] == ["first\n", "second\n", "third\n"]
    assert [result.ending for result in good] == [Ending.RETURNED] * 3
    assert bad.trouble.type == "ZeroDivisionError"
    assert bad.trouble.line == 4
    assert "return {'answer'" in bad.trouble.traceback


@pytest.mark.parametrize(
    "code",
    ["", "?", "AAAA", base64.b64encode(marshal.dumps("no code")).decode()],
)
def test_a_form_that_is_no_code_is_not_believed(code: str) -> None:
    program = Program("def solver(task):\n    return len(task)", "call", code)
    assert program.load("")["solver"]("ab") == 2
