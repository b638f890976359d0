"""Where results are printed: the terminal in its width, a file or pipe in enough for any table."""

from __future__ import annotations

import sys
import time

from rich.console import Console
from rich.text import Text

WIDTH_OF_A_FILE = 200


def output() -> Console:
    """Standard output."""
    return Console(width=None if sys.stdout.isatty() else WIDTH_OF_A_FILE)


def say(console: Console, text: str, style: str = "") -> None:
    """One line as it stands: nothing in it is markup, and it is not broken, so that a path or a
    command in it can be copied and a script finds a sentence whole."""
    console.print(Text(text, style=style), soft_wrap=True)


def say_when(console: Console, text: str) -> None:
    """One line with the time of day before it."""
    say(console, f"{time.strftime('%H:%M:%S')}  {text}")
