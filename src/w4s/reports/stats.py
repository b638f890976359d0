"""How sure an accuracy is. Pure functions; nothing is read or written.

In: scores of problems. Out: an interval. The problems are taken as a sample of all problems of
the task; that the model's own answers vary is part of the same spread.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval of a share, both ends within 0 and 1."""

    low: float
    high: float

    @property
    def half_width(self) -> float:
        return (self.high - self.low) / 2


def wilson(successes: float, count: int, confidence: float = 0.95) -> Interval:
    """Wilson's score interval of a share, without continuity correction.

    Keeps its coverage for few problems and for shares near 0 and 1, where the textbook interval
    does not. `successes` may be a sum of partial scores between 0 and 1 (token F1, say): the
    spread of such scores is never above that of right-or-wrong ones with the same mean, so the
    interval is then wider than need be, not too narrow. Without problems: 0 to 1.
    """
    if not 0 <= successes <= count:
        raise ValueError(f"{successes} successes in {count} trials")
    if count == 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = successes / count
    weight = 1 + z * z / count
    centre = (share + z * z / (2 * count)) / weight
    reach = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / weight
    return Interval(max(0.0, centre - reach), min(1.0, centre + reach))
