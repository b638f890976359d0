"""Code and diffs, pleasant to read.

In: text that nobody vouches for. Out: Python with its colours, escaped; the lines of a diff, which
the templates escape.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from w4s.reports.plain import visible


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line of a unified diff."""

    kind: str
    """`add`, `cut`, `where` or `same`."""
    text: str


def coloured(code: str) -> Markup:
    """Python with its colours, as spans with the class names of Pygments."""
    formatter: HtmlFormatter[str] = HtmlFormatter(nowrap=True)
    return Markup(highlight(visible(code), PythonLexer(stripnl=False), formatter))


def diff_lines(diff: str) -> Iterator[DiffLine]:
    """The lines under the two that name the files."""
    for line in visible(diff).split("\n")[2:]:
        match line[:1]:
            case "+":
                yield DiffLine("add", line)
            case "-":
                yield DiffLine("cut", line)
            case "@":
                yield DiffLine("where", line)
            case _:
                yield DiffLine("same", line)
