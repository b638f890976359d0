"""`w4s collect`: episodes on training problems, shown as they come."""

from __future__ import annotations

import shlex
from functools import partial
from statistics import fmean

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from w4s.cli.output import output, say
from w4s.cli.progress import Progress
from w4s.commands.collecting import Collection, collect_in_folder
from w4s.commands.sitting import run_sitting
from w4s.config import CollectConfig
from w4s.errors import BudgetExceeded
from w4s.reports.tables import estimate_sheet, rich_table
from w4s.types import Turn


def collect(config: CollectConfig) -> None:
    """Collect, show what came of it, and say how to go on."""
    gathered = run_sitting(collect_in_folder(config), partial(Progress, Console(stderr=True)))
    collection, console = gathered.collection, output()
    console.print(_table(collection))
    if collection.foreseen:
        console.print(rich_table(estimate_sheet(collection.foreseen)))
    if isinstance(gathered.early, BudgetExceeded):
        # The user asked for this end, so it is none of those that exit with an error.
        say(console, f"Ended at a limit: {gathered.early}")
    elif gathered.early is not None:
        raise gathered.early
    say(console, f"Learn from it: w4s dataset {shlex.quote(str(collection.path))} --out FOLDER")


def _table(collection: Collection) -> Table:
    table = Table(
        title=f"{collection.path}: {_count(len(collection.episodes), collection.planned)}",
        title_justify="left",
        box=box.SIMPLE_HEAD,
    )
    table.add_column("task", no_wrap=True)
    for heading in ("episodes", "actions", "dropped", "at the start", "actions' mean", "reward"):
        table.add_column(heading, justify="right")
    for task in collection.config.tasks:
        played = [c.trajectory.turns for c in collection.episodes if c.trajectory.task == task]
        table.add_row(Text(task), str(len(played)), *_row([t for turns in played for t in turns]))
    return table


def _count(made: int, planned: int) -> str:
    if made > planned:
        return f"{made} episodes, more than the {planned} asked for"
    return f"{made} of {planned} episodes"


def _row(turns: list[Turn]) -> tuple[str, ...]:
    attempts = [attempt for turn in turns for attempt in turn.attempts]
    dropped = str(sum(len(turn.dropped) for turn in turns))
    if not attempts:
        return ("0", dropped, "", "", "")
    return (
        str(len(attempts)),
        dropped,
        f"{fmean(t.state.best_at_start for t in turns if not t.state.turn):.1%}",
        f"{fmean(a.evaluation.accuracy for a in attempts):.1%}",
        f"{fmean(a.reward for a in attempts):.2f}",
    )
