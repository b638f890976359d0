"""`w4s watch`: look on while a run goes on in another process.

In: a run folder. Out: a board in the terminal that follows the files of the run, or a log where
there is no terminal. Nothing is written, and the run never notices. It ends when the run does.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.live import Live

from w4s.cli.output import output, say_when
from w4s.config import WatchConfig
from w4s.models.metering.ledger import Totals, look_up
from w4s.reports.board import Now, board, standing_text
from w4s.reports.run import (
    BEGIN,
    FINAL,
    SEARCH_ACCOUNT,
    SPENT,
    TEST_ACCOUNT,
    TESTS,
    TURNS,
    read_run,
)
from w4s.reports.story import Going, Story, tell
from w4s.reports.tables import accuracy_text
from w4s.store import CONFIG, LOCK, is_held


def watch(config: WatchConfig) -> None:
    """Follow the run to its end, or show it once."""
    view = View(config.run)
    console = output()
    story, now = view.look()
    if config.once:
        console.print(board(story, now, console.width))
        return
    try:
        if console.is_terminal:
            _follow(view, console, config.every)
        else:
            _log(view, console, config.every)
    except KeyboardInterrupt:
        console.print("Watching ended; the run is left alone.")


@dataclass(slots=True)
class View:
    """A run folder, read again when it has changed."""

    path: Path
    _stamp: tuple[object, ...] = ()
    _story: Story | None = field(default=None)

    def look(self) -> tuple[Story, Now]:
        """How it stands. Once the story says that nobody works on the run, nothing will follow."""
        held = is_held(self.path)  # asked first, so that the last words of a run are not missed
        stamp = (held, *(_changed(self.path / name) for name in _FILES))
        if self._story is None or stamp != self._stamp:
            self._stamp, self._story = stamp, tell(read_run(self.path), working=held)
        return self._story, Now(self._seconds(), self._totals())

    def _seconds(self) -> float:
        """Since the last stretch ended, or else since the run was begun."""
        marks = [(self.path / name).stat() for name in _MARKS if (self.path / name).exists()]
        return max(0.0, time.time() - max((m.st_mtime for m in marks), default=time.time()))

    def _totals(self) -> Totals:
        finished = self._story is not None and self._story.summary.finished
        book = self.path / (TEST_ACCOUNT if finished else SEARCH_ACCOUNT)
        return sum(look_up(book).values(), Totals())


_FILES = (CONFIG, BEGIN, TURNS, TESTS, SPENT, FINAL)
_MARKS = (LOCK, BEGIN, TURNS, TESTS)
"""Files that are written when something ends or begins."""


def _follow(view: View, console: Console, every: float) -> None:
    story, now = view.look()
    with Live(board(story, now, console.width), console=console, auto_refresh=False) as live:
        while story.going is Going.RUNNING:
            time.sleep(every)
            story, now = view.look()
            live.update(board(story, now, console.width), refresh=True)


def _log(view: View, console: Console, every: float) -> None:
    """A line for each turn, and the board at the end."""
    told = 0
    while True:
        story, now = view.look()
        for turn in story.summary.turns[told:]:
            chosen = accuracy_text(turn.chosen.accuracy) if turn.chosen else "nothing ran"
            say_when(
                console,
                f"turn {turn.turn} of {story.summary.turns_planned}: {chosen};"
                f" best so far {turn.best:.1%}",
            )
        told = len(story.summary.turns)
        if story.going is not Going.RUNNING:
            break
        time.sleep(every)
    say_when(console, standing_text(story, now))
    console.print(board(story, now, console.width))


def _changed(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_size
