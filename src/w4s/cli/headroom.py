"""`w4s tasks NAME --headroom`: the plain workflows on the validation set, before a search.

In: the settings. Out: how each plain workflow did, with intervals, and whether that leaves room.
It works as a search does, with the same models, limits and cache in a run folder of its own, so
that the same command goes on where a limit or Ctrl-C ended it. The test set stays closed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from w4s.cli.output import output
from w4s.cli.stopping import run_stoppable
from w4s.cli.workbench import (
    Workbench,
    answer_book,
    facts_of,
    open_models,
    open_workbench,
    task_of,
)
from w4s.config import SearchConfig, TasksConfig
from w4s.errors import BudgetExceeded, ConfigError, W4sError
from w4s.models.base import Purpose
from w4s.reports.run import Role
from w4s.reports.stats import wilson
from w4s.store import RunFolder
from w4s.tasks.base import Task
from w4s.tasks.confidential import keep_confidential, runs_folder
from w4s.tasks.headroom import WORKFLOWS, Measured, headroom
from w4s.types import Evaluation, Workflow
from w4s.workflow import load_baseline

ACCOUNT = "headroom_calls.sqlite"


@dataclass(frozen=True, slots=True)
class Found:
    """What a sitting came to."""

    planned: int
    """Workflows to measure."""
    evaluations: tuple[Evaluation, ...]
    early: W4sError | None
    """What ended it before all were measured."""


def measure_headroom(config: TasksConfig) -> None:
    """Measure, print, and raise what ended it early unless the user had asked for that end."""
    found = run_stoppable(_run(config, Console(stderr=True)))
    console = output()
    if found.evaluations:
        console.print(_table(found.evaluations))
    if found.early is None:
        verdict = headroom([_measured(evaluation) for evaluation in found.evaluations])
        console.print(verdict.text, markup=False, highlight=False)
        return
    if not isinstance(found.early, BudgetExceeded):
        raise found.early
    console.print(
        f"Ended at a limit: {found.early}. {len(found.evaluations)} of {found.planned} workflows"
        " are measured, so there is no verdict yet.",
        markup=False,
        highlight=False,
    )


async def _run(config: TasksConfig, console: Console) -> Found:
    if config.name is None:
        raise ConfigError("which task? w4s tasks NAME --headroom (w4s tasks lists them)")
    settings = _settings(config, config.name)
    task = task_of(settings)
    if config.run is None:
        settings = settings.model_copy(update={"run": _own_folder(task)})
    keep_confidential(task, settings.run)
    models = open_models(settings, config, (Role.EXECUTOR,), answer_book(task, task.search.private))
    workflows = [load_baseline(name) for name in WORKFLOWS[task.interface]]
    with RunFolder(settings.run) as folder:
        folder.settle(settings, facts_of(task, workflows))
        async with open_workbench(
            settings,
            config,
            task,
            models,
            folder,
            console,
            account=ACCOUNT,
            problems=len(task.search.private),
        ) as bench:
            return await _measure(bench, workflows)


async def _measure(bench: Workbench, workflows: list[Workflow]) -> Found:
    """One after the other, from cheap to dear: a small budget then still says something."""
    private = bench.task.search.private
    bench.progress.planned = len(workflows) * len(private)
    evaluations: list[Evaluation] = []
    for workflow in workflows:
        bench.progress.begin(workflow.name)
        try:
            bench.stop.check()
            evaluations.append(await bench.evaluator.evaluate(workflow, private, Purpose.VALIDATE))
        except W4sError as error:
            return Found(len(workflows), tuple(evaluations), error)
        finally:
            bench.account.keep(f"headroom {workflow.name}")
    return Found(len(workflows), tuple(evaluations), None)


def _settings(config: TasksConfig, name: str) -> SearchConfig:
    """As a search's, with what this command leaves open at a search's defaults."""
    shared = TasksConfig.model_fields.keys() & SearchConfig.model_fields.keys()
    return SearchConfig.resolve(
        {field: getattr(config, field) for field in shared},
        {"task": name, "run": config.run or Path("runs")},
    )


def _own_folder(task: Task) -> Path:
    name = re.sub(r"[^\w.-]+", "-", task.name)
    return (runs_folder() if task.confidential else Path("runs")) / f"headroom-{name}"


def _measured(evaluation: Evaluation) -> Measured:
    scored = evaluation.scored
    interval = wilson(sum(outcome.value for outcome in scored), len(scored))
    return Measured(
        evaluation.workflow.name, evaluation.accuracy, interval.low, interval.high, len(scored)
    )


def _table(evaluations: tuple[Evaluation, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("workflow", no_wrap=True)
    for heading in ("accuracy", "95 % interval", "problems", "requests each"):
        table.add_column(heading, justify="right")
    for evaluation in evaluations:
        measured, usage = _measured(evaluation), evaluation.usage
        calls = (usage.calls + usage.cached) / len(evaluation.outcomes)
        table.add_row(
            Text(measured.workflow),
            f"{measured.accuracy:.1%}",
            f"{measured.low:.1%} to {measured.high:.1%}",
            str(measured.problems),
            f"{calls:.1f}",
        )
    return table
