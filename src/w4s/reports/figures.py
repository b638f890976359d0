"""Small figures as SVG text: accuracy against turns, accuracy against cost.

In: named numbers. Out: one self-contained `<svg>` element that needs no script and no font of its
own. Names come from users and are escaped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 640, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 170, 20, 50
_COLOURS = (
    *("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999933"),
    *("#882255", "#44aa99", "#332288", "#ddcc77", "#aa4499", "#117733", "#888888", "#661100"),
)
"""Told apart by most colour-blind readers (Okabe and Ito, then Tol)."""


@dataclass(frozen=True, slots=True)
class Line:
    """One named curve; x is 0, 1, 2, …"""

    name: str
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """One named point with an interval of y."""

    name: str
    x: float
    y: float
    low: float
    high: float


def line_chart(lines: Sequence[Line], *, x_label: str, y_label: str) -> str:
    """Curves over whole numbers; y is a share."""
    values = [value for line in lines for value in line.values]
    frame = _Frame(
        _Scale(0, max(1, *(len(line.values) - 1 for line in lines))), _share_scale(values)
    )
    marks = []
    for number, line in enumerate(lines):
        points = " ".join(f"{frame.x(i):.1f},{frame.y(v):.1f}" for i, v in enumerate(line.values))
        marks.append(
            f'<polyline points="{points}" fill="none" stroke="{_colour(number)}" stroke-width="2"/>'
        )
    return _drawn(frame, marks, [line.name for line in lines], x_label, y_label)


def scatter(points: Sequence[Point], *, x_label: str, y_label: str) -> str:
    """Points over a logarithmic x; y is a share, with its interval as a whisker."""
    positive = [p.x for p in points if p.x > 0]
    floor = min(positive, default=1.0) / 2
    logs = [math.log10(max(p.x, floor)) for p in points]
    frame = _Frame(
        _Scale(min(logs) - 0.15, max(logs) + 0.15, logarithmic=True),
        _share_scale([end for p in points for end in (p.low, p.high)]),
    )
    marks = []
    for number, (point, log) in enumerate(zip(points, logs, strict=True)):
        x, colour = frame.x(log), _colour(number)
        marks.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{frame.y(point.low):.1f}"'
            f' y2="{frame.y(point.high):.1f}" stroke="{colour}"/>'
            f'<circle cx="{x:.1f}" cy="{frame.y(point.y):.1f}" r="5" fill="{colour}"/>'
        )
    return _drawn(frame, marks, [p.name for p in points], x_label, y_label)


@dataclass(frozen=True, slots=True)
class _Scale:
    low: float
    high: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        return (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5

    def ticks(self) -> list[tuple[float, str]]:
        if self.logarithmic:
            exponents = range(math.ceil(self.low), math.floor(self.high) + 1)
            found = [(float(e), f"{10.0**e:g}") for e in exponents]
            return found or [(v, f"{10**v:.2g}") for v in (self.low, self.high)]
        step = max(1, round((self.high - self.low) / 5))
        return [(float(v), str(v)) for v in range(math.ceil(self.low), int(self.high) + 1, step)]


@dataclass(frozen=True, slots=True)
class _Frame:
    across: _Scale
    up: _Scale

    def x(self, value: float) -> float:
        return _LEFT + self.across.at(value) * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        return _HEIGHT - _BOTTOM - self.up.at(100 * value) * (_HEIGHT - _TOP - _BOTTOM)


def _share_scale(values: Sequence[float]) -> _Scale:
    """Percent, in whole tens around the values."""
    low = 10 * math.floor(10 * min(values, default=0.0))
    high = 10 * math.ceil(10 * max(values, default=1.0))
    return _Scale(max(0, low), min(100, high) if high > low else low + 10)


def _colour(number: int) -> str:
    return _COLOURS[number % len(_COLOURS)]


def _drawn(
    frame: _Frame, marks: Sequence[str], names: Sequence[str], x_label: str, y_label: str
) -> str:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
        f' width="{_WIDTH}" height="{_HEIGHT}" font-family="sans-serif" font-size="12" role="img">',
        f"<title>{escape(y_label)} against {escape(x_label)}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
    ]
    for value, text in frame.up.ticks():
        y = frame.y(value / 100)
        parts.append(
            f'<line x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dddddd"/>'
            f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{text} %</text>'
        )
    for value, text in frame.across.ticks():
        parts.append(
            f'<text x="{frame.x(value):.1f}" y="{bottom + 18}" text-anchor="middle">{text}</text>'
        )
    middle = (_LEFT + right) / 2
    parts += [
        f'<text x="{middle:.0f}" y="{_HEIGHT - 10}" text-anchor="middle">{escape(x_label)}</text>',
        f'<text x="14" y="{bottom / 2:.0f}" text-anchor="middle"'
        f' transform="rotate(-90 14 {bottom / 2:.0f})">{escape(y_label)}</text>',
        f'<path d="M{_LEFT} {_TOP}V{bottom}H{right}" fill="none" stroke="#000000"/>',
        *marks,
    ]
    for number, name in enumerate(names):
        y = _TOP + 10 + 18 * number
        parts.append(
            f'<rect x="{right + 14}" y="{y - 9}" width="10" height="10" fill="{_colour(number)}"/>'
            f'<text x="{right + 30}" y="{y}">{escape(name)}</text>'
        )
    return "\n".join([*parts, "</svg>"])
