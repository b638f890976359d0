"""One child for a workflow's problems: shared, replaced, and given up when a limit is hit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from w4s.sandbox import open_sandbox
from w4s.sandbox.base import Ending, Job, Limits, Result
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
ASKS = "import os\ndef solver(agent, n):\n    return [agent.ask(n), os.getpid()]"


async def echo(method: str, arguments: Mapping[str, JSON]) -> JSON:
    return arguments["question"]


def run(jobs: list[Job], host: Any = echo) -> list[Result]:
    async def main() -> list[Result]:
        sandbox = await open_sandbox(prelude=PRELUDE, isolation="batch")
        try:
            return list(await asyncio.gather(*(sandbox.run(job, host) for job in jobs)))
        finally:
            await sandbox.aclose()

    return asyncio.run(main())


def jobs(source: str, count: int, limits: Limits | None = None) -> list[Job]:
    return [Job(source, arguments={"n": n}, limits=limits or Limits()) for n in range(count)]


def test_problems_of_one_workflow_share_children() -> None:
    values: list[Any] = [result.value for result in run(jobs(ASKS, 100))]
    assert [value[0] for value in values] == list(range(100))
    assert len({value[1] for value in values}) < 20


def test_workflows_do_not_share_children() -> None:
    other = ASKS + "\n# another"
    values: list[Any] = [result.value for result in run(jobs(ASKS, 20) + jobs(other, 20))]
    assert {v[1] for v in values[:20]}.isdisjoint({v[1] for v in values[20:]})


def test_every_problem_gets_a_fresh_module_and_the_same_random_numbers() -> None:
    source = (
        "import random\nseen = []\n"
        "def solver(agent, n):\n    seen.append(n)\n    return [seen, random.random()]"
    )
    first: list[Any] = [result.value for result in run(jobs(source, 30))]
    assert [value[0] for value in first] == [[n] for n in range(30)]
    assert first == [result.value for result in run(jobs(source, 30)[::-1])][::-1]


def test_what_a_child_with_a_past_did_wrong_is_tried_alone() -> None:
    source = (
        "import os\ndef solver(agent, n):\n    os.served = getattr(os, 'served', 0) + 1\n"
        "    answer = agent.ask(n)\n"
        "    if os.served > 3:\n        while True: pass\n    return answer"
    )
    asked: list[Any] = []

    async def counting(method: str, arguments: Mapping[str, JSON]) -> JSON:
        asked.append(arguments["question"])
        return arguments["question"]

    results = run(jobs(source, 12, Limits(seconds=0.3, grace_seconds=0.2)), counting)
    assert [result.value for result in results] == list(range(12))
    assert sorted(asked) == list(range(12))  # the second try got the first one's answers


def test_a_workflow_that_always_fails_fails_everywhere() -> None:
    source = "def solver(agent, n):\n    while True: pass"
    results = run(jobs(source, 3, Limits(seconds=0.2, grace_seconds=0.2)))
    assert [result.ending for result in results] == [Ending.TIME] * 3


def test_errors_come_back_and_the_child_goes_on() -> None:
    source = "def solver(agent, n):\n    return 1 // (n % 2)"
    results = run(jobs(source, 40))
    assert [r.ending for r in results] == [Ending.RAISED, Ending.RETURNED] * 20


def test_slow_answers_are_waited_for_in_parallel() -> None:
    async def slow(method: str, arguments: Mapping[str, JSON]) -> JSON:
        await asyncio.sleep(0.5)
        return arguments["question"]

    started = time.monotonic()
    values: list[Any] = [result.value for result in run(jobs(ASKS, 60), slow)]
    assert [value[0] for value in values] == list(range(60))
    assert time.monotonic() - started < 12  # one after another: 15 on two children
