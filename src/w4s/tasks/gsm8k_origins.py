"""Which GSM8K test problem a question derives from, and which set that problem belongs to.

GSM-Hard, GSM-Plus and MGSM rewrite test problems of GSM8K. In: a row number of GSM-Hard or the
text of a GSM8K question. Out: its number in GSM8K's test file, and the role it has in every one
of the four tasks, so that none of them trains on what another one tests. The roles are those
that W4S's published shuffle gives to the rows of GSM-Hard.
"""

from __future__ import annotations

import hashlib
import random
import re
from functools import cache
from importlib.resources import files

ROLES = {"private": 128, "test": 500, "public": 200, "training": 491}
"""Sizes of the published sets of GSM-Hard, in the order of the shuffle."""


def origin(index: int) -> str:
    """The name of a GSM8K test problem."""
    return f"gsm8k/test/{index}"


def of_gsm_hard(row: int, code: str) -> str:
    """The origin of a row of GSM-Hard.

    Nearly every row's program quotes the GSM8K question that it rewrites; where it does not, the
    place in upstream's file decides.
    """
    quoted = re.search(r'"{3}(.+?)"{3}', code, re.DOTALL)
    index = of_question(quoted[1]) if quoted else None
    return origin(_table()[row][0] if index is None else index)


def of_question(question: str) -> int | None:
    """The GSM8K test problem with this text; numbers, blanks and signs may differ."""
    return _by_digest().get(digest(question))


def digest(question: str) -> str:
    letters = re.sub(r"[\W\d]+", "", question.lower())
    return hashlib.sha256(letters.encode()).hexdigest()[:8]


@cache
def roles() -> dict[str, str]:
    """The role of every origin."""
    rows = list(range(len(_table())))
    random.Random(0).shuffle(rows)
    in_order = [role for role, size in ROLES.items() for _ in range(size)]
    table = _table()
    return {origin(table[row][0]): role for row, role in zip(rows, in_order, strict=True)}


@cache
def _table() -> tuple[tuple[int, str], ...]:
    text = files("w4s.tasks").joinpath("gsm8k_origins.txt").read_text(encoding="utf-8")
    lines = (line.split() for line in text.splitlines() if not line.startswith("#"))
    return tuple((int(index), mark) for index, mark in lines)


@cache
def _by_digest() -> dict[str, int]:
    return {mark: index for index, mark in _table()}
