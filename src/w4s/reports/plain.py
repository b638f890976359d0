"""Text of models and programs, made plain: nothing in it hides, reorders or controls.

In: text that nobody vouches for. Out: the same text, its odd characters written out by their
numbers, capped in length. Whoever lays it out still escapes it for the format at hand.
"""

from __future__ import annotations

import re

MOST = 60_000
"""Characters of one text that are shown, so a page stays small enough to open."""

_ODD = re.compile(
    # Control characters, and those that are not seen but reorder, join or hide what is.
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)


def visible(text: str, most: int = MOST) -> str:
    """`text` with its odd characters written out, capped in length."""
    left_out = len(text) - most
    shown = text[:most].replace("\r\n", "\n")
    plain = _ODD.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", shown)
    return f"{plain}\n[… {left_out:,} more characters]" if left_out > 0 else plain
