"""Measure: workflows on the validation problems of a task, without a search.

In: settings and workflows. Out: their evaluations, one after the other, so that a small budget
still says something. It works as a search does, with the same models, limits and cache, in a run
folder of its own, so that the same call goes on where a limit or Ctrl-C ended it. The test set
stays closed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from w4s.commands.workbench import (
    Workbench,
    answer_book,
    facts_of,
    open_models,
    open_workbench,
    task_of,
    weights_of,
)
from w4s.config import EvaluateConfig, SearchConfig, TasksConfig
from w4s.errors import W4sError
from w4s.models.base import Purpose
from w4s.reports.run import Role
from w4s.store import RunFolder
from w4s.tasks.base import Interface, Task
from w4s.tasks.confidential import keep_confidential, runs_folder
from w4s.tasks.headroom import WORKFLOWS
from w4s.types import Evaluation, Workflow
from w4s.workflow import load_baseline, named_workflow

ACCOUNT = "headroom_calls.sqlite"


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a sitting came to."""

    planned: int
    """Workflows to measure."""
    evaluations: tuple[Evaluation, ...]
    early: W4sError | None
    """What ended it before all were measured."""


async def measure_plain(config: TasksConfig, name: str) -> Measurement:
    """The plain workflows of a task's kind."""
    return await _measure(config, name, "headroom", None)


async def measure_one(config: EvaluateConfig) -> Evaluation:
    """One workflow; raises what kept it from being measured whole."""
    measured = await _measure(config, config.task, "evaluate", config.workflow)
    if measured.early is not None:
        raise measured.early
    return measured.evaluations[0]


async def _measure(
    config: TasksConfig | EvaluateConfig, name: str, purpose: str, workflow: str | None
) -> Measurement:
    settings = _settings(config, name)
    task = task_of(settings)
    if config.run is None:
        settings = settings.model_copy(update={"run": _own_folder(task, purpose)})
    keep_confidential(task, settings.run)
    workflows = _workflows(workflow, task.interface)
    private = task.search.private
    models = open_models(settings, config, (Role.EXECUTOR,), lambda: answer_book(task, private))
    with RunFolder(settings.run) as folder:
        async with open_workbench(
            settings,
            config,
            task,
            models,
            folder,
            facts=facts_of(task, (), weights_of(settings)),
            account=ACCOUNT,
            problems=len(task.search.private),
        ) as bench:
            return await _one_after_the_other(bench, workflows, purpose)


async def _one_after_the_other(
    bench: Workbench, workflows: Sequence[Workflow], purpose: str
) -> Measurement:
    """From cheap to dear."""
    private = bench.task.search.private
    bench.display.planned = len(workflows) * len(private)
    evaluations: list[Evaluation] = []
    for workflow in workflows:
        bench.display.begin(workflow.name)
        try:
            bench.stop.check()
            evaluations.append(await bench.evaluator.evaluate(workflow, private, Purpose.VALIDATE))
        except W4sError as error:
            return Measurement(len(workflows), tuple(evaluations), error)
        finally:
            bench.account.keep(f"{purpose} {workflow.name}")
    return Measurement(len(workflows), tuple(evaluations), None)


def _workflows(name: str | None, interface: Interface) -> list[Workflow]:
    if name is not None:
        return [named_workflow(name, interface)]
    return [load_baseline(name) for name in WORKFLOWS[interface]]


def _settings(config: TasksConfig | EvaluateConfig, name: str) -> SearchConfig:
    """As a search's, with what is left open here at a search's defaults."""
    shared = type(config).model_fields.keys() & SearchConfig.model_fields.keys()
    return SearchConfig.resolve(
        {field: getattr(config, field) for field in shared},
        {"task": name, "run": config.run or Path("runs")},
    )


def _own_folder(task: Task, purpose: str) -> Path:
    name = re.sub(r"[^\w.-]+", "-", task.name)
    return (runs_folder() if task.confidential else Path("runs")) / f"{purpose}-{name}"
