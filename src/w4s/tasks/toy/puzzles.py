"""Puzzles that are followed step by step: queues, calendars, robots.

In: a random generator and a draw. Out: one problem with its reference program.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import permutations

from w4s.models.answer_book import Skill
from w4s.tasks.toy.draws import (
    NAMES,
    Answer,
    Draft,
    Draw,
    Family,
    Variant,
    near_misses,
    program,
    solved,
)

# --- Queues ----------------------------------------------------------------------------------

_QUEUES = (
    ("queue at a counter", "{a} stands directly behind {b}.", "{a} stands somewhere behind {b}."),
    (
        "race that ended without ties",
        "{a} came in right after {b}.",
        "{a} finished later than {b}.",
    ),
    ("row of readings", "{a} reads immediately after {b}.", "{a} reads at some time after {b}."),
)
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")

_Clue = tuple[bool, str, str]
"""Whether directly, who is behind, who is before."""


def _order(rng: random.Random, draw: Draw) -> Draft:
    setting, direct, somewhere = _QUEUES[draw.wording % len(_QUEUES)]
    people = rng.sample(NAMES, draw.count(4, 6))
    clues = _clues(rng, people)
    place = rng.randrange(len(people))
    told = [(direct if near else somewhere).format(a=a, b=b) for near, a, b in clues]
    question = (
        f"{', '.join(sorted(people))} take part in a {setting}. {' '.join(told)} "
        f"Who is {_ORDINALS[place]}?"
    )
    right = people[place]
    backwards = people[-1 - place]
    neighbour = people[place - 1] if place else people[1]
    others = [name for name in people if name not in (right, backwards, neighbour)]
    variants = [
        Variant(right, _search(people, clues, str(place))),
        Variant(backwards, _search(people, clues, str(-1 - place))),
        Variant(neighbour, _search(people, clues, str(place - 1 if place else 1))),
    ]
    return solved(
        question,
        variants,
        skill=Skill.ARITHMETIC,
        steps=len(clues),
        load=0.05 + 0.25 * draw.load,
        more_slips=others,
    )


def _clues(rng: random.Random, people: Sequence[str]) -> list[_Clue]:
    """Clues, in random order, that leave one order only; `people` stand in that order."""
    true: list[_Clue] = [
        (j == i + 1, people[j], people[i])
        for i in range(len(people))
        for j in range(i + 1, len(people))
    ]
    rng.shuffle(true)
    orders = [dict(zip(order, range(len(order)), strict=True)) for order in permutations(people)]
    kept: list[_Clue] = []
    for clue in true:
        left = [order for order in orders if _holds(clue, order)]
        if len(left) < len(orders):
            kept.append(clue)
            orders = left
        if len(orders) == 1:
            break
    return kept


def _holds(clue: _Clue, place: dict[str, int]) -> bool:
    near, behind, before = clue
    return place[behind] == place[before] + 1 if near else place[behind] > place[before]


def _search(people: Sequence[str], clues: Sequence[_Clue], place: str) -> str:
    tests = [
        f"p.index({a!r}) == p.index({b!r}) + 1" if near else f"p.index({a!r}) > p.index({b!r})"
        for near, a, b in clues
    ]
    return program(
        "from itertools import permutations",
        f"for p in permutations({sorted(people)}):",
        f"    if {' and '.join(tests)}:",
        f"        return p[{place}]",
    )


# --- Calendars -------------------------------------------------------------------------------

_MOVES = (
    ("{n} days later", "{n} weeks later", "{n} days earlier", "A permit is issued on {start}"),
    ("add {n} days", "add {n} weeks", "go back {n} days", "Begin with the date {start}"),
    ("{n} days pass", "{n} weeks pass", "{n} days are taken back",
     "A visit was set for {start}"),
)  # fmt: skip


def _dates(rng: random.Random, draw: Draw) -> Draft:
    start = date(2015, 1, 1) + timedelta(days=rng.randrange(4500))
    later, weeks, earlier, opening = _MOVES[draw.wording % len(_MOVES)]
    most = 10 ** draw.digits(1, 3)
    days, phrases = [], []
    for _ in range(draw.count(2, 6)):
        phrase, factor = rng.choice(((later, 1), (later, 1), (weeks, 7), (earlier, -1)))
        n = rng.randrange(3, most // abs(factor) + 12)
        days.append(n * factor)
        phrases.append(phrase.format(n=n))
    question = (
        f"{opening.format(start=start.isoformat())}; {'; then '.join(phrases)}. "
        "Which date is reached? Write it as YYYY-MM-DD."
    )
    absolute = [abs(n) for n in days]
    variants = [_moved(start, days), _moved(start, absolute), _moved(start, days[:-1])]
    variants.append(_moved(start, [n // 7 if n % 7 == 0 else n for n in days]))
    reached = start + timedelta(days=sum(days))
    near = [reached + timedelta(days=n) for n in (1, -1, 2, -3)]
    return solved(
        question,
        variants,
        skill=Skill.ARITHMETIC,
        steps=2 * len(days) - 1,
        load=0.1 + 0.25 * draw.load,
        more_slips=[day.isoformat() for day in near],
    )


def _moved(start: date, days: Sequence[int]) -> Variant:
    moved = program(
        "from datetime import date, timedelta",
        f"day = date({start.year}, {start.month}, {start.day})",
        f"for n in {list(days)}:",
        "    day = day + timedelta(days=n)",
        "return day.isoformat()",
    )
    return Variant((start + timedelta(days=sum(days))).isoformat(), moved)


# --- Robots ----------------------------------------------------------------------------------

_ROBOTS = (
    ("A robot starts at (0, 0) and faces north.", "It goes {n} steps forward", "turns {way}"),
    ("A surveyor begins at a marker, looking north.", "walk {n} paces", "turn {way}"),
    ("A toy tank stands on a grid and points north.", "drive {n} fields", "swing {way}"),
)


def _robot(rng: random.Random, draw: Draw) -> Draft:
    opening, forward, turn = _ROBOTS[draw.wording % len(_ROBOTS)]
    most = 10 ** draw.digits(1, 3)
    moves = [
        (rng.randrange(1, most + 3), rng.choice(("left", "right")))
        for _ in range(draw.count(4, 10))
    ]
    told = [f"{forward.format(n=n)}, {turn.format(way=way)}" for n, way in moves]
    question = (
        f"{opening} Orders: {'; '.join(told)}. How far is the end from the start, counted as steps "
        "along the two axes together?"
    )
    mirrored = [(n, "left" if way == "right" else "right") for n, way in moves]
    i = rng.randrange(len(moves) - 1)
    slipped = [mirrored[k] if k == i else move for k, move in enumerate(moves)]
    variants = [_walked(moves), _walked(slipped), _walked(moves[:-1]), _walked(moves[1:])]
    return solved(
        question,
        variants,
        skill=Skill.ARITHMETIC,
        steps=len(moves),
        load=0.05 + 0.25 * draw.load,
        more_slips=near_misses(int(str(variants[0].value)), rng),
    )


def _walked(moves: Sequence[tuple[int, str]]) -> Variant:
    x, y, dx, dy = 0, 0, 0, 1
    for n, way in moves:
        x, y = x + n * dx, y + n * dy
        dx, dy = (-dy, dx) if way == "left" else (dy, -dx)
    text = program(
        "x, y, dx, dy = 0, 0, 0, 1",
        f"for n, way in {list(moves)}:",
        "    x, y = x + n * dx, y + n * dy",
        "    dx, dy = (-dy, dx) if way == 'left' else (dy, -dx)",
        "return abs(x) + abs(y)",
    )
    return Variant(abs(x) + abs(y), text)


def _describe_order(draw: Draw) -> str:
    return (
        f"Who stands where among {draw.count(4, 6)} people, from clues about who is before whom. "
        "The answer is one of the names."
    )


def _describe_dates(draw: Draw) -> str:
    return f"Calendar arithmetic in {draw.count(2, 6)} moves. The answer is a date as YYYY-MM-DD."


def _describe_robot(draw: Draw) -> str:
    return (
        f"Following about {draw.count(4, 10)} orders of moving and turning on a grid. "
        "The answer is a whole number."
    )


ORDER = Family("order", "mathematics", Answer.TEXT, _describe_order, _order)
DATES = Family("dates", "mathematics", Answer.TEXT, _describe_dates, _dates)
ROBOT = Family("robot", "mathematics", Answer.NUMBER, _describe_robot, _robot)
