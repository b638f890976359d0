"""Where everything stands in the picture of the lineage.

In: a Story. Out: a Tree: boxes and the lines between them, which the template draws. A column for
the examples and one for each turn; a line runs from each workflow to those made from it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from w4s.reports.candidates import Candidate
from w4s.reports.story import Story

_WIDTH, _HEIGHT = 124, 40
_ACROSS, _DOWN = 52, 14
_TOP = 26
"""Room for the names of the columns."""


@dataclass(frozen=True, slots=True)
class Box:
    """One candidate."""

    x: int
    y: int
    candidate: Candidate
    on_path: bool
    """It, or what was made from it, led to the best workflow."""


@dataclass(frozen=True, slots=True)
class Link:
    """A line from a parent to a child."""

    path: str
    """As SVG writes it."""
    on_path: bool


@dataclass(frozen=True, slots=True)
class Tree:
    """All that is drawn."""

    width: int
    height: int
    box_width: int
    box_height: int
    columns: tuple[tuple[int, str], ...]
    """Middle and name."""
    boxes: tuple[Box, ...]
    links: tuple[Link, ...]


def lineage(story: Story) -> Tree:
    """The picture of one run."""
    rows: Counter[int] = Counter()
    path = _path_to_best(story)
    boxes: dict[str, Box] = {}
    for candidate in story.candidates:
        x = 1 + candidate.turn * (_WIDTH + _ACROSS)
        y = _TOP + rows[candidate.turn] * (_HEIGHT + _DOWN)
        rows[candidate.turn] += 1
        boxes[candidate.id] = Box(x, y, candidate, candidate.id in path)
    links = [
        Link(_curve(boxes[box.candidate.parent], box), box.on_path)
        for box in boxes.values()
        if box.candidate.parent
    ]
    columns = [
        (1 + turn * (_WIDTH + _ACROSS) + _WIDTH // 2, f"turn {turn}" if turn else "examples")
        for turn in sorted(rows)
    ]
    return Tree(
        width=2 + len(rows) * _WIDTH + max(0, len(rows) - 1) * _ACROSS,
        height=_TOP + max(rows.values(), default=0) * (_HEIGHT + _DOWN),
        box_width=_WIDTH,
        box_height=_HEIGHT,
        columns=tuple(columns),
        boxes=tuple(boxes.values()),
        links=tuple(sorted(links, key=lambda link: link.on_path)),
    )


def _path_to_best(story: Story) -> frozenset[str]:
    """The best workflow and all it was made from, one after another."""
    known = story.by_id
    at = story.best.id if story.best else ""
    path: set[str] = set()
    while at and at not in path:
        path.add(at)
        at = known[at].parent
    return frozenset(path)


def _curve(parent: Box, child: Box) -> str:
    x1, y1 = parent.x + _WIDTH, parent.y + _HEIGHT // 2
    x2, y2 = child.x, child.y + _HEIGHT // 2
    middle = (x1 + x2) // 2
    return f"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}"
