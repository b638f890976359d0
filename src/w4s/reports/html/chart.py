"""Where everything stands in the chart of accuracies.

In: Stories and a size. Out: a Chart: points, whiskers and lines in the units of the picture, which
the template draws. A run has a column for the examples, one for each turn, and one for the sealed
test where it was opened; several runs share one picture, a line of the best so far for each.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from w4s.reports.candidates import Candidate, Standing
from w4s.reports.story import Story
from w4s.reports.summary import Accuracy, SealedResult
from w4s.reports.tables import accuracy_text


@dataclass(frozen=True, slots=True)
class Size:
    """Of a picture. The narrow one is for phones: text keeps its size, room gives way."""

    name: str
    width: int
    height: int
    left: int = 46
    right: int = 14
    top: int = 14
    bottom: int = 44


WIDE = Size("wide", 960, 400)
NARROW = Size("narrow", 360, 330, left=44, right=6)


@dataclass(frozen=True, slots=True)
class Tick:
    """One mark of an axis."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Dot:
    """One measured workflow."""

    x: float
    y: float
    low: float
    high: float
    """Ends of the whisker."""
    kind: str
    """A Standing, or `found` and `tested` on the sealed test."""
    label: str
    target: str
    """Id of the candidate to go to; empty where there is none."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line through the picture."""

    name: str
    points: str
    """As SVG writes them."""


@dataclass(frozen=True, slots=True)
class Chart:
    """All that is drawn."""

    size: Size
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    dots: tuple[Dot, ...]
    lines: tuple[Line, ...]
    sealed_at: float | None
    """Where the column of the sealed test begins."""

    @property
    def floor(self) -> int:
        return self.size.height - self.size.bottom

    @property
    def edge(self) -> int:
        return self.size.width - self.size.right


def accuracy_chart(story: Story, size: Size) -> Chart:
    """All candidates of one run with their intervals, and the best so far."""
    measured = [c for c in story.candidates if c.accuracy is not None]
    tests = story.summary.tests
    turns = max((turn.turn for turn in story.summary.turns), default=0)
    intervals = [c.accuracy.interval for c in measured if c.accuracy]
    intervals += [test.accuracy.interval for test in tests]
    ends = _ends([i.low for i in intervals], [i.high for i in intervals])
    frame = _Frame(size, turns + 1 + bool(tests), ends)
    dots = [
        dot
        for turn in range(turns + 1)
        for dot in _dots(frame, turn, [c for c in measured if c.turn == turn])
    ]
    return Chart(
        size,
        tuple(_columns(frame, turns, sealed=bool(tests))),
        tuple(frame.ticks()),
        (*dots, *_sealed_dots(frame, turns + 1, tests)),
        tuple(_best_so_far(frame, story)),
        frame.x(turns + 0.5) if tests else None,
    )


def best_chart(stories: Sequence[Story], size: Size) -> Chart:
    """The best so far of several runs."""
    turns = max((len(story.summary.turns) for story in stories), default=0)
    levels = [level for story in stories for level in _levels(story)]
    frame = _Frame(size, turns + 1, _ends(levels, levels))
    lines = tuple(line for story in stories for line in _best_so_far(frame, story))
    across = tuple(_columns(frame, turns, sealed=False))
    return Chart(size, across, tuple(frame.ticks()), (), lines, None)


@dataclass(frozen=True, slots=True)
class _Frame:
    """Turns and accuracies to places."""

    size: Size
    columns: int
    ends: tuple[int, int]
    """Lowest and highest accuracy, in percent."""

    @property
    def column(self) -> float:
        return (self.size.width - self.size.left - self.size.right) / self.columns

    def x(self, turn: float) -> float:
        return round(self.size.left + (turn + 0.5) * self.column, 1)

    def y(self, share: float) -> float:
        low, high = self.ends
        height = self.size.height - self.size.top - self.size.bottom
        part = (100 * share - low) / (high - low)
        return round(self.size.height - self.size.bottom - part * height, 1)

    def ticks(self) -> Iterable[Tick]:
        low, high = self.ends
        step = 10 if high - low <= 60 else 20
        for value in range(low, high + 1, step):
            yield Tick(self.y(value / 100), f"{value} %")


def _ends(lows: Sequence[float], highs: Sequence[float]) -> tuple[int, int]:
    """Whole tens, in percent, around all of them."""
    low = 10 * math.floor(10 * min(lows, default=0.0))
    high = 10 * math.ceil(10 * max(highs, default=1.0))
    if high - low > 60:  # ticks of 20 then
        low, high = 20 * (low // 20), 20 * -(-high // 20)
    return max(0, low), max(min(100, high), low + 10)


def _columns(frame: _Frame, turns: int, *, sealed: bool) -> Iterable[Tick]:
    """Names under the columns, as many as find room."""
    every = max(1, math.ceil(26 / frame.column))
    narrow = frame.column < 70
    yield Tick(frame.x(0), "start" if narrow else "examples")
    for turn in range(1, turns + 1):
        if turn % every == 0 or turn == turns:
            yield Tick(frame.x(turn), str(turn) if narrow else f"turn {turn}")
    if sealed:
        yield Tick(frame.x(turns + 1), "test" if narrow else "sealed test")


def _dots(frame: _Frame, turn: int, candidates: Sequence[Candidate]) -> Iterable[Dot]:
    """Side by side in their column; those that advanced last, so that they lie on top."""
    places = dict(
        zip((c.id for c in candidates), _places(frame, turn, len(candidates)), strict=True)
    )
    for candidate in sorted(candidates, key=lambda c: c.standing is Standing.ADVANCED):
        assert candidate.accuracy is not None
        label = f"{candidate.name}: {accuracy_text(candidate.accuracy)}, {candidate.standing}"
        if candidate.reward is not None:
            label += f", reward {candidate.reward:g}"
        x, kind = places[candidate.id], candidate.standing.value
        yield _dot(frame, x, candidate.accuracy, kind, label, candidate.id)


def _sealed_dots(frame: _Frame, column: int, tests: Sequence[SealedResult]) -> Iterable[Dot]:
    for x, test in zip(_places(frame, column, len(tests)), tests, strict=True):
        label = f"{test.name}: {accuracy_text(test.accuracy)} on the sealed test"
        kind = "found" if test.origin == "found" else "tested"
        yield _dot(frame, x, test.accuracy, kind, label, "")


def _dot(frame: _Frame, x: float, accuracy: Accuracy, kind: str, label: str, target: str) -> Dot:
    low, high = frame.y(accuracy.interval.low), frame.y(accuracy.interval.high)
    return Dot(x, frame.y(accuracy.value), low, high, kind, label, target)


def _places(frame: _Frame, column: int, count: int) -> list[float]:
    """Spread evenly around the middle of a column."""
    step = min(18.0, 0.78 * frame.column / max(1, count))
    first = frame.x(column) - step * (count - 1) / 2
    return [round(first + step * i, 1) for i in range(count)]


def _levels(story: Story) -> list[float]:
    """The best after the examples and after each turn; nothing before they are measured."""
    examples = [entry.accuracy.value for entry in story.summary.examples]
    return [max(examples), *(turn.best for turn in story.summary.turns)] if examples else []


def _best_so_far(frame: _Frame, story: Story) -> Iterable[Line]:
    """A staircase of the levels."""
    half = frame.column / 2
    points = [
        f"{x:.1f},{frame.y(level)}"
        for turn, level in enumerate(_levels(story))
        for x in (frame.x(turn) - half, frame.x(turn) + half)
    ]
    yield Line(story.summary.folder, " ".join(points))
