"""Sums of a household: tiles for floors, journeys with changes, recipes for more guests.

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
    counted,
    listed,
    worked_out,
)

# --- Tiles -----------------------------------------------------------------------------------

_FLOORS = (
    ("{who} lays square tiles of {side} cm on the floor of {rooms}.",
     "a room of {w} by {h} cm", "without the {x} by {y} cm under a fixed cupboard", "tiles"),
    ("{who} panels ceilings with square boards that measure {side} cm along each edge: {rooms}.",
     "a ceiling {w} cm long and {h} cm wide", "less a skylight of {x} by {y} cm", "boards"),
    ("Turf comes in squares with a side of {side} cm. {who} covers {rooms}.",
     "a lawn of {w} times {h} cm", "where a pond of {x} times {y} cm is left out", "squares"),
)  # fmt: skip
_Room = tuple[int, int, int, int]
"""Length and width of a floor and of its cut-out, all in tiles."""


def _tiling(rng: random.Random, draw: Draw) -> Draft:
    opening, room_text, hole_text, tiles = _FLOORS[draw.wording % len(_FLOORS)]
    side = rng.choice((5, 15, 20, 25, 40)) * rng.randrange(1, 2 + draw.digits(1, 5))
    most = 8 + draw.digits(4, 90)
    rooms = []
    for _ in range(draw.count(1, 3)):
        w, h = rng.randrange(5, most), rng.randrange(5, most)
        rooms.append((w, h, rng.randrange(1, w - 2), rng.randrange(1, h - 2)))
    told = [
        f"{room_text.format(w=w * side, h=h * side)} ({hole_text.format(x=x * side, y=y * side)})"
        for w, h, x, y in rooms
    ]
    pack = rng.randrange(6, 12 + draw.digits(1, 30)) if rng.random() < 0.5 else 0
    ask, packed = f"How many {tiles} are needed?", "n"
    if pack:
        packed = "-(-n // pack)"
        ask = f"They are sold by the box, {pack} {tiles} in each. How many boxes must be bought?"
    question = f"{opening.format(who=rng.choice(GUESTS), side=side, rooms=listed(told))} {ask}"
    sizes = [(w * side, h * side, x * side, y * side) for w, h, x, y in rooms]
    area, whole = "w * h - x * y", "w * h"
    variants = [
        _laid(sizes, side, pack, area, packed),
        _laid(sizes, side, pack, whole, packed),
        _laid(sizes, side, pack, area, "n // pack" if pack else "n + 1"),
        _laid(sizes, side, pack, "w * h + x * y", packed),
        _laid(sizes[:1], side, pack, area, packed),
    ]
    steps = 3 * len(rooms) + (pack > 0)
    return computed(question, variants, rng, steps=steps, load=0.1 + 0.4 * draw.load)


def _laid(rooms: Sequence[_Room], side: int, pack: int, area: str, packed: str) -> Variant:
    """What `packed` makes of the number `n` of tiles on the areas."""
    return worked_out(
        f"n = sum({area} for w, h, x, y in rooms) // side**2",
        f"return {packed}",
        rooms=list(rooms),
        side=side,
        pack=pack,
    )


# --- Journeys --------------------------------------------------------------------------------

_JOURNEYS = (
    ("{who} boards the first train at {start}.", "train",
     "At the next station a train goes every {every} minutes, starting at {first}",
     "the ride takes {ride} minutes"),
    ("The trip of {who} begins at {start} on a ferry.", "ferry",
     "At the next quay ferries cast off at {first} and then at intervals of {every} minutes",
     "the crossing lasts {ride} minutes"),
    ("{who} gets on a bus at {start}.", "bus",
     "At the next stop buses of another line run from {first} on, one in {every} minutes",
     "it is a ride of {ride} minutes"),
)  # fmt: skip
_Leg = tuple[int, int, int]
"""First departure in minutes after midnight, minutes between departures, minutes of the ride."""


def _trains(rng: random.Random, draw: Draw) -> Draft:
    opening, vehicle, timetable, duration = _JOURNEYS[draw.wording % len(_JOURNEYS)]
    start = rng.randrange(5 * 60, 9 * 60)
    longest = draw.digits(12, 140)
    ride = rng.randrange(6, longest)
    # Coarse timetables are easy, odd ones are not.
    intervals = (10, 15, 20, 30) if draw.load < 0.4 else (12, 17, 18, 23, 25, 35, 40)
    legs = [
        (rng.randrange(4 * 60, start), rng.choice(intervals), rng.randrange(5, longest))
        for _ in range(draw.count(1, 6))
    ]
    told = [f"{opening.format(who=rng.choice(GUESTS), start=_clock(start))} The first ride takes"]
    told[0] += f" {ride} minutes."
    told += [
        f"{timetable.format(every=every, first=_clock(first))}; {duration.format(ride=minutes)}."
        for first, every, minutes in legs
    ]
    told.append(f"Whoever arrives just when a {vehicle} leaves catches it.")
    waiting = rng.random() < 0.4
    told.append(
        "How many minutes are spent waiting at the changes, all together?"
        if waiting
        else "How many minutes pass from the beginning to the last arrival?"
    )
    result = "waited" if waiting else "now - start"
    right = "(first - now) % every"
    variants = [
        _travelled(start, ride, legs, right, result),
        _travelled(start, ride, legs, "0", "now - start"),
        _travelled(start, ride, legs, "every", result),
        _travelled(start, ride, legs[:-1], right, result),
        _travelled(start, ride, legs, right, "now - start" if waiting else "waited"),
        _travelled(start, 0, legs, right, result),
    ]
    steps = 2 * len(legs) + 1 - waiting
    return computed(" ".join(told), variants, rng, steps=steps, load=0.05 + 0.35 * draw.load)


def _travelled(start: int, ride: int, legs: Sequence[_Leg], wait: str, result: str) -> Variant:
    return worked_out(
        "now, waited = start + ride, 0",
        "for first, every, minutes in legs:",
        f"    wait = {wait}",
        "    waited, now = waited + wait, now + wait + minutes",
        f"return {result}",
        start=start,
        ride=ride,
        legs=list(legs),
    )


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


# --- Recipes ---------------------------------------------------------------------------------

_KITCHENS = (
    ("A stew for {few} guests takes {amounts}. {who} cooks it for {many}.",
     ["g of lentils", "g of carrots", "g of leeks", "g of celery", "ml of stock", "g of tomatoes"]),
    ("The camp kitchen's card says, for {few} children: {amounts}. Today {many} are at the table, "
     "and {who} is the cook.",
     ["g of oats", "ml of milk", "g of raisins", "g of honey", "g of butter", "g of nuts"]),
    ("To serve {few}, mix {amounts}. {who} needs the salad for {many} people.",
     ["g of beans", "g of maize", "g of cheese", "ml of oil", "g of onions", "g of rice"]),
)  # fmt: skip
_Ingredient = tuple[int, int, int]
"""Amount for the few, content of a pack, cents for a pack."""


def _recipes(rng: random.Random, draw: Draw) -> Draft:
    opening, names = _KITCHENS[draw.wording % len(_KITCHENS)]
    few = rng.choice((4, 6, 8, 10, 12))
    many = rng.choice([n for n in range(few + 1, few + draw.digits(8, 150)) if n % few])
    chosen = rng.sample(names, draw.count(1, 5))
    items = [
        (
            few * rng.randrange(5, 12 + draw.digits(5, 90)),
            rng.choice((100, 125, 200, 250, 400, 500)),
            rng.randrange(35, 60 + draw.digits(40, 500)),
        )
        for _ in chosen
    ]
    amounts = listed([f"{item[0]} {name}" for item, name in zip(items, chosen, strict=True)])
    told = opening.format(few=few, many=many, amounts=amounts, who=rng.choice(GUESTS))
    costly = rng.random() < 0.5
    packs = listed(
        [
            f"{pack} {name}" + (f" for {price} cents" if costly else "")
            for (_, pack, price), name in zip(items, chosen, strict=True)
        ]
    )
    ask = "What do they cost, in cents?" if costly else "How many packs is that in all?"
    question = f"{told} Only whole packs are sold; one holds {packs}. {ask}"
    result = "packs * price" if costly else "packs"
    up, down = "-(-need // pack)", "need // pack"
    right = "amount * many // few"
    variants = [
        _bought(few, many, items, need, packs, result)
        for need, packs in (
            (right, up),
            (right, down),
            ("amount", up),
            ("amount * many", up),
            ("amount * -(-many // few)", up),
        )
    ]
    steps = (3 if costly else 2) * len(items)
    return computed(question, variants, rng, steps=steps, load=0.1 + 0.35 * draw.load)


def _bought(
    few: int, many: int, items: Sequence[_Ingredient], need: str, packs: str, result: str
) -> Variant:
    return worked_out(
        "total = 0",
        "for amount, pack, price in items:",
        f"    need = {need}",
        f"    packs = {packs}",
        f"    total += {result}",
        "return total",
        few=few,
        many=many,
        items=list(items),
    )


def _describe_tiling(draw: Draw) -> str:
    return (
        f"Material for {counted(draw.count(1, 3), 'surface')} with a piece cut out, covered with "
        "squares that fit exactly; sometimes whole boxes have to be bought. "
        "An answer is a count of pieces or boxes."
    )


def _describe_trains(draw: Draw) -> str:
    return (
        f"A journey by timetable with {counted(draw.count(1, 6), 'change')}, where the next "
        "vehicle leaves at fixed intervals: minutes under way, or minutes of waiting. "
        "An answer is a span in minutes."
    )


def _describe_recipes(draw: Draw) -> str:
    return (
        f"Shopping for a larger party: {counted(draw.count(1, 5), 'amount')} from a recipe, "
        "scaled up and rounded to full packs; then packs or their prices are totalled. "
        "An answer is a count of packs, or cents."
    )


TILING = Family("tiling", "mathematics", Answer.NUMBER, _describe_tiling, _tiling)
TRAINS = Family("trains", "mathematics", Answer.NUMBER, _describe_trains, _trains)
RECIPES = Family("recipes", "mathematics", Answer.NUMBER, _describe_recipes, _recipes)
