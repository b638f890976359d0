"""Text of models and programs: safe to show, pleasant to read.

In: text that nobody vouches for. Out: text without characters that hide or reorder others, capped
in length; code with its colours; the lines of a diff. The templates escape whatever is not Markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

MOST = 60_000
"""Characters of one text that are shown; so a page stays small enough to open."""

_ODD = re.compile(
    # Control characters, and those that are not seen but reorder, join or hide what is.
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line of a unified diff."""

    kind: str
    """`add`, `cut`, `where` or `same`."""
    text: str


def visible(text: str, most: int = MOST) -> str:
    """`text` with its odd characters written out, capped in length."""
    left_out = len(text) - most
    shown = text[:most].replace("\r\n", "\n")
    plain = _ODD.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", shown)
    return f"{plain}\n[… {left_out:,} more characters]" if left_out > 0 else plain


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
