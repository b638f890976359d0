"""Exported files as a user has them, and the same workflow inside to compare with."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from types import ModuleType

from w4s.answering import answer_of, unjudged
from w4s.executor import Executor
from w4s.exporting.file import Pins, exported
from w4s.models.answer_book import AnswerBook
from w4s.models.base import Purpose
from w4s.models.choices import AllChoices
from w4s.models.endpoint.http import HttpModel
from w4s.models.simulated import SimulatedExecutor
from w4s.runner import Runner
from w4s.sandbox import open_sandbox
from w4s.tasks.base import Task
from w4s.types import Problem, Workflow

_NUMBERS = itertools.count()


def pins(url: str, *, model: str = "simulated", seed: int = 0) -> Pins:
    return Pins(model, url, "OPENAI_API_KEY", seed, 50, 4096, 20.0)


def write(folder: Path, workflow: Workflow, url: str, seed: int = 0) -> Path:
    """The exported file of a workflow."""
    path = folder / f"solve_{next(_NUMBERS)}.py"
    path.write_text(exported(workflow, pins(url, seed=seed), "for a test"))
    return path


def load(path: Path) -> ModuleType:
    """The file as `import` gives it."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def sampler_of(*tasks: Task) -> SimulatedExecutor:
    """A simulated executor that knows the search problems of these tasks."""
    keys = [
        task.answer_keys(problem)
        for task in tasks
        for problem in (*task.search.private, *task.search.public)
    ]
    return SimulatedExecutor(AnswerBook([key for key in keys if key is not None]))


async def answers_inside(
    workflow: Workflow, problems: Sequence[Problem], url: str, seed: int = 0
) -> list[str]:
    """What the workflow answers in the sandbox, with the executor at `url`."""
    prelude = files("w4s").joinpath("agent.py").read_text("utf-8")
    sandbox = await open_sandbox(prelude=prelude)
    model = AllChoices(HttpModel("simulated", url, ""))
    runner = Runner(Executor(model, sandbox, seed), unjudged)
    try:
        return [answer_of(await runner.run(workflow, p, Purpose.USE)) for p in problems]
    finally:
        await model.aclose()
        await sandbox.aclose()
