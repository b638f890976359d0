"""Bad and good programs through the real sandbox: each ends in a Result that says what happened."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from w4s.errors import SandboxError
from w4s.sandbox.base import Action, Ending, HostCall, Job, Limits, Refusal, Result
from w4s.sandbox.host import Profile, PythonSandbox
from w4s.sandbox.values import decode
from w4s.types import JSON

InSandbox = Callable[[Callable[[PythonSandbox], Awaitable[Any]]], Any]
QUICK = Limits(seconds=0.5, grace_seconds=0.4, cpu_seconds=2)


async def echo(method: str, arguments: Mapping[str, JSON]) -> JSON:
    return {"method": method, **arguments}


def run(in_sandbox: InSandbox, job: Job, host: HostCall | None = None) -> Result:
    result = in_sandbox(lambda sandbox: sandbox.run(job, host))
    assert isinstance(result, Result)
    return result


@dataclass(frozen=True)
class Bad:
    """A bad program and how it must end."""

    source: str
    ending: Ending
    line: int | None
    words: str = ""
    limits: Limits = field(default=QUICK)


BAD = {
    "endless loop": Bad("def solver():\n    while True:\n        pass", Ending.TIME, None),
    "endless loop at module level": Bad("x = 1\nwhile True: pass", Ending.TIME, 2),
    "endless sleep": Bad("import time\ndef solver():\n    time.sleep(99)", Ending.TIME, 3),
    "swallows the stop once": Bad(
        "import time\n"
        "def solver():\n"
        "    try:\n"
        "        time.sleep(99)\n"
        "    except BaseException:\n"
        "        while True: pass",
        Ending.TIME,
        6,
    ),
    "swallows every stop": Bad(
        "def solver():\n"
        "    while True:\n"
        "        try:\n"
        "            while True: pass\n"
        "        except BaseException: pass",
        Ending.TIME,
        4,
    ),
    "catastrophic regex": Bad(
        "import re\ndef solver():\n    re.match('(a+)+$', 'a' * 50 + 'b')", Ending.TIME, 3
    ),
    "huge power": Bad("def solver():\n    return 7 ** (10 ** 9)", Ending.TIME, 2),
    "waits for a thread": Bad(
        "import threading\n"
        "def spin():\n"
        "    while True: pass\n"
        "def solver():\n"
        "    t = threading.Thread(target=spin); t.start()\n"
        "    t.join()",
        Ending.TIME,
        6,
    ),
    "processor time": Bad(
        "def solver():\n    while True: pass",
        Ending.TIME,
        2,
        "processor time",
        Limits(seconds=20, cpu_seconds=1),
    ),
    "endless text of an exception": Bad(
        "class E(Exception):\n"
        "    def __str__(self):\n"
        "        while True: pass\n"
        "def solver():\n"
        "    raise E",
        Ending.TIME,
        3,
    ),
    "sys.exit in a function": Bad(
        "import sys\ndef solver():\n    sys.exit(0)", Ending.EXITED, 3, "sys.exit(0)"
    ),
    "sys.exit at module level": Bad("import sys\nsys.exit(3)", Ending.EXITED, 2, "sys.exit(3)"),
    "os._exit": Bad("import os\ndef solver():\n    os._exit(0)", Ending.EXITED, None, "code 0"),
    "KeyboardInterrupt": Bad("def solver():\n    raise KeyboardInterrupt", Ending.RAISED, 2),
    "3 GB": Bad("def solver():\n    return len(b'x' * 3_000_000_000)", Ending.MEMORY, 2),
    "grows": Bad(
        "def solver():\n    x = []\n    while True: x.append(' ' * 10**6)",
        Ending.MEMORY,
        3,
        "",
        Limits(seconds=10, memory_mb=100),
    ),
    "deep recursion": Bad("def solver():\n    return solver()", Ending.RAISED, 2, "recursion"),
    "50 MB of output": Bad(
        "def solver():\n    for i in range(50):\n        print('x' * 1_000_000)",
        Ending.OUTPUT,
        3,
        "printed more",
        Limits(seconds=5),
    ),
    "syntax error": Bad("x = 1\ndef solver(:\n    return 1", Ending.SYNTAX_ERROR, 2, "invalid"),
    "null byte": Bad("x = '\0'", Ending.SYNTAX_ERROR, None),
    "nested too deeply to compile": Bad("(" * 10_000, Ending.SYNTAX_ERROR, None),
    "no solver": Bad("def solve(): return 1", Ending.NO_ENTRY, None, "no function solver"),
    "solver is no function": Bad("solver = 3", Ending.NO_ENTRY, None),
    "wrong arguments": Bad("def solver(x):\n    return x", Ending.RAISED, None, "missing 1"),
    "10 MB result": Bad("def solver(): return 'x' * 10_000_000", Ending.OUTPUT, None, "too large"),
    "contains itself": Bad(
        "def solver():\n    x = []\n    x.append(x)\n    return x", Ending.RAISED, None
    ),
    "crash": Bad(
        "import ctypes\ndef solver():\n    ctypes.string_at(0)", Ending.KILLED, None, "SIGSEGV"
    ),
    "stops itself": Bad(
        "import os, signal\ndef solver():\n    os.kill(os.getpid(), signal.SIGSTOP)",
        Ending.TIME,
        None,
    ),
    "hangs up": Bad(
        "import os\ndef solver():\n    os.close(3)\n    while True: pass", Ending.PROTOCOL, None
    ),
    "not a message": Bad(
        "import os\ndef solver():\n    os.write(3, b'GET / HTTP/1.1\\r\\n')\n    while True: pass",
        Ending.PROTOCOL,
        None,
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_program_ends_in_a_status_that_says_what_happened(
    name: str, in_sandbox: InSandbox
) -> None:
    bad = BAD[name]
    started = time.monotonic()
    result = run(in_sandbox, Job(bad.source, limits=bad.limits))
    assert result.ending is bad.ending
    assert result.value is None
    assert result.trouble is not None
    if bad.line is not None:
        assert result.trouble.line == bad.line
    assert bad.words in str(result.trouble)
    assert time.monotonic() - started < bad.limits.seconds + bad.limits.grace_seconds + 4


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("def solver(): return None", None),
        ("def solver(): return [1, (2, {3})]", [1, (2, {3})]),
        (
            "def helper(): return 'é😀'\ndef solver(): return {'answer': helper()}",
            {"answer": "é😀"},
        ),
        ("def solver(): return '\\ud800!'", "?!"),
        ("def solver(): return 1 << 40000 == 1, 1 << 4000", (False, 1 << 4000)),
        ("def solver(): return __name__", "program"),
        (
            "from __future__ import annotations\nfrom dataclasses import dataclass\n"
            "@dataclass\nclass P:\n    x: int = 1\ndef solver(): return P().x",
            1,
        ),
    ],
)
def test_values_come_back(source: str, value: object, in_sandbox: InSandbox) -> None:
    result = run(in_sandbox, Job(source))
    assert result.ending is Ending.RETURNED
    assert decode(result.value) == value


def test_the_program_asks_the_host_and_prints(in_sandbox: InSandbox) -> None:
    source = "def solver(agent, task):\n    print('hi')\n    return agent.ask(task)"
    result = run(in_sandbox, Job(source, arguments={"task": "why?"}), echo)
    assert result.value == {"method": "ask", "question": "why?"}
    assert result.output == "hi\n"


def test_threads_ask_in_parallel_and_waiting_is_not_counted(in_sandbox: InSandbox) -> None:
    at_once = 0
    most = 0

    async def slow(method: str, arguments: Mapping[str, JSON]) -> JSON:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.3)
        at_once -= 1
        return arguments["question"]

    source = (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "def solver(agent):\n"
        "    with ThreadPoolExecutor(8) as pool:\n"
        "        return list(pool.map(agent.ask, range(24)))"
    )
    result = run(in_sandbox, Job(source, limits=Limits(seconds=0.5)), slow)
    assert result.value == list(range(24))
    assert most == 8
    assert result.seconds < 0.5


def test_asyncio_programs_ask_from_executor_threads(in_sandbox: InSandbox) -> None:
    source = (
        "import asyncio\n"
        "async def main(agent):\n"
        "    return await asyncio.gather(*(asyncio.to_thread(agent.ask, i) for i in range(5)))\n"
        "def solver(agent):\n"
        "    return [reply['question'] for reply in asyncio.run(main(agent))]"
    )
    assert run(in_sandbox, Job(source), echo).value == [0, 1, 2, 3, 4]


def test_a_refusal_raises_in_the_program(in_sandbox: InSandbox) -> None:
    async def refuse(method: str, arguments: Mapping[str, JSON]) -> JSON:
        raise Refusal("ValueError", "not like this")

    source = (
        "def solver(agent):\n"
        "    try:\n"
        "        agent.ask(1)\n"
        "    except ValueError as error:\n"
        "        return str(error)"
    )
    assert run(in_sandbox, Job(source), refuse).value == "not like this"


def test_waiting_for_a_busy_processor_is_not_counted(in_sandbox: InSandbox) -> None:
    source = (
        "import time\n"
        "def solver(seconds):\n"
        "    while time.process_time() < seconds: pass\n"
        "    return seconds"
    )
    limits = Limits(seconds=1.0, grace_seconds=0.2)
    job = Job(source, arguments={"seconds": 0.3}, limits=limits)
    crowd = 5 * (os.cpu_count() or 1)

    async def idle(method: str, arguments: Mapping[str, JSON]) -> JSON:
        return None

    async def story(sandbox: PythonSandbox) -> list[Result]:
        # with a host, so that all of them run at once
        jobs = [replace(job, source=source.replace("(seconds)", "(seconds, agent)"))] * crowd
        return await asyncio.gather(*(sandbox.run(one, idle) for one in jobs))

    started = time.monotonic()
    results = in_sandbox(story)
    assert time.monotonic() - started > limits.seconds
    assert [result.ending for result in results] == [Ending.RETURNED] * crowd
    assert max(result.seconds for result in results) < 2 * limits.seconds


def test_what_the_host_raises_surfaces(in_sandbox: InSandbox) -> None:
    async def broken(method: str, arguments: Mapping[str, JSON]) -> JSON:
        raise LookupError("ours")

    source = "def solver(agent):\n    try: agent.ask(1)\n    except BaseException: return 1"
    with pytest.raises(LookupError, match="ours"):
        run(in_sandbox, Job(source), broken)


def test_too_many_calls_name_the_line(in_sandbox: InSandbox) -> None:
    source = "def solver(agent):\n    for i in range(1000):\n        agent.ask(i)"
    result = run(in_sandbox, Job(source, limits=Limits(host_calls=10)), echo)
    assert result.ending is Ending.CALLS
    assert result.trouble is not None
    assert result.trouble.line == 3


def test_output_is_cut(in_sandbox: InSandbox) -> None:
    source = "def solver():\n    print('x' * 3000)\n    return 1"
    result = run(in_sandbox, Job(source, limits=Limits(output_bytes=1000)))
    assert result.value == 1
    assert result.output == "x" * 1000


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("def solution(): return 4", 4),
        ("x = 5\nx * 2", 10),
        ("x = 5\ny = x * 3", 15),
        ("def solution(): return 4\nprint(solution())", 4),
        ("seen = []\ndef solution():\n    seen.append(1)\n    return len(seen)\nsolution()", 1),
    ],
)
def test_value_of_a_script(source: str, value: int, in_sandbox: InSandbox) -> None:
    assert run(in_sandbox, Job(source, action=Action.VALUE)).value == value


def test_a_script_without_a_value(in_sandbox: InSandbox) -> None:
    result = run(in_sandbox, Job("for i in range(3):\n    pass", action=Action.VALUE))
    assert result.ending is Ending.NO_ENTRY


def test_cases_fail_one_by_one(in_sandbox: InSandbox) -> None:
    source = "import sys\ndef f(a):\n    if a == 2: sys.exit(0)\n    return 1 / a"
    job = Job(source, action=Action.CALLS, entry="f", cases=([1], [0], [2]))
    values = run(in_sandbox, job).value
    assert isinstance(values, list)
    assert values[0] == {"value": 1.0}
    assert [case["error"]["type"] for case in values[1:]] == ["ZeroDivisionError", "SystemExit"]


def test_statements_fail_one_by_one(in_sandbox: InSandbox) -> None:
    job = Job(
        "def f(a): return a",
        action=Action.STATEMENTS,
        cases=("assert f(1) == 1", "assert f(1) == 2, 'no'", "f("),
    )
    values = run(in_sandbox, job).value
    assert isinstance(values, list)
    assert values[0] is None
    assert [case["error"]["type"] for case in values[1:]] == ["AssertionError", "SyntaxError"]


def test_random_numbers_and_set_order_are_the_same_in_every_run(in_sandbox: InSandbox) -> None:
    source = "import random\ndef solver(): return [random.random(), list({'a', 'b', 'c', 'd'})]"
    assert run(in_sandbox, Job(source)).value == run(in_sandbox, Job(source)).value


def test_jobs_do_not_see_each_other(in_sandbox: InSandbox) -> None:
    async def story(sandbox: PythonSandbox) -> list[Result]:
        leave = Job("import builtins\nbuiltins.left = 1\ndef solver(): return 1")
        look = Job("import builtins\ndef solver(): return hasattr(builtins, 'left')")
        return [await sandbox.run(leave), await sandbox.run(look)]

    assert [result.value for result in in_sandbox(story)] == [1, False]


def children_of(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]


def test_without_walls_grandchildren_die_with_the_job() -> None:
    source = (
        "import os, time\n"
        "def solver():\n"
        "    if os.fork() == 0:\n"
        "        os.setsid()\n"
        "        if os.fork() == 0: time.sleep(100)\n"
        "        os._exit(0)\n"
        "    time.sleep(0.1)\n"
        "    return 1"
    )

    async def story() -> list[int]:
        sandbox = PythonSandbox(profile=Profile.NONE)
        assert (await sandbox.run(Job(source))).value == 1
        nursery = sandbox._nurseries[()]
        for _ in range(100):
            if not children_of(nursery.pid):
                break
            await asyncio.sleep(0.01)
        left = children_of(nursery.pid)
        await sandbox.aclose()
        return left

    assert asyncio.run(story()) == []


def test_a_dead_zygote_is_replaced_and_its_jobs_run_again(in_sandbox: InSandbox) -> None:
    asked = 0

    async def story(sandbox: PythonSandbox) -> list[Result]:
        async def host(method: str, arguments: Mapping[str, JSON]) -> JSON:
            nonlocal asked
            asked += 1
            if asked == 3 and sandbox._nurseries:
                sandbox._nurseries[()].kill()
            await asyncio.sleep(0.05)
            return arguments["question"]

        source = "def solver(agent, n):\n    return [agent.ask(n), agent.ask(n + 10)]"
        jobs = [Job(source, arguments={"n": n}) for n in range(3)]
        return await asyncio.gather(*(sandbox.run(job, host) for job in jobs))

    assert [result.value for result in in_sandbox(story)] == [[0, 10], [1, 11], [2, 12]]
    assert asked == 6  # nobody was asked twice


def test_a_job_that_loses_its_zygote_twice_is_our_failure(in_sandbox: InSandbox) -> None:
    async def story(sandbox: PythonSandbox) -> None:
        async def killer(method: str, arguments: Mapping[str, JSON]) -> JSON:
            assert sandbox._nurseries
            sandbox._nurseries[()].kill()
            await asyncio.sleep(0.2)
            return 1

        source = "import os\ndef solver(agent): return agent.ask(os.getpid())"
        await sandbox.run(Job(source), killer)

    with pytest.raises(SandboxError, match="twice"):
        in_sandbox(story)


def test_cancelling_kills_the_job(in_sandbox: InSandbox) -> None:
    async def story(sandbox: PythonSandbox) -> list[int]:
        await sandbox.run(Job("def solver(): return 1"))
        task = asyncio.ensure_future(sandbox.run(Job("def solver():\n    while True: pass")))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0.2)
        assert sandbox._nurseries
        return children_of(sandbox._nurseries[()].pid)

    assert in_sandbox(story) == []


def test_nothing_of_the_host_stays_open(in_sandbox: InSandbox) -> None:
    before = len(os.listdir("/proc/self/fd"))

    async def story(sandbox: PythonSandbox) -> None:
        await asyncio.gather(*(sandbox.run(Job("def solver(): return 1")) for _ in range(30)))

    in_sandbox(story)
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_environment_of_the_host_stays_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted")

    async def story() -> Result:
        sandbox = PythonSandbox()
        try:
            return await sandbox.run(Job("import os\ndef solver(): return dict(os.environ)"))
        finally:
            await sandbox.aclose()

    result = asyncio.run(story())
    assert result.ending is Ending.RETURNED
    assert "sk-planted" not in str(result.value)
