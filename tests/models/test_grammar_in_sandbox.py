"""Programs of the grammar, run as a search runs them: sandboxed, on toy tasks."""

from __future__ import annotations

import asyncio
import random
from importlib.resources import files

import pytest

from w4s.executor import Executor
from w4s.models.answer_book import AnswerBook
from w4s.models.base import Purpose
from w4s.models.grammar import sample_program
from w4s.models.sampler import InProcess
from w4s.models.simulated import SimulatedExecutor
from w4s.runner import Runner
from w4s.sandbox import open_sandbox
from w4s.tasks.base import Sizes
from w4s.tasks.registry import load_task
from w4s.types import Outcome, Status, Workflow


async def outcomes(task_name: str, programs: int) -> list[tuple[str, Outcome]]:
    """Fresh programs, each on two problems."""
    task = load_task(task_name, sizes=Sizes(private=2, public=2, test=2))
    keys = [task.answer_keys(problem) for problem in task.search.private]
    book = AnswerBook([key for key in keys if key is not None])
    sandbox = await open_sandbox(prelude=files("w4s").joinpath("agent.py").read_text("utf-8"))
    try:
        executor = Executor(InProcess(SimulatedExecutor(book)), sandbox, seed=0)
        runner = Runner(executor, task.scorer)
        rng = random.Random(8)
        found = []
        for _ in range(programs):
            code = sample_program(rng, task.interface).code
            for problem in task.search.private:
                run = runner.run(Workflow(code), problem, Purpose.VALIDATE)
                found.append((code, await run))
        return found
    finally:
        await sandbox.aclose()


@pytest.mark.long
@pytest.mark.parametrize("task_name", ["toy_ledger", "toy_passage", "toy_choice", "toy_strings"])
def test_every_program_answers_within_its_limits(task_name: str) -> None:
    found = asyncio.run(outcomes(task_name, 60))
    failed = [(code, o.trouble) for code, o in found if o.status is not Status.SCORED]
    assert not failed, f"{len(failed)} of {len(found)}: {failed[0][1]}\n{failed[0][0]}"
    assert any(outcome.value == 1 for _, outcome in found)
    assert any(outcome.value == 0 for _, outcome in found)
