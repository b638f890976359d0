"""What is left over of large expressions, and counting on squared paper.

In: a random generator and a draw. Out: one problem with its reference program.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from w4s.tasks.toy.draws import (
    GUESTS,
    Answer,
    Draft,
    Draw,
    Family,
    Variant,
    computed,
    listed,
    number_of_digits,
    worked_out,
)

# --- Remainders ------------------------------------------------------------------------------

_LEFTOVERS = (
    ("{who} works out {sum} and packs that many marbles into bags of {modulus}. How many marbles "
     "do not fill a bag?", "n % {modulus}"),
    ("What is the smallest number, zero or more, that has to be added to {sum} to make the total "
     "a multiple of {modulus}?", "-n % {modulus}"),
    ("A wheel with the fields 0 to {last} is at field 0 and moves on by {sum} fields. At which "
     "field does it stop?", "n % {modulus}"),
    ("Written in base {modulus}, what is the value of the units digit of {sum}?", "n % {modulus}"),
)  # fmt: skip


def _remainders(rng: random.Random, draw: Draw) -> Draft:
    ask, right = _LEFTOVERS[(draw.wording + rng.randrange(2)) % len(_LEFTOVERS)]
    modulus = rng.randrange(6, 10 ** draw.digits(1, 3) + 9)
    terms = [_term(rng, draw) for _ in range(draw.count(1, 4))]
    terms.append(str(number_of_digits(rng, draw.digits(2, 6))))
    rng.shuffle(terms)
    question = ask.format(
        who=rng.choice(GUESTS),
        sum=" + ".join(term.replace("**", "^") for term in terms),
        modulus=modulus,
        last=modulus - 1,
    )

    def left(used: Sequence[str], formula: str = right, by: int = modulus) -> Variant:
        return worked_out(f"n = {' + '.join(used)}", f"return {formula.format(modulus=by)}")

    flat = [term.replace("**", "*") for term in terms]
    other = "-n % {modulus}" if right == "n % {modulus}" else "n % {modulus}"
    variants = [
        left(terms),
        left(terms, other),
        left(terms[:-1]),
        left(flat),
        left(terms, by=modulus + 1),
        left(terms[1:]),
    ]
    steps = 2 * len(terms)
    return computed(question, variants, rng, steps=steps, load=0.15 + 0.45 * draw.load)


def _term(rng: random.Random, draw: Draw) -> str:
    if rng.random() < 0.4:
        return f"{rng.randrange(2, 30)}**{rng.randrange(3, 6 + draw.digits(2, 40))}"
    digits = draw.digits(2, 5)
    return f"{number_of_digits(rng, digits)} * {number_of_digits(rng, max(1, digits - 1))}"


# --- Grids -----------------------------------------------------------------------------------

_SURFACES = (
    ("a sheet of squared paper", "square", "squares"),
    ("a chocolate board", "piece", "pieces"),
    ("a mosaic", "stone", "stones"),
)


def _grids(rng: random.Random, draw: Draw) -> Draft:
    kinds = (_hikes, _painted, _frames)
    return kinds[(draw.wording // len(_SURFACES) + rng.randrange(2)) % len(kinds)](rng, draw)


def _hikes(rng: random.Random, draw: Draw) -> Draft:
    surface, cell, cells = _SURFACES[draw.wording % len(_SURFACES)]
    w, h = (rng.randrange(3, 5 + draw.digits(1, 5)) for _ in range(2))
    free = [(x, y) for x in range(w) for y in range(h) if (x, y) not in ((0, 0), (w - 1, h - 1))]
    blocked = rng.sample(free, min(draw.count(1, 4), len(free) // 3))
    told = [f"column {x + 1} of row {y + 1}" for x, y in blocked]
    plural = (
        f"The {cells} in {listed(told)} are" if len(told) > 1 else f"The {cell} in {told[0]} is"
    )
    question = (
        f"An ant on {surface} of {w} columns and {h} rows goes from the first {cell} of the first "
        f"row to the last {cell} of the last row. Each move leads one {cell} to the right, one "
        f"down, or diagonally one right and one down. {plural} barred. How many different walks "
        "does the ant have?"
    )

    def walks(barred: Sequence[tuple[int, int]], diagonal: bool = True) -> Variant:
        return worked_out(
            "ways = {(0, 0): 1}",
            "for x in range(w):",
            "    for y in range(h):",
            "        if (x, y) != (0, 0):",
            "            before = [(x - 1, y), (x, y - 1)"
            + (", (x - 1, y - 1)]" if diagonal else "]"),
            "            total = sum(ways.get(cell, 0) for cell in before)",
            "            ways[x, y] = 0 if (x, y) in barred else total",
            "return ways[w - 1, h - 1]",
            w=w,
            h=h,
            barred=list(barred),
        )

    variants = [
        walks(blocked),
        walks([]),
        walks(blocked, diagonal=False),
        walks(blocked[:-1]),
        walks([(y, x) for x, y in blocked]),
    ]
    steps = 4 + 2 * len(blocked)
    return computed(question, variants, rng, steps=steps, load=0.15 + 0.35 * draw.load)


def _painted(rng: random.Random, draw: Draw) -> Draft:
    surface, _, cells = _SURFACES[draw.wording % len(_SURFACES)]
    w, h = (rng.randrange(12, 25 + 10 ** draw.digits(1, 3)) for _ in range(2))
    a, b = rng.randrange(2, 10), rng.randrange(2, 10)
    twice = rng.random() < 0.4
    ask = f"{cells} were painted twice" if twice else f"{cells} have no paint"
    question = (
        f"On {surface} with {h} rows and {w} columns, {rng.choice(GUESTS)} paints one row in {a} "
        f"(rows {a}, {2 * a} and so on) and then one column in {b} (columns {b}, {2 * b} and "
        f"so on). How many {ask}?"
    )
    twice_painted, bare = "(h // a) * (w // b)", "(h - h // a) * (w - w // b)"
    formulas = (
        twice_painted if twice else bare,
        "h * w - (h // a) * w - (w // b) * h",
        "h * w - (h // a) * (w // b)",
        "(h // a) * w + (w // b) * h",
        bare if twice else twice_painted,
    )
    variants = [worked_out(f"return {formula}", h=h, w=w, a=a, b=b) for formula in formulas]
    return computed(question, variants, rng, steps=5, load=0.1 + 0.35 * draw.load)


def _frames(rng: random.Random, draw: Draw) -> Draft:
    surface, cell, cells = _SURFACES[draw.wording % len(_SURFACES)]
    w, h = (rng.randrange(6, 12 + draw.digits(2, 60)) for _ in range(2))
    x, y = rng.randrange(2, w), rng.randrange(2, h)
    largest = rng.randrange(2, min(w, h) + 1) if rng.random() < 0.5 else 0
    if largest:
        question = (
            f"{rng.choice(GUESTS)} looks for square patches on {surface} with {w} columns and {h} "
            f"rows of {cells}: 1 by 1, 2 by 2 and so on up to {largest} by {largest}, anywhere on "
            "it. How many patches are there?"
        )
        texts = [
            "sum((w - k + 1) * (h - k + 1) for k in range(1, largest + 1))",
            "sum((w - k) * (h - k) for k in range(1, largest + 1))",
            "sum((w - k + 1) * (h - k + 1) for k in range(2, largest + 1))",
            "(w - largest + 1) * (h - largest + 1)",
        ]
    else:
        question = (
            f"On {surface} of {w} columns and {h} rows {rng.choice(GUESTS)} lays a rectangular "
            f"frame of any size along the lines. In how many places and sizes can it lie so "
            f"that the {cell} in column {x} of row {y} is inside?"
        )
        texts = [
            "x * (w - x + 1) * y * (h - y + 1)",
            "x * (w - x) * y * (h - y)",
            "x * y + (w - x + 1) * (h - y + 1)",
            "w * (w + 1) // 2 * h * (h + 1) // 2",
        ]
    data = {"w": w, "h": h} | ({"largest": largest} if largest else {"x": x, "y": y})
    variants = [worked_out(f"return {text}", **data) for text in texts]
    return computed(question, variants, rng, steps=6, load=0.15 + 0.35 * draw.load)


def _describe_remainders(draw: Draw) -> str:
    return (
        f"Clock-like sums: an expression of {draw.count(2, 5)} terms, products and powers with "
        "large values, of which only the part beyond full rounds is wanted. "
        "An answer is an integer from zero on."
    )


def _describe_grids(draw: Draw) -> str:
    return (
        "Boards of cells: walks of an ant with barred cells, cells left after painting, patches "
        "and frames that fit. An answer is a count."
    )


REMAINDERS = Family("remainders", "mathematics", Answer.NUMBER, _describe_remainders, _remainders)
GRIDS = Family("grids", "mathematics", Answer.NUMBER, _describe_grids, _grids)
