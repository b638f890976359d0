"""The rehearsal of a baseline asks what the baseline asks in the sandbox."""

from __future__ import annotations

import asyncio
from importlib.resources import files

import pytest

from w4s.commands.workbench import answer_book
from w4s.estimates.rehearsal import rehearse
from w4s.evaluation import Evaluator
from w4s.executor import Executor
from w4s.models.base import Purpose
from w4s.models.sampler import InProcess
from w4s.models.simulated import SimulatedExecutor
from w4s.runner import Runner
from w4s.sandbox import open_sandbox
from w4s.tasks.base import Sizes
from w4s.tasks.registry import load_task
from w4s.types import Usage
from w4s.workflow import baselines

PROBLEMS = 8
PRELUDE = files("w4s").joinpath("agent.py").read_text("utf-8")


def in_the_sandbox(task_name: str) -> dict[str, Usage]:
    """What each baseline uses up on the same problems, for real."""
    task = load_task(task_name, sizes=Sizes(private=PROBLEMS))
    problems = task.search.private

    async def story() -> dict[str, Usage]:
        sandbox = await open_sandbox(prelude=PRELUDE)
        try:
            model = InProcess(SimulatedExecutor(answer_book(task, problems)))
            evaluator = Evaluator(Runner(Executor(model, sandbox, 0), task.scorer))
            return {
                w.name: (await evaluator.evaluate(w, problems, Purpose.VALIDATE)).usage
                for w in baselines(task.interface)
            }
        finally:
            await sandbox.aclose()

    return asyncio.run(story())


@pytest.mark.parametrize("task_name", ["toy_ledger", "toy_strings"])
def test_calls_and_tokens_are_those_of_the_sandbox(task_name: str) -> None:
    task = load_task(task_name, sizes=Sizes(private=PROBLEMS))
    problems = task.search.private
    executor = SimulatedExecutor(answer_book(task, problems))
    for name, used in in_the_sandbox(task_name).items():
        rehearsed = rehearse(name, problems, task.interface, executor)
        assert rehearsed.solver_calls == PROBLEMS
        # Where the flow depends on the replies, these are other draws of the same model.
        assert 0.6 < rehearsed.calls / used.calls < 1.7, name
        assert 0.5 < rehearsed.prompt_tokens / used.prompt_tokens < 2, name
        assert 0.5 < rehearsed.completion_tokens / used.completion_tokens < 2, name
