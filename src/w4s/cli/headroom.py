"""`w4s tasks NAME --headroom`: the plain workflows on the validation set, before a search.

In: the settings. Out: how each plain workflow did, with intervals, and whether that leaves room.
The same command goes on where a limit or Ctrl-C ended it. The test set stays closed.
"""

from __future__ import annotations

from functools import partial

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from w4s.cli.output import output, say
from w4s.cli.progress import Progress
from w4s.commands.measuring import measure_plain
from w4s.commands.sitting import run_sitting
from w4s.config import TasksConfig
from w4s.errors import BudgetExceeded, ConfigError
from w4s.reports.stats import wilson
from w4s.tasks.headroom import Measured, headroom
from w4s.types import Evaluation


def measure_headroom(config: TasksConfig) -> None:
    """Measure, print, and raise what ended it early unless the user had asked for that end."""
    if config.name is None:
        raise ConfigError("which task? w4s tasks NAME --headroom (w4s tasks lists them)")
    found = run_sitting(measure_plain(config, config.name), partial(Progress, Console(stderr=True)))
    console = output()
    if found.evaluations:
        console.print(_table(found.evaluations))
    if found.early is None:
        verdict = headroom([_measured(evaluation) for evaluation in found.evaluations])
        say(console, verdict.text)
        return
    if not isinstance(found.early, BudgetExceeded):
        raise found.early
    say(
        console,
        f"Ended at a limit: {found.early}. {len(found.evaluations)} of {found.planned} workflows"
        " are measured, so there is no verdict yet.",
    )


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
