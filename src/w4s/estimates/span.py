"""A quantity that is not known exactly.

In: what is known of it. Out: a likely value between a low and a high one, outside of which it would
be a surprise (about one time in ten).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

_MOST = 700.0
"""Largest logarithm of which a float holds the number."""


@dataclass(frozen=True, slots=True)
class Span:
    """A range with the value in it that is expected."""

    low: float
    likely: float
    high: float

    @classmethod
    def exactly(cls, value: float) -> Span:
        return cls(value, value, value)

    @classmethod
    def about(cls, value: float, factor: float) -> Span:
        """A value that may be wrong by this factor, either way."""
        return cls(value / factor, value, value * factor)

    def __add__(self, other: Span) -> Span:
        """Of parts that go up and down together: ends are added to ends."""
        return Span(self.low + other.low, self.likely + other.likely, self.high + other.high)

    def __mul__(self, other: Span | float) -> Span:
        """Of factors that have nothing to do with each other, which seldom all err the same way:
        their relative errors add up as the sides of a right angle do."""
        if not isinstance(other, Span):
            return Span(self.low * other, self.likely * other, self.high * other)
        likely = self.likely * other.likely
        if likely == 0:
            return Span(0.0, 0.0, self.high * other.high)
        down = math.hypot(_log(self.low, self.likely), _log(other.low, other.likely))
        up = math.hypot(_log(self.high, self.likely), _log(other.high, other.likely))
        return Span(
            max(likely * math.exp(-down), self.low * other.low),
            likely,
            min(likely * math.exp(min(up, _MOST)), self.high * other.high),
        )

    @property
    def ordered(self) -> Span:
        """With the ends where they belong. Under a limit the part that is reached may be small
        where much would be needed, and the ends of a part change sides."""
        ends = (self.low, self.likely, self.high)
        return Span(min(ends), self.likely, max(ends))

    def holds(self, value: float) -> bool:
        """Whether a value is within the range."""
        return self.ordered.low <= value <= self.ordered.high


def total(spans: Iterable[Span]) -> Span:
    """Their sum; zero of none."""
    return sum(spans, Span.exactly(0.0))


def _log(value: float, likely: float) -> float:
    """How far apart they are, as a factor's logarithm; infinitely far from zero."""
    return abs(math.log(value / likely)) if value > 0 else math.inf
