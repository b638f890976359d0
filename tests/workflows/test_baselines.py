"""Every hand-made workflow answers in the real sandbox, and does what its name says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from importlib.resources import files

import pytest

from w4s.evaluation import Evaluator
from w4s.executor import Executor
from w4s.models.answer_book import AnswerBook
from w4s.models.base import Purpose
from w4s.models.sampler import InProcess
from w4s.models.simulated import SimulatedExecutor
from w4s.runner import Runner
from w4s.sandbox import open_sandbox
from w4s.tasks.base import Sizes
from w4s.tasks.registry import load_task
from w4s.types import Evaluation, Message, Status
from w4s.workflow import baselines, load_baseline
from world import problems, world

CALLS = {
    "direct": 1,
    "chain_of_thought": 1,
    "self_consistency": 1,
    "code_generation": 1,
    "step_back": 2,
    "dynamic_roles": 2,
    "quality_diversity": 5,
    "debate": 7,
}
"""Requests to the executor for one problem."""


async def measured(interface: str, task_name: str) -> list[Evaluation]:
    """Each baseline of an interface on two problems of a toy task."""
    task = load_task(task_name, sizes=Sizes(private=2, public=1, test=1))
    keys = [task.answer_keys(problem) for problem in task.search.private]
    book = AnswerBook([key for key in keys if key is not None])
    sandbox = await open_sandbox(prelude=files("w4s").joinpath("agent.py").read_text("utf-8"))
    try:
        executor = Executor(InProcess(SimulatedExecutor(book)), sandbox, seed=0)
        evaluator = Evaluator(Runner(executor, task.scorer))
        return [
            await evaluator.evaluate(workflow, task.search.private, Purpose.VALIDATE)
            for workflow in baselines(interface)
        ]
    finally:
        await sandbox.aclose()


@pytest.mark.parametrize(("interface", "task"), [("answer", "toy_ledger"), ("code", "toy_lists")])
def test_every_baseline_answers(interface: str, task: str) -> None:
    for evaluation in asyncio.run(measured(interface, task)):
        name = evaluation.workflow.name
        for outcome in evaluation.outcomes:
            assert outcome.status is Status.SCORED, (name, outcome.trouble)
        if name in CALLS:
            assert {o.usage.calls for o in evaluation.outcomes} == {CALLS[name]}, name


class Critic:
    """An executor that solves, criticises so many times, and is satisfied then."""

    def __init__(self, complaints: int) -> None:
        self.left = complaints
        self.asked: list[str] = []

    def __call__(self, messages: Sequence[Message], seed: int) -> str:
        self.asked.append(messages[-1].content)
        if "critic" in messages[0].content and "satisfied" in messages[0].content:
            self.left -= 1
            return json.dumps(
                {"criticism": "the sum is off", "satisfied": "no" if self.left >= 0 else "Yes."}
            )
        answer = str(sum("A critic says" in content for content in self.asked))
        return json.dumps({"reasoning": "so it is", "answer": answer})


@pytest.mark.parametrize(
    ("complaints", "answer", "calls"), [(0, "0", 2), (2, "2", 6), (99, "5", 11)]
)
def test_self_refine_ends_when_the_critic_is_satisfied_or_after_five_rounds(
    complaints: int, answer: str, calls: int
) -> None:
    async def run() -> None:
        async with world(Critic(complaints)) as w:
            [problem] = problems(1, 1)
            outcome = await w.runner.run(load_baseline("self_refine"), problem, Purpose.VALIDATE)
            assert outcome.answer == answer
            assert outcome.usage.calls == calls

    asyncio.run(run())


def test_self_consistency_takes_the_majority() -> None:
    def voters(messages: Sequence[Message], seed: int) -> str:
        return json.dumps({"reasoning": "", "answer": ["7", "2", "2", "9", "2"][seed % 5]})

    async def run() -> None:
        async with world(voters) as w:
            [problem] = problems(1, 1)
            workflow = load_baseline("self_consistency")
            outcome = await w.runner.run(workflow, problem, Purpose.VALIDATE)
            assert outcome.answer == "2"

    asyncio.run(run())


def test_debaters_read_one_another_and_the_judge_reads_all() -> None:
    asked: list[tuple[str, str]] = []

    def speak(messages: Sequence[Message], seed: int) -> str:
        asked.append((messages[0].content.split("\n")[0], messages[-1].content))
        return json.dumps({"reasoning": f"argument {len(asked)}", "answer": str(len(asked))})

    async def run() -> str:
        async with world(speak) as w:
            [problem] = problems(1, 1)
            return (await w.runner.run(load_baseline("debate"), problem, Purpose.VALIDATE)).answer

    assert asyncio.run(run()) == "7"
    assert len({role for role, _ in asked[:3]}) == 3
    assert "argument" not in asked[2][1]
    assert "argument 2" in asked[3][1]
    assert "argument 1" not in asked[3][1]
    assert all(f"argument {n}" in asked[6][1] for n in (4, 5, 6))
