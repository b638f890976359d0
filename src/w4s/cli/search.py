"""`w4s search`: from a task to the best workflow found, shown as it goes."""

from __future__ import annotations

from functools import partial

from rich.console import Console

from w4s.cli.output import output, say
from w4s.cli.progress import Progress
from w4s.commands.searching import search_in_folder
from w4s.commands.sitting import run_sitting
from w4s.config import SearchConfig
from w4s.errors import BudgetExceeded
from w4s.reports.tables import show


def search(config: SearchConfig) -> None:
    """Search, show what came of it, and say how to go on."""
    found = run_sitting(search_in_folder(config), partial(Progress, Console(stderr=True)))
    console = output()
    show(found.summary, console)
    if isinstance(found.early, BudgetExceeded):
        # The user asked for this end, so it is none of those that exit with an error.
        say(console, f"Ended at a limit: {found.early}")
    elif found.early is not None:
        raise found.early
