"""Who and what is in which place: lockers whose doors and contents change, guests on seats.

In: a random generator and a draw. Out: one problem with its reference program.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
    told, flips = zip(*(_flip(rng, n) for _ in range(draw.count(3, 9))), strict=True)
    summed = rng.random() < 0.4
    ask = (
        "What do the numbers of the open ones add up to?"
        if summed
        else "How many of them are open at the end?"
    )
    question = (
        f"{opening.format(who=rng.choice(GUESTS), n=n)} To flip a {box} is to open it if it is "
        f"shut and to shut it if it is open. All are shut. In turn: {'; '.join(told)}. {ask}"
    )
    result = "sum(i for i in range(1, n + 1) if row[i])" if summed else "sum(row)"

    def ended(done: Sequence[range], change: str = "not row[i]", first: bool = False) -> Variant:
        return worked_out(
            f"row = [False] + [{first}] * n",
            "for flipped in flips:",
            "    for i in flipped:",
            f"        row[i] = {change}",
            f"return {result}",
            n=n,
            flips=list(done),
        )

    i = rng.randrange(len(flips))
    variants = [
        ended(flips),
        ended(flips, change="True"),
        ended(flips[:i] + flips[i + 1 :]),
        ended(flips[:-1]),
        ended(flips, first=True),
    ]
    return computed(question, variants, rng, steps=len(flips) + 1, load=0.1 + 0.3 * draw.load)


def _flip(rng: random.Random, n: int) -> tuple[str, range]:
    """In words, and the numbers concerned."""
    match rng.randrange(3):
        case 0:
            k = rng.randrange(2, max(4, n // 3))
            return f"one in {k} is flipped, beginning with number {k}", range(k, n + 1, k)
        case 1:
            low, high = sorted(rng.sample(range(1, n + 1), 2))
            words = f"numbers {low} to {high} are flipped, both ends included"
            return words, range(low, high + 1)
        case _:
            parity, first = rng.choice((("odd", 1), ("even", 2)))
            return f"all {parity} numbers are flipped", range(first, n + 1, 2)


_Move = tuple[str, int, int]
"""What is done with the contents, and the first and last place concerned, counted from 0."""
_MOVES = (
    ("shift", "every ball moves to the next number, the last one to number 1"),
    ("turn", "the balls in {low} to {high} are put back in reverse order"),
    ("swap", "the balls in {low} and {high} change places"),
    ("swap", "the balls in {low} and {high} change places"),
)


def _contents(rng: random.Random, draw: Draw) -> Draft:
    opening, box = _ROWS[draw.wording % len(_ROWS)]
    n = draw.digits(5, 12)
    tags = rng.sample(range(10, 100), n)
    told, moves = zip(*(_move(rng, n) for _ in range(draw.count(3, 10))), strict=True)
    place = rng.randrange(n)
    question = (
        f"{opening.format(who=rng.choice(GUESTS), n=n)} In them lie balls, one in each; the "
        f"numbers on the balls are, in this order, {', '.join(map(str, tags))}. In turn: "
        f"{'; '.join(told)}. Which number is on the ball in {box} {place + 1} at the end?"
    )

    def found(done: Sequence[_Move], at: int = place) -> Variant:
        return worked_out(
            "row = list(tags)",
            "for kind, low, high in moves:",
            "    if kind == 'shift':",
            "        row = row[-1:] + row[:-1]",
            "    elif kind == 'turn':",
            "        row[low:high + 1] = row[low:high + 1][::-1]",
            "    else:",
            "        row[low], row[high] = row[high], row[low]",
            "return row[at]",
            tags=tags,
            moves=list(done),
            at=at,
        )

    i = rng.randrange(len(moves))
    variants = [
        found(moves),
        found(moves[:i] + moves[i + 1 :]),
        found(moves[:-1]),
        found(moves, (place + 1) % n),
        found(moves[1:]),
        found(moves[::-1]),
    ]
    return computed(question, variants, rng, steps=len(moves), load=0.1 + 0.3 * draw.load)


def _move(rng: random.Random, n: int) -> tuple[str, _Move]:
    kind, words = rng.choice(_MOVES)
    low, high = sorted(rng.sample(range(n), 2))
    return words.format(low=low + 1, high=high + 1), (kind, low, high)


# --- Seats -----------------------------------------------------------------------------------

_TABLES = (
    ("{names} sit on a bench with the seats 1 to {n}, one on each seat.", False),
    ("{names} have dinner at a round table. Its chairs are numbered 1 to {n} clockwise, so that "
     "chair {n} is beside chair 1.", True),
    ("A rowing boat has {n} places in a line, 1 at the bow and {n} at the stern. In it sit "
     "{names}.", False),
)  # fmt: skip
_Seats = Mapping[str, int]
_SINGLE: Sequence[tuple[str, str, Callable[[int, int], bool]]] = (
    ("The number of {a} is odd.", "{A} % 2 == 1", lambda a, n: a % 2 == 1),
    ("The number of {a} is even.", "{A} % 2 == 0", lambda a, n: a % 2 == 0),
    ("{a} is at neither 1 nor {n}.", "{A} not in (1, {n})", lambda a, n: a not in (1, n)),
)
"""Words, code and test of what can be said of one guest, of the number and all numbers."""
_PAIRS: Sequence[tuple[str, str, Callable[[int, int, int], bool]]] = (
    ("The numbers of {a} and {b} add up to {m}.", "{A} + {B} == {m}",
     lambda a, b, n: a + b == n + 1),
    ("The number of {a} is twice that of {b}.", "{A} == 2 * {B}", lambda a, b, n: a == 2 * b),
    ("The number of {a} is 2 more than that of {b}.", "{A} == {B} + 2",
     lambda a, b, n: a == b + 2),
)  # fmt: skip
"""The same of two guests."""


@dataclass(frozen=True, slots=True)
class _Hint:
    """A true sentence about seats, and the condition that says the same."""

    words: str
    code: str
    """Speaks of `s`, the seat number by name."""
    holds: Callable[[_Seats], bool]


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
    for a in people:
        yield from (_of_one(kind, a, len(people)) for kind in range(len(_SINGLE)))
    for a, b in permutations(people, 2):
        if a < b:
            yield from _neighbours(a, b, len(people), circular)
        yield from (_of_two(kind, a, b, len(people)) for kind in range(len(_PAIRS)))


def _of_one(kind: int, a: str, n: int) -> _Hint:
    words, code, test = _SINGLE[kind]
    return _Hint(
        words.format(a=a, n=n), code.format(A=f"s[{a!r}]", n=n), lambda seat: test(seat[a], n)
    )


def _of_two(kind: int, a: str, b: str, n: int) -> _Hint:
    words, code, test = _PAIRS[kind]
    return _Hint(
        words.format(a=a, b=b, m=n + 1),
        code.format(A=f"s[{a!r}]", B=f"s[{b!r}]", m=n + 1),
        lambda seat: test(seat[a], seat[b], n),
    )


def _neighbours(a: str, b: str, n: int, circular: bool) -> tuple[_Hint, _Hint]:
    gaps = (1, n - 1) if circular else (1,)
    apart = f"abs(s[{a!r}] - s[{b!r}])"
    return (
        _Hint(
            f"{a} and {b} sit side by side.",
            f"{apart} in {gaps}",
            lambda seat: abs(seat[a] - seat[b]) in gaps,
        ),
        _Hint(
            f"{a} and {b} do not sit side by side.",
            f"{apart} not in {gaps}",
            lambda seat: abs(seat[a] - seat[b]) not in gaps,
        ),
    )


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
        "An answer is one integer."
    )


def _describe_seating(draw: Draw) -> str:
    return (
        f"Numbered seats for {draw.count(4, 6)} guests: hints on neighbours, odd and even numbers "
        "and differences settle the plan. An answer is one guest."
    )


LOCKERS = Family("lockers", "mathematics", Answer.NUMBER, _describe_lockers, _lockers)
SEATING = Family("seating", "mathematics", Answer.TEXT, _describe_seating, _seating)
