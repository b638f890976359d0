"""What is shown of a training run, and how Ctrl-C ends it.

In: steps, one after another. Out: a bar in a terminal, some lines elsewhere. The first Ctrl-C lets
the step under way come to its end, the second stops at once.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from w4s.cli.output import say_when
from w4s.commands.stopping import SIGNALS

LINES = 20
"""About so many are written into a log."""

Show = Callable[[int, int, str], None]
"""Called with the number of a step, how many there are, and what is to be said of it."""


@contextmanager
def steps_shown(console: Console, title: str) -> Iterator[Show]:
    """Within: each step moves the bar, or writes a line where nobody watches."""
    if not console.is_terminal:
        yield lambda step, steps, text: _line(console, step, steps, text)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[text]}", markup=False),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=None, text="")
        yield lambda step, steps, text: bar.update(task, completed=step, total=steps, text=text)


@contextmanager
def stop_asked(say: Callable[[str], None]) -> Iterator[Callable[[], bool]]:
    """Within: the first signal is remembered, the second raises KeyboardInterrupt."""
    asked = False

    def on_signal(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        say("stopping: the step under way comes to its end; Ctrl-C again stops at once")

    before = {number: signal.signal(number, on_signal) for number in SIGNALS}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _line(console: Console, step: int, steps: int, text: str) -> None:
    every = max(1, steps // LINES)
    if step == 1 or step % every == 0 or step == steps:
        say_when(console, f"step {step} of {steps}: {text}")
