"""Arithmetic: accounts with many bookings, large numbers, rates with units.

In: a random generator and a draw. Out: one problem with its reference program.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from w4s.models.answer_book import Skill
from w4s.tasks.toy.draws import (
    NAMES,
    Answer,
    Draft,
    Draw,
    Family,
    Variant,
    near_misses,
    number_of_digits,
    program,
    solved,
)

# --- Ledger ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Booking:
    sign: str
    """`+`, `-`, `*` or `//`."""
    amount: int

    def book(self, balance: int) -> int:
        match self.sign:
            case "+":
                return balance + self.amount
            case "-":
                return balance - self.amount
            case "*":
                return balance * self.amount
            case _:
                return balance // self.amount


_LEDGERS = (
    (
        "{who} keeps an account of {things}. It starts with {start} {things}.",
        {
            "+": "Then {amount} {things} are paid in.",
            "-": "Then {amount} {things} are taken out.",
            "*": "Then a sponsor raises the balance to {amount} times what it is.",
            "//": "Then only one part in {amount} of the balance is kept.",
        },
        "How many {things} are in the account at the end?",
    ),
    (
        "At dawn the store of {who} holds {start} {things}.",
        {
            "+": "A cart brings {amount} more.",
            "-": "A customer carries off {amount} of them.",
            "*": "A delivery leaves the store with {amount} times its stock.",
            "//": "The stock is split into {amount} equal parts and all but one are shipped away.",
        },
        "What number of {things} is left in the store at dusk?",
    ),
    (
        "Count with {who}: the tally of {things} opens at {start}.",
        {
            "+": "Next, the tally goes up by {amount}.",
            "-": "Next, the tally goes down by {amount}.",
            "*": "Next, the tally is multiplied by {amount}.",
            "//": "Next, the tally is divided by {amount}.",
        },
        "At which number does the tally of {things} close?",
    ),
)
_THINGS = ("coins", "jars", "stamps", "sacks of grain", "bricks", "tickets", "shells", "candles")


def _ledger(rng: random.Random, draw: Draw) -> Draft:
    digits = draw.digits(2, 7)
    start = number_of_digits(rng, digits)
    bookings = _bookings(rng, start, draw.count(3, 9), digits)
    opening, phrases, closing = _LEDGERS[draw.wording % len(_LEDGERS)]
    who, things = rng.choice(NAMES), rng.choice(_THINGS)
    sentences = [
        opening.format(who=who, things=things, start=start),
        *(phrases[b.sign].format(things=things, amount=b.amount) for b in bookings),
        closing.format(things=things),
    ]
    right = _book(start, bookings)
    i = rng.randrange(len(bookings))
    wrong = [
        bookings[:i] + bookings[i + 1 :],
        [replace(b, sign=_SLIPPED[b.sign]) if k == i else b for k, b in enumerate(bookings)],
        bookings[:-2] + bookings[:-3:-1],
        bookings[:-1],
    ]
    return solved(
        " ".join(sentences),
        [right, *(_book(start, other) for other in wrong)],
        skill=Skill.ARITHMETIC,
        steps=len(bookings),
        load=(digits - 2) / 8,
        more_slips=near_misses(int(str(right.value)), rng),
    )


_SLIPPED = {"+": "-", "-": "+", "*": "+", "//": "-"}


def _bookings(rng: random.Random, start: int, count: int, digits: int) -> list[_Booking]:
    balance, bookings = start, []
    for _ in range(count):
        sign = rng.choice("++--*/")
        if sign == "*":
            booking = _Booking("*", rng.choice((2, 3)))
        elif sign == "/" and balance % 2 == 0 and balance > 20:
            booking = _Booking("//", 2)
        elif sign == "-" and balance > 20:
            booking = _Booking("-", rng.randrange(balance // 10 + 1, balance // 2 + 2))
        else:
            booking = _Booking("+", number_of_digits(rng, digits))
        bookings.append(booking)
        balance = booking.book(balance)
    return bookings


def _book(start: int, bookings: Sequence[_Booking]) -> Variant:
    balance, lines = start, [f"balance = {start}"]
    for booking in bookings:
        balance = booking.book(balance)
        lines.append(f"balance = balance {booking.sign} {booking.amount}")
    return Variant(balance, program(*lines, "return balance"))


# --- Large numbers ---------------------------------------------------------------------------

_PRODUCTS = (
    (
        "A mill fills {a} crates with {b} bolts each",
        "and {a} more crates with {b} bolts each",
        "of all these bolts {rest} are scrapped. How many bolts are left?",
    ),
    (
        "Work out exactly: {a} times {b}",
        "plus {a} times {b}",
        "minus {rest}. Give the whole number.",
    ),
    (
        "An archive has {a} shelves of {b} pages",
        "a second hall with {a} shelves of {b} pages",
        "and {rest} pages are blank. How many pages carry text?",
    ),
)


def _bignum(rng: random.Random, draw: Draw) -> Draft:
    digits = draw.digits(3, 6)
    pairs = [
        (number_of_digits(rng, digits), number_of_digits(rng, max(2, digits - rng.randrange(2))))
        for _ in range(draw.count(1, 3))
    ]
    total = sum(a * b for a, b in pairs)
    rest = rng.randrange(total // 9, total // 3)
    first, more, last = _PRODUCTS[draw.wording % len(_PRODUCTS)]
    parts = [(first if i == 0 else more).format(a=a, b=b) for i, (a, b) in enumerate(pairs)]
    question = f"{', '.join(parts)}; {last.format(rest=rest)}"
    products = " + ".join(f"{a} * {b}" for a, b in pairs)
    (a, b), others = pairs[0], sum(a * b for a, b in pairs[1:])
    sums = [f"{c} * {d}" for c, d in pairs[1:]]
    variants = [
        Variant(total - rest, program(f"total = {products}", f"return total - {rest}")),
        Variant(total, program(f"total = {products}", "return total")),
        Variant(total + rest, program(f"total = {products}", f"return total + {rest}")),
        Variant(
            a + b + others - rest,
            program(f"total = {' + '.join([str(a), str(b), *sums])}", f"return total - {rest}"),
        ),
    ]
    return solved(
        question,
        variants,
        skill=Skill.ARITHMETIC,
        steps=2 * len(pairs),
        load=0.35 + 0.5 * (digits - 3) / 3,
        more_slips=near_misses(total - rest, rng),
    )


# --- Rates -----------------------------------------------------------------------------------

_RATES = (
    (
        "{who} cycles in stages:",
        "{minutes} minutes at {rate} km per hour",
        "How many metres is the whole ride?",
        1000,
    ),
    (
        "A boat with {who} at the helm goes up a canal:",
        "{minutes} minutes at {rate} km per hour",
        "How many metres does the boat cover in all?",
        1000,
    ),
    (
        "{who} fills a pool from a hose whose flow is changed now and then:",
        "{minutes} minutes at {rate} hectolitres per hour",
        "How many litres are in the pool, which was empty before?",
        100,
    ),
)


def _rates(rng: random.Random, draw: Draw) -> Draft:
    opening, stage, closing, factor = _RATES[draw.wording % len(_RATES)]
    unit = 60 // math.gcd(60, factor)
    legs = [
        (
            unit * rng.randrange(2, 6 + draw.digits(2, 14)),
            rng.randrange(4, 10 ** draw.digits(1, 3) + 9),
        )
        for _ in range(draw.count(2, 5))
    ]
    stages = [stage.format(minutes=m, rate=r) for m, r in legs]
    question = f"{opening.format(who=rng.choice(NAMES))} {', then '.join(stages)}. {closing}"
    variants = [
        _travelled(legs, factor, "sum(m * r for m, r in legs)", sum(m * r for m, r in legs)),
        _travelled(
            legs[:-1], factor, "sum(m * r for m, r in legs)", sum(m * r for m, r in legs[:-1])
        ),
        Variant(
            sum(m * r for m, r in legs) * factor // 100,
            program(f"legs = {legs}", f"return sum(m * r for m, r in legs) * {factor} // 100"),
        ),
        _travelled(
            legs,
            factor,
            "sum(m for m, r in legs) * sum(r for m, r in legs) // len(legs)",
            sum(m for m, r in legs) * sum(r for m, r in legs) // len(legs),
        ),
    ]
    return solved(
        question,
        variants,
        skill=Skill.ARITHMETIC,
        steps=2 * len(legs),
        load=0.05 + 0.35 * draw.load,
        more_slips=near_misses(int(str(variants[0].value)), rng),
    )


def _travelled(legs: Sequence[tuple[int, int]], factor: int, formula: str, sum_: int) -> Variant:
    return Variant(
        sum_ * factor // 60, program(f"legs = {list(legs)}", f"return {formula} * {factor} // 60")
    )


def _describe_ledger(draw: Draw) -> str:
    return (
        f"Accounts with about {draw.count(3, 9)} bookings, one after the other, on numbers of "
        f"about {draw.digits(2, 7)} digits. The answer is the final balance, a whole number."
    )


def _describe_bignum(draw: Draw) -> str:
    return (
        f"Exact results with products of numbers of about {draw.digits(3, 6)} digits. "
        "The answer is a whole number, all its digits count."
    )


def _describe_rates(draw: Draw) -> str:
    return (
        f"Rates and units: {draw.count(2, 5)} stages, minutes against hours, and the result in a "
        "smaller unit. The answer is a whole number."
    )


LEDGER = Family("ledger", "mathematics", Answer.NUMBER, _describe_ledger, _ledger)
BIGNUM = Family("bignum", "mathematics", Answer.NUMBER, _describe_bignum, _bignum)
RATES = Family("rates", "mathematics", Answer.NUMBER, _describe_rates, _rates)
