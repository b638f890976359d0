"""What the sandbox costs: processor time, memory and time per solver call, with all walls up.

Each line stands beside the bar it has to hold. Processor time is that of host, zygote and
children together; on a machine that is busy with other things it grows by half and more, so the
load is printed too.
"""

from __future__ import annotations

import asyncio
import os
import resource
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from w4s.sandbox import Isolation, open_sandbox
from w4s.sandbox.base import Ending, Job, Limits
from w4s.sandbox.host import PythonSandbox
from w4s.types import JSON

PRELUDE = """
class Agent:
    def __init__(self, call):
        self._call = call

    def ask(self, question):
        return self._call("ask", question=question)


def make_agent(call):
    return Agent(call)
"""
ONE_CALL = "def solver(agent, task):\n    return {'answer': agent.ask(task)}"
AT_ONCE = 4
CALLS_EACH = 2_000
MANY_CALLS = (
    f"def solver(agent, task):\n    return len([agent.ask(task) for _ in range({CALLS_EACH})])"
)
REPEATS = 9
"""Of so short a measurement: what the machine's other guests take is not ours."""
SOLVER_CALLS = 400
BATCH_CALLS = 5_000
LIVE_CHILDREN = 200
RUNAWAY = "def solver(agent, **arguments):\n    while True:\n        pass"
RUNAWAYS = 16
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Line:
    """One measured quantity."""

    what: str
    measured: float
    unit: str
    bar: float
    at_least: bool = False
    """The bar is a floor, else a ceiling."""

    @property
    def holds(self) -> bool:
        return self.measured >= self.bar if self.at_least else self.measured <= self.bar


async def echo(method: str, arguments: Mapping[str, JSON]) -> JSON:
    return arguments["question"]


def job(number: int, source: str = ONE_CALL) -> Job:
    return Job(source, arguments={"task": f"question {number}"}, limits=Limits(host_calls=10_000))


class Meter:
    """Processor seconds of this process, the zygote and all children that it has reaped."""

    def __init__(self, sandbox: PythonSandbox) -> None:
        (self._zygote,) = (nursery.pid for nursery in sandbox._nurseries.values())

    def cpu_seconds(self) -> float:
        ours = resource.getrusage(resource.RUSAGE_SELF)
        fields = Path(f"/proc/{self._zygote}/stat").read_text().rsplit(")", 1)[1].split()
        theirs = sum(int(field) for field in fields[11:15]) / TICKS
        return ours.ru_utime + ours.ru_stime + theirs

    async def of(self, work: Callable[[], Awaitable[object]]) -> tuple[float, float]:
        """Processor seconds and wall seconds of `work`."""
        cpu, wall = self.cpu_seconds(), time.perf_counter()
        await work()
        return self.cpu_seconds() - cpu, time.perf_counter() - wall


async def starting() -> list[Line]:
    """From nothing to proven walls; the canaries alone are the difference to no walls."""
    walled = [await _seconds_to_open("walls") for _ in range(3)]
    bare = [await _seconds_to_open("unsafe") for _ in range(3)]
    return [
        Line("zygote start", min(bare) * 1000, "ms", 300),
        Line("start-up canaries", max(0.0, min(walled) - min(bare)) * 1000, "ms", 200),
    ]


async def _seconds_to_open(kind: str) -> float:
    began = time.perf_counter()
    sandbox = await open_sandbox(kind, prelude=PRELUDE)
    seconds = time.perf_counter() - began
    await sandbox.aclose()
    return seconds


async def solver_calls() -> list[Line]:
    """One child per call."""
    sandbox = await open_sandbox(prelude=PRELUDE)
    meter = Meter(sandbox)

    async def work() -> None:
        await asyncio.gather(*(sandbox.run(job(n), echo) for n in range(SOLVER_CALLS)))

    await work()
    cpu, wall = await meter.of(work)
    agent_calls = sorted([await _agent_call(sandbox, meter) for _ in range(REPEATS)])
    memory = await _memory_per_child(sandbox, meter)
    await sandbox.aclose()
    return [
        Line("solver call with one agent call, CPU", cpu / SOLVER_CALLS * 1000, "ms", 8),
        Line("solver calls", SOLVER_CALLS / wall, "per s", 130, at_least=True),
        Line("agent call, CPU, least", agent_calls[0] * 1e6, "µs", 100),
        Line("agent call, CPU, median", agent_calls[REPEATS // 2] * 1e6, "µs", 100),
        Line("memory of a live child", memory, "MB", 3),
    ]


async def _agent_call(sandbox: PythonSandbox, meter: Meter) -> float:
    """Processor seconds that one more call of a program takes."""
    many = await _programs_at_once(sandbox, meter, MANY_CALLS)
    one = await _programs_at_once(sandbox, meter, ONE_CALL)
    return (many - one) / (AT_ONCE * (CALLS_EACH - 1))


async def _programs_at_once(sandbox: PythonSandbox, meter: Meter, source: str) -> float:
    """Processor seconds of a few programs side by side, as in every evaluation."""

    async def work() -> None:
        await asyncio.gather(*(sandbox.run(job(n, source), echo) for n in range(AT_ONCE)))

    cpu, _ = await meter.of(work)
    return cpu


async def _memory_per_child(sandbox: PythonSandbox, meter: Meter) -> float:
    """Pages that a waiting child shares with nobody, and its share of those it does."""
    waiting = 0
    all_wait, go = asyncio.Event(), asyncio.Event()

    async def hold(method: str, arguments: Mapping[str, JSON]) -> JSON:
        nonlocal waiting
        waiting += 1
        if waiting == LIVE_CHILDREN:
            all_wait.set()
        await go.wait()
        return 1

    jobs = [asyncio.ensure_future(sandbox.run(job(n), hold)) for n in range(LIVE_CHILDREN)]
    await all_wait.wait()
    zygote = meter._zygote
    children = Path(f"/proc/{zygote}/task/{zygote}/children").read_text().split()
    held = [_own_kilobytes(int(pid)) for pid in children]
    go.set()
    await asyncio.gather(*jobs)
    return sum(held) / len(held) / 1024


def _own_kilobytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


async def batch_calls() -> list[Line]:
    """One child for many calls of one workflow."""
    sandbox = await open_sandbox(prelude=PRELUDE, isolation=Isolation.BATCH)
    meter = Meter(sandbox)

    async def work() -> None:
        await asyncio.gather(*(sandbox.run(job(n), echo) for n in range(BATCH_CALLS)))

    _, wall = await meter.of(work)
    await sandbox.aclose()
    return [Line("solver calls in batch", BATCH_CALLS / wall, "per s", 1000, at_least=True)]


async def runaway_loops() -> list[Line]:
    """How late this event loop wakes up while programs burn all processors."""
    sandbox = await open_sandbox(prelude=PRELUDE)
    jobs = [Job(RUNAWAY, limits=Limits(seconds=5, grace_seconds=0.5))] * RUNAWAYS
    burning = asyncio.gather(*(sandbox.run(job, echo) for job in jobs))
    loop, lags = asyncio.get_running_loop(), list[float]()
    while not burning.done():
        due = loop.time() + 0.005
        await asyncio.sleep(0.005)
        lags.append(loop.time() - due)
    results = await burning
    assert all(result.ending is Ending.TIME for result in results)
    await sandbox.aclose()
    p99 = sorted(lags)[int(len(lags) * 0.99)]
    return [Line(f"event-loop lag beside {RUNAWAYS} runaway loops, p99", p99 * 1000, "ms", 50)]


async def measure() -> list[Line]:
    return [
        *await starting(),
        *await solver_calls(),
        *await batch_calls(),
        *await runaway_loops(),
    ]


def main() -> None:
    before = os.getloadavg()[0]
    table = Table("", "measured", "bar", "")
    for line in asyncio.run(measure()):
        sign = "≥" if line.at_least else "≤"
        table.add_row(
            line.what,
            f"{line.measured:.1f} {line.unit}",
            f"{sign} {line.bar:g}",
            "holds" if line.holds else "MISSED",
        )
    console = Console()
    console.print(table)
    console.print(
        f"{os.cpu_count()} processors; load before the measurement {before:.1f} "
        "(anything above 0.5 inflates these figures)"
    )


if __name__ == "__main__":
    main()
