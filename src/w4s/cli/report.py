"""`w4s report`: what came of one run, or of several. Reads the folders, and writes one file."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from w4s.cli.output import output, say
from w4s.config import Format, ReportConfig
from w4s.errors import ConfigError
from w4s.reports.html.page import html_page
from w4s.reports.run import Run, read_run
from w4s.reports.story import tell
from w4s.reports.story_text import side_by_side, stories_json, stories_markdown
from w4s.reports.tables import rich_table, show
from w4s.store import is_held, write_whole
from w4s.tasks.confidential import keep_in_cache
from w4s.tasks.registry import BENCHMARKS


def report(config: ReportConfig) -> None:
    """Show the runs in the format asked for, or write the file asked for."""
    # Whether a process works on a run is asked first, so that nothing it wrote last is missed.
    stories = [
        tell(run, working=held) for held, run in [(is_held(r), read_run(r)) for r in config.runs]
    ]
    if config.html is not None:
        _check_target(config.html, [read_run(path) for path in config.runs])
        write_whole(config.html, html_page(stories, written_at=datetime.now(UTC)))
        say(output(), f"The report: {config.html}")
        return
    match config.format:
        case Format.TERMINAL:
            console = output()
            if len(stories) > 1:
                console.print(rich_table(side_by_side(stories)))
            for story in stories:
                show(story.summary, console)
        case Format.MARKDOWN:
            sys.stdout.write(stories_markdown(stories))
        case Format.JSON:
            sys.stdout.write(stories_json(stories))


def _check_target(file: Path, runs: Sequence[Run]) -> None:
    """ConfigError where the file cannot lie: a report quotes problems, as a run folder does."""
    if file.is_dir() or not file.parent.is_dir():
        raise ConfigError(f"cannot write {file}: give --html a file in a folder that exists")
    for run in runs:
        benchmark = BENCHMARKS.get(run.config.task)
        if benchmark is not None and benchmark.about.confidential:
            keep_in_cache(run.config.task, file, "--html")
