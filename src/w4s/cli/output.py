"""Where results are printed: the terminal in its width, a file or pipe in enough for any table."""

from __future__ import annotations

import sys

from rich.console import Console

WIDTH_OF_A_FILE = 200


def output() -> Console:
    """Standard output."""
    return Console(width=None if sys.stdout.isatty() else WIDTH_OF_A_FILE)
