"""Mixtures: tasks whose problems come from three families at a time.

In: families with whole numbers as answers. Out: one family that takes three of them per draw.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from w4s.tasks.toy.arithmetic import LEDGER, RATES
from w4s.tasks.toy.draws import Answer, Draft, Draw, Family
from w4s.tasks.toy.expressions import GRIDS, REMAINDERS
from w4s.tasks.toy.households import RECIPES, TILING, TRAINS
from w4s.tasks.toy.numbers import COUNTING, PRIMES
from w4s.tasks.toy.papers import DIARY, MINUTES
from w4s.tasks.toy.places import LOCKERS
from w4s.tasks.toy.puzzles import ROBOT
from w4s.tasks.toy.reading import REPORT, TALLY


def _mixture_of(name: str, families: Sequence[Family], opening: str) -> Family:
    def parts(draw: Draw) -> list[Family]:
        return random.Random(f"parts of {name} {draw.index}").sample(families, 3)

    def make(rng: random.Random, draw: Draw) -> Draft:
        return rng.choice(parts(draw)).make(rng, draw)

    def describe(draw: Draw) -> str:
        return " ".join([opening, *(family.describe(draw) for family in parts(draw))])

    return Family(name, "mixture", Answer.NUMBER, describe, make)


MIXTURE = _mixture_of(
    "mixture",
    (LEDGER, RATES, PRIMES, COUNTING, ROBOT, TALLY, REPORT),
    "A mixture of three kinds of problems.",
)
MEDLEY = _mixture_of(
    "medley",
    (TILING, TRAINS, RECIPES, REMAINDERS, GRIDS, LOCKERS, DIARY, MINUTES),
    "Three sorts of exercises turn up side by side.",
)
