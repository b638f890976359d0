"""Who and what is in which place: lockers whose doors and contents change, guests on seats.

In: a random generator and a draw. Out: one problem with its reference program.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations

from w4s.models.answer_book import Skill
from w4s.tasks.toy.draws import (
    GUESTS,
    Answer,
    Draft,
    Draw,
    Family,
    Variant,
    computed,
    program,
    solved,
    worked_out,
)

# --- Lockers ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Deed:
    """One thing done to the row: its words and the statement that does it."""

    words: str
    code: str


_ROWS = (
    ("{who} looks after a corridor of {n} lockers, numbered from 1 to {n}.", "locker"),
    ("In the cloakroom of {who} there are {n} cabinets in a row, with the numbers 1 to {n}.",
     "cabinet"),
    ("A wall has {n} hatches, counted 1, 2, 3 and so on up to {n}; {who} is in charge.", "hatch"),
)  # fmt: skip


def _lockers(rng: random.Random, draw: Draw) -> Draft:
    kinds = (_doors, _contents)
    return kinds[rng.randrange(2)](rng, draw)


def _doors(rng: random.Random, draw: Draw) -> Draft:
    opening, box = _ROWS[draw.wording % len(_ROWS)]
    n = draw.digits(8, 60)
    deeds = [_door_deed(rng, n) for _ in range(draw.count(3, 9))]
    summed = rng.random() < 0.4
    ask = (
        "What do the numbers of the open ones add up to?"
        if summed
        else "How many of them are open at the end?"
    )
    question = (
        f"{opening.format(who=rng.choice(GUESTS), n=n)} To flip a {box} is to open it if it is "
        f"shut and to shut it if it is open. All are shut. {_told(deeds)} {ask}"
    )
    result = "sum(i for i in range(1, n + 1) if row[i])" if summed else "sum(row)"

    def ended(done: Sequence[_Deed], first: str = "False") -> Variant:
        return worked_out(
            f"n = {n}",
            f"row = [False] + [{first}] * n",
            *(d.code for d in done),
            f"return {result}",
        )

    i = rng.randrange(len(deeds))
    opened = [replace(d, code=d.code.replace("not row[i]", "True")) for d in deeds]
    variants = [
        ended(deeds),
        ended(opened),
        ended(deeds[:i] + deeds[i + 1 :]),
        ended(deeds[:-1]),
        ended(deeds, "True"),
    ]
    return computed(question, variants, rng, steps=len(deeds) + 1, load=0.1 + 0.3 * draw.load)


def _door_deed(rng: random.Random, n: int) -> _Deed:
    loop = "for i in range({}): row[i] = not row[i]"
    match rng.randrange(3):
        case 0:
            k = rng.randrange(2, max(4, n // 3))
            words = f"one in {k} is flipped, beginning with number {k}"
            return _Deed(words, loop.format(f"{k}, n + 1, {k}"))
        case 1:
            low, high = sorted(rng.sample(range(1, n + 1), 2))
            words = f"numbers {low} to {high} are flipped, both ends included"
            return _Deed(words, loop.format(f"{low}, {high + 1}"))
        case _:
            odd = rng.random() < 0.5
            words = f"all {'odd' if odd else 'even'} numbers are flipped"
            return _Deed(words, loop.format(f"{1 if odd else 2}, n + 1, 2"))


def _contents(rng: random.Random, draw: Draw) -> Draft:
    opening, box = _ROWS[draw.wording % len(_ROWS)]
    n = draw.digits(5, 12)
    tags = rng.sample(range(10, 100), n)
    deeds = [_content_deed(rng, n) for _ in range(draw.count(3, 10))]
    place = rng.randrange(n)
    question = (
        f"{opening.format(who=rng.choice(GUESTS), n=n)} In them lie balls, one in each; the "
        f"numbers on the balls are, in this order, {', '.join(map(str, tags))}. {_told(deeds)} "
        f"Which number is on the ball in {box} {place + 1} at the end?"
    )

    def found(done: Sequence[_Deed], at: int = place) -> Variant:
        return worked_out(f"row = {tags}", *(d.code for d in done), f"return row[{at}]")

    i = rng.randrange(len(deeds))
    variants = [
        found(deeds),
        found(deeds[:i] + deeds[i + 1 :]),
        found(deeds[:-1]),
        found(deeds, (place + 1) % n),
        found(deeds[1:]),
        found(deeds[::-1]),
    ]
    return computed(question, variants, rng, steps=len(deeds), load=0.1 + 0.3 * draw.load)


def _content_deed(rng: random.Random, n: int) -> _Deed:
    low, high = sorted(rng.sample(range(1, n + 1), 2))
    match rng.randrange(4):
        case 0:
            code = f"row = row[{n - 1}:] + row[:{n - 1}]"
            return _Deed("every ball moves to the next number, the last one to number 1", code)
        case 1:
            code = f"row[{low - 1}:{high}] = row[{low - 1}:{high}][::-1]"
            return _Deed(f"the balls in {low} to {high} are put back in reverse order", code)
        case _:
            code = f"row[{low - 1}], row[{high - 1}] = row[{high - 1}], row[{low - 1}]"
            return _Deed(f"the balls in {low} and {high} change places", code)


def _told(deeds: Sequence[_Deed]) -> str:
    return f"In turn: {'; '.join(deed.words for deed in deeds)}."


# --- Seats -----------------------------------------------------------------------------------

_TABLES = (
    ("{names} sit on a bench with the seats 1 to {n}, one on each seat.", False),
    ("{names} have dinner at a round table. Its chairs are numbered 1 to {n} clockwise, so that "
     "chair {n} is beside chair 1.", True),
    ("A rowing boat has {n} places in a line, 1 at the bow and {n} at the stern. In it sit "
     "{names}.", False),
)  # fmt: skip
_Seats = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Hint:
    """A true sentence about seats, and the condition that says the same."""

    words: str
    code: str
    holds: Callable[[_Seats], bool]


def _hint(words: str, code: str) -> _Hint:
    """The code speaks of `s`, the seat number by name."""
    return _Hint(words, code, eval(f"lambda s: {code}"))


def _seating(rng: random.Random, draw: Draw) -> Draft:
    opening, circular = _TABLES[draw.wording % len(_TABLES)]
    people = rng.sample(GUESTS, draw.count(4, 6))
    seat = {name: i + 1 for i, name in enumerate(people)}
    hints = _hints(rng, people, circular)
    place = rng.randrange(len(people))
    question = (
        f"{opening.format(names=', '.join(sorted(people)), n=len(people))} "
        f"{' '.join(hint.words for hint in hints)} Who has number {place + 1}?"
    )
    others = [people[place - 1], people[(place + 1) % len(people)], people[-1 - place]]
    tempting = [name for name in dict.fromkeys([*others, *people]) if name != people[place]]
    variants = [
        Variant(name, _looked_for(people, hints, seat[name]))
        for name in (people[place], *tempting[:3])
    ]
    return solved(
        question,
        variants,
        skill=Skill.ARITHMETIC,
        steps=len(hints) + 1,
        load=0.05 + 0.3 * draw.load,
        more_slips=tempting,
    )


def _hints(rng: random.Random, people: Sequence[str], circular: bool) -> list[_Hint]:
    """True hints, in random order, that leave one order only; `people` sit in that order."""
    seat = {name: i + 1 for i, name in enumerate(people)}
    true = [hint for hint in _possible(people, circular) if hint.holds(seat)]
    rng.shuffle(true)
    left: list[_Seats] = [
        dict(zip(people, order, strict=True)) for order in permutations(range(1, len(people) + 1))
    ]
    kept = []
    for hint in true:
        fitting = [order for order in left if hint.holds(order)]
        if len(fitting) < len(left):
            kept.append(hint)
            left = fitting
        if len(left) == 1:
            break
    return kept


def _possible(people: Sequence[str], circular: bool) -> Iterator[_Hint]:
    n = len(people)
    gaps = f"1, {n - 1}" if circular else "1,"
    for a in people:
        yield _hint(f"The number of {a} is odd.", f"s[{a!r}] % 2 == 1")
        yield _hint(f"The number of {a} is even.", f"s[{a!r}] % 2 == 0")
        yield _hint(f"{a} is at neither 1 nor {n}.", f"s[{a!r}] not in (1, {n})")
        for b in people:
            if a == b:
                continue
            apart = f"abs(s[{a!r}] - s[{b!r}])"
            if a < b:
                yield _hint(f"{a} and {b} sit side by side.", f"{apart} in ({gaps})")
                yield _hint(f"{a} and {b} do not sit side by side.", f"{apart} not in ({gaps})")
            yield _hint(f"The numbers of {a} and {b} add up to {n + 1}.",
                        f"s[{a!r}] + s[{b!r}] == {n + 1}")  # fmt: skip
            yield _hint(f"The number of {a} is twice that of {b}.", f"s[{a!r}] == 2 * s[{b!r}]")
            yield _hint(f"The number of {a} is 2 more than that of {b}.",
                        f"s[{a!r}] == s[{b!r}] + 2")  # fmt: skip


def _looked_for(people: Sequence[str], hints: Sequence[_Hint], number: int) -> str:
    names = sorted(people)
    return program(
        "from itertools import permutations",
        f"names = {names}",
        f"for order in permutations(range(1, {len(names) + 1})):",
        "    s = dict(zip(names, order))",
        f"    if {' and '.join(hint.code for hint in hints)}:",
        f"        return next(name for name in names if s[name] == {number})",
    )


def _describe_lockers(draw: Draw) -> str:
    return (
        "A row of numbered boxes whose doors are flipped or whose contents change places, in "
        f"{draw.count(3, 9)} or so operations; something about the outcome is asked. "
        "The answer is a whole number."
    )


def _describe_seating(draw: Draw) -> str:
    return (
        f"Numbered seats for {draw.count(4, 6)} guests: hints on neighbours, odd and even numbers "
        "and differences settle the plan. The answer is the name of a guest."
    )


LOCKERS = Family("lockers", "mathematics", Answer.NUMBER, _describe_lockers, _lockers)
SEATING = Family("seating", "mathematics", Answer.TEXT, _describe_seating, _seating)
