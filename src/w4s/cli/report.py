"""`w4s report`: what came of a run. Reads the folder, writes nothing."""

from __future__ import annotations

import sys

from w4s.cli.output import output
from w4s.config import Format, ReportConfig
from w4s.reports.run import read_run
from w4s.reports.summary import summarise
from w4s.reports.tables import as_json, as_markdown, show


def report(config: ReportConfig) -> None:
    """Show the run in the format asked for."""
    summary = summarise(read_run(config.run))
    match config.format:
        case Format.TERMINAL:
            show(summary, output())
        case Format.MARKDOWN:
            sys.stdout.write(as_markdown(summary))
        case Format.JSON:
            sys.stdout.write(as_json(summary))
