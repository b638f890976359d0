"""The exported file at work: answers as inside, retries, processes, commands."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from endpoints import always, answers, drops, endpoint, in_turn, refused, said
from exported import answers_inside, load, sampler_of, write
from served import House
from w4s.models.simulated_server import running_server
from w4s.sandbox.base import Action, Ending, Job, Limits, Result
from w4s.tasks.base import Sizes
from w4s.tasks.registry import load_task
from w4s.types import Workflow
from w4s.workflow import load_baseline

ASKS = Workflow(
    "def solver(agent, task):\n"
    "    return {'answer': agent.call_llm(messages=[{'role': 'user', 'content': task}])[0]}\n"
)
ASKS_FOR_THREE = Workflow(
    "def solver(agent, task):\n"
    "    replies = agent.call_json_format_llm(\n"
    "        messages=[{'role': 'user', 'content': task}], num_of_response=3,\n"
    "        return_dict_keys=['answer'])\n"
    "    return {'answer': ' | '.join(str(r.get('error', r['answer'])) for r in replies)}\n"
)


@pytest.mark.parametrize(
    ("task", "workflow"), [("toy_ledger", "code_generation"), ("toy_lists", "code_public_tests")]
)
def test_it_answers_as_the_inside_does(task: str, workflow: str, tmp_path: Path) -> None:
    async def main() -> None:
        toy = load_task(task, sizes=Sizes(private=2, public=1))
        found = load_baseline(workflow)
        async with running_server(sampler_of(toy)) as server:
            inside = await answers_inside(found, toy.search.private, server.url, seed=5)
            module = load(write(tmp_path, found, server.url, seed=5))
            outside = [
                await asyncio.to_thread(
                    module.solve,
                    p.question,
                    entry_point=p.entry_point,
                    public_tests=p.public_tests,
                    id=p.id,
                )
                for p in toy.search.private
            ]
            closed(module)
        assert outside == inside
        assert all(inside)

    asyncio.run(main())


def closed(module: ModuleType) -> None:
    """End the file's own loop, so that nothing is left open when the test ends."""
    loop = module._loop()
    runner = module._made_runner
    for model in [module._runner(module.MODEL, module.BASE_URL).executor.model]:
        asyncio.run_coroutine_threadsafe(model.aclose(), loop).result()
    runner.cache_clear()
    loop.call_soon_threadsafe(loop.stop)


def ask(module: ModuleType, question: str) -> str:
    return str(module.solve(question))


def test_it_asks_again_after_faults(tmp_path: Path) -> None:
    async def main() -> None:
        habit = in_turn(
            always(lambda: refused(429, "slow down", {"Retry-After": "0"})),
            drops,
            always(lambda: said([None])),
            answers,
        )
        async with endpoint(habit) as served:
            module = load(write(tmp_path, ASKS, served.url))
            answer = await asyncio.to_thread(ask, module, "2 + 2?")
            closed(module)
        assert answer.startswith("2 + 2? -> ")
        assert len(served.bodies) == 4
        assert len({body["seed"] for body in served.bodies}) == 1

    asyncio.run(main())


def test_it_goes_without_what_the_server_lacks(tmp_path: Path) -> None:
    async def main() -> None:
        habit = in_turn(
            always(lambda: refused(400, "response_format is not supported")),
            always(lambda: said(['{"answer": "1"}'])),
            always(lambda: said(['{"answer": "2"}'])),
            always(lambda: said(['{"answer": "3"}'])),
        )
        async with endpoint(habit) as served:
            module = load(write(tmp_path, ASKS_FOR_THREE, served.url))
            answer = await asyncio.to_thread(ask, module, "numbers")
            closed(module)
        assert sorted(answer.split(" | ")) == ["1", "2", "3"]
        assert "response_format" in served.bodies[0]
        assert all("response_format" not in body for body in served.bodies[1:])

    asyncio.run(main())


def test_a_refused_key_is_an_error_and_no_answer(tmp_path: Path) -> None:
    async def main() -> None:
        async with endpoint(always(lambda: refused(401, "bad key"))) as served:
            module = load(write(tmp_path, ASKS, served.url))
            with pytest.raises(module.AccessDenied, match="bad key"):
                await asyncio.to_thread(ask, module, "2 + 2?")
            closed(module)
        assert len(served.bodies) == 1

    asyncio.run(main())


# --- Its processes -------------------------------------------------------------------------

PROGRAMS = {
    "a value": "def solution():\n    return (1, {2.5}, 'three')",
    "the last line": "x = 3\nx ** 2",
    "no value": "import math",
    "an exception": "def solution():\n    return 1 / 0",
    "a syntax error": "def solution(:\n    pass",
    "an exit": "import sys\nsys.exit(3)",
    "a sudden exit": "import os\nos._exit(3)",
    "too slow": "while True:\n    pass",
    "asleep": "import time\ntime.sleep(30)",
    "too much memory": "x = bytearray(2 * 10**9)\nlen(x)",
    "too large": "'x' * 2_000_000",
    "printing": "print('x' * 1000)\n7",
    "random numbers": "import random\n[random.random() for _ in range(3)]",
    "the order of a set": "list({'a', 'b', 'c', 'd', 'e'})",
}


def told(result: Result) -> tuple[str, object, str, str, int | None]:
    trouble = result.trouble
    words = (trouble.type, trouble.message, trouble.line) if trouble else ("", "", None)
    return (str(result.ending), result.value, *words)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_ends_as_it_does_inside(program: str, tmp_path: Path, house: House) -> None:
    async def main() -> None:
        limits: dict[str, Any] = {"seconds": 0.5, "grace_seconds": 0.5, "cpu_seconds": 5}
        source = PROGRAMS[program]
        inside = await house.sandbox.run(Job(source, Action.VALUE, limits=Limits(**limits)))
        module = load(write(tmp_path, ASKS, "http://127.0.0.1:9/v1"))
        job = module.Job(source, module.Action.VALUE, limits=module.Limits(**limits))
        outside = await module.SubprocessSandbox().run(job)
        assert told(outside) == told(inside)

    house.run(main())


def test_a_program_sees_no_key_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")

    async def main() -> Any:
        module = load(write(tmp_path, ASKS, "http://127.0.0.1:9/v1"))
        source = "import os\nopen('left', 'w').write('x')\n[os.getcwd(), str(dict(os.environ))]"
        result = await module.SubprocessSandbox().run(module.Job(source, module.Action.VALUE))
        return result.value

    folder, environ = asyncio.run(main())
    assert "sk-secret" not in environ
    assert not Path(folder).exists()


def test_a_process_that_goes_on_is_killed_with_its_children(tmp_path: Path) -> None:
    async def main() -> Result:
        module = load(write(tmp_path, ASKS, "http://127.0.0.1:9/v1"))
        source = "import os, time\nos.fork()\nos.fork()\ntime.sleep(60)"
        limits = module.Limits(seconds=0.5, grace_seconds=0.5)
        job = module.Job(source, module.Action.VALUE, limits=limits)
        result: Result = await module.SubprocessSandbox().run(job)
        return result

    assert str(asyncio.run(main()).ending) == Ending.TIME
    processes = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert str(tmp_path) not in processes.stdout


# --- Its commands --------------------------------------------------------------------------


def command(path: Path, *words: str, key: str | None = None) -> subprocess.CompletedProcess[str]:
    environ = {k: v for k, v in os.environ.items() if k != "OPENAI_API_KEY"}
    environ |= {"OPENAI_API_KEY": key} if key else {}
    return subprocess.run(
        [sys.executable, str(path), *words],
        capture_output=True,
        text=True,
        env=environ,
        timeout=60,
        check=False,
    )


def test_the_command_line_answers_questions_and_batches(tmp_path: Path) -> None:
    async def main() -> None:
        async with endpoint(answers) as served:
            path = write(tmp_path, ASKS, "http://127.0.0.1:9/v1")
            one = await asyncio.to_thread(
                command, path, "2 + 2?", "--base-url", served.url, "--model", "other"
            )
            rows = tmp_path / "rows.jsonl"
            rows.write_text('{"question": "a?", "id": 1}\n\n{"question": "b?"}\n')
            many = await asyncio.to_thread(
                command, path, "--batch", str(rows), "--base-url", served.url
            )
        assert one.stdout.startswith("2 + 2? -> "), one.stderr
        assert served.bodies[0]["model"] == "other"
        first, second = [json.loads(line) for line in many.stdout.splitlines()]
        assert first["id"] == 1
        assert first["answer"].startswith("a? -> ")
        assert (second["calls"], second["prompt_tokens"]) == (1, 11)

    asyncio.run(main())


def test_a_refused_key_ends_a_batch_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with endpoint(always(lambda: refused(401, "bad key"))) as served:
            path = write(tmp_path, ASKS, served.url)
            rows = tmp_path / "rows.jsonl"
            rows.write_text("".join(f'{{"question": "{i}?"}}\n' for i in range(30)))
            done = await asyncio.to_thread(command, path, "--batch", str(rows), "--workers", "1")
        assert done.returncode == 1
        assert "bad key" in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert len(served.bodies) < 5

    asyncio.run(main())


@pytest.mark.parametrize(
    ("make", "words", "said_in_one_line"),
    [
        (
            lambda rows: rows.write_text("{}\n"),
            ["--batch", "rows.jsonl"],
            "jsonl line 1: no object",
        ),
        (
            lambda rows: rows.write_text('{"question": "q"}\n{"question" 7}\n'),
            ["--batch", "rows.jsonl"],
            "rows.jsonl line 2: not JSON: ",
        ),
        (lambda rows: None, ["--batch", "rows.jsonl"], "rows.jsonl"),
        (lambda rows: None, ["hello", "--base-url", "https://example.org/v1"], "OPENAI_API_KEY"),
    ],
)
def test_mistakes_are_told_in_one_line(
    make: Callable[[Path], object], words: list[str], said_in_one_line: str, tmp_path: Path
) -> None:
    rows = tmp_path / "rows.jsonl"
    make(rows)
    path = write(tmp_path, ASKS, "http://127.0.0.1:9/v1")
    done = command(path, *(str(rows) if word == "rows.jsonl" else word for word in words))
    assert done.returncode == 1
    assert said_in_one_line in done.stderr
    assert len(done.stderr.splitlines()) == 1
