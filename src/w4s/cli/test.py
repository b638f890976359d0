"""`w4s test`: workflows on the sealed test of a run, each once, and all results of the run."""

from __future__ import annotations

from functools import partial

from rich.console import Console

from w4s.cli.output import output
from w4s.cli.progress import Progress
from w4s.commands.sitting import run_sitting
from w4s.commands.testing import measure_sealed
from w4s.config import TestConfig
from w4s.reports.run import read_run
from w4s.reports.summary import summarise
from w4s.reports.tables import show


def test(config: TestConfig) -> None:
    """Test, and show all results of the run."""
    console = output()
    try:
        run_sitting(measure_sealed(config), partial(Progress, Console(stderr=True)))
    finally:
        show(summarise(read_run(config.run)), console)
