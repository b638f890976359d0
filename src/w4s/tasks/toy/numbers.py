"""Number theory and counting.

In: a random generator and a draw. Out: one problem with its reference program.
"""

from __future__ import annotations

import math
import random

from w4s.tasks.toy.draws import (
    NAMES,
    Answer,
    Draft,
    Draw,
    Family,
    Variant,
    computed,
    listed,
    program,
)

# --- Number theory ---------------------------------------------------------------------------


def _primes(rng: random.Random, draw: Draw) -> Draft:
    kinds = (_sieved, _prime_sum, _power, _divisors)
    return kinds[(draw.wording + rng.randrange(2)) % len(kinds)](rng, draw)


def _sieved(rng: random.Random, draw: Draw) -> Draft:
    high = rng.randrange(60, 10 ** draw.digits(2, 4) + 200)
    low = rng.randrange(1, high // 3)
    a, b = rng.sample((2, 3, 5, 7, 11, 13), 2)
    c = rng.choice([k for k in (2, 3, 4, 5, 6, 7, 9) if k not in (a, b)])
    question = (
        f"How many whole numbers from {low} to {high}, both included, are divisible by {a} or by "
        f"{b}, but not by {c}?"
    )

    def counted(first: int, last: int, condition: str, keep: list[int]) -> Variant:
        text = program(f"return sum(1 for n in range({first}, {last}) if {condition})")
        return Variant(len(keep), text)

    def kept(first: int, last: int) -> list[int]:
        return [n for n in range(first, last) if (n % a == 0 or n % b == 0) and n % c]

    right = f"(n % {a} == 0 or n % {b} == 0) and n % {c} != 0"
    whole = range(low, high + 1)
    variants = [
        counted(low, high + 1, right, kept(low, high + 1)),
        counted(
            low,
            high + 1,
            f"n % {a} == 0 or n % {b} == 0",
            [n for n in whole if n % a == 0 or n % b == 0],
        ),
        counted(low + 1, high, right, kept(low + 1, high)),
        counted(
            low,
            high + 1,
            f"n % {a} == 0 and n % {b} == 0 and n % {c} != 0",
            [n for n in whole if n % a == 0 and n % b == 0 and n % c],
        ),
    ]
    return computed(question, variants, rng, steps=5, load=0.1 + 0.3 * draw.load)


def _prime_sum(rng: random.Random, draw: Draw) -> Draft:
    low = rng.randrange(2, 200 + 10 ** draw.digits(1, 4))
    high = low + rng.randrange(15, 40 + draw.count(5, 45))
    question = f"What is the sum of all prime numbers from {low} to {high}, both included?"
    prime = "n > 1 and all(n % k for k in range(2, int(n ** 0.5) + 1))"
    odd = "n % 2 and n % 3"
    variants = [
        Variant(
            sum(n for n in range(low, high + 1) if _is_prime(n)),
            program(f"return sum(n for n in range({low}, {high + 1}) if {prime})"),
        ),
        Variant(
            sum(n for n in range(low, high + 1) if n % 2 and n % 3),
            program(f"return sum(n for n in range({low}, {high + 1}) if {odd})"),
        ),
        Variant(
            sum(n for n in range(low, high) if _is_prime(n)),
            program(f"return sum(n for n in range({low}, {high}) if {prime})"),
        ),
        Variant(
            sum(1 for n in range(low, high + 1) if _is_prime(n)),
            program(f"return sum(1 for n in range({low}, {high + 1}) if {prime})"),
        ),
    ]
    return computed(question, variants, rng, steps=6, load=0.15 + 0.35 * draw.load)


def _power(rng: random.Random, draw: Draw) -> Draft:
    base, modulus = rng.randrange(3, 60), rng.randrange(7, 10 ** draw.digits(1, 3) + 11)
    exponent = rng.randrange(5, 12 + draw.count(4, 60))
    question = f"What is the remainder when {base} to the power {exponent} is divided by {modulus}?"
    variants = [
        Variant(
            pow(base, exponent, modulus), program(f"return pow({base}, {exponent}, {modulus})")
        ),
        Variant(
            pow(base, exponent - 1, modulus),
            program(f"return pow({base}, {exponent - 1}, {modulus})"),
        ),
        Variant(base * exponent % modulus, program(f"return {base} * {exponent} % {modulus}")),
        Variant(
            pow(base, exponent, modulus + 1),
            program(f"return pow({base}, {exponent}, {modulus + 1})"),
        ),
    ]
    return computed(question, variants, rng, steps=5, load=0.2 + 0.4 * draw.load)


def _divisors(rng: random.Random, draw: Draw) -> Draft:
    number = rng.choice((12, 18, 20, 28, 30)) * math.prod(
        rng.choice((2, 3, 4, 5, 7, 9, 11, 13)) for _ in range(draw.count(1, 3))
    )
    least, most = rng.randrange(2, 16), rng.randrange(number // 9, number)
    question = f"How many divisors of {number} lie between {least} and {most}, both included?"
    divisors = [n for n in range(1, number + 1) if number % n == 0]

    def counted(first: int, last: int) -> Variant:
        text = program(f"return sum(1 for n in range({first}, {last}) if {number} % n == 0)")
        return Variant(sum(1 for n in divisors if first <= n < last), text)

    variants = [
        counted(least, most + 1),
        counted(1, number + 1),
        counted(least, number + 1),
        counted(1, most + 1),
    ]
    return computed(question, variants, rng, steps=4, load=0.1 + 0.3 * draw.load)


def _is_prime(n: int) -> bool:
    return n > 1 and all(n % k for k in range(2, math.isqrt(n) + 1))


# --- Counting --------------------------------------------------------------------------------

_GROUPS = (
    ("bakers", "carpenters", "a committee"),
    ("violins", "flutes", "a band"),
    ("red tiles", "grey tiles", "a sample"),
)
_LETTERS = "BDFGKLMNPRST"


def _counting(rng: random.Random, draw: Draw) -> Draft:
    kinds = (_committees, _words, _paths, _totals)
    return kinds[(draw.wording + rng.randrange(2)) % len(kinds)](rng, draw)


def _committees(rng: random.Random, draw: Draw) -> Draft:
    these, those, group = rng.choice(_GROUPS)
    a, b = (rng.randrange(6, 22 + 2 * draw.digits(1, 9)) for _ in range(2))
    size = rng.randrange(3, 4 + draw.count(1, 3))
    least = rng.randrange(1, size)
    question = (
        f"From {a} different {these} and {b} different {those}, {rng.choice(NAMES)} chooses "
        f"{group} of {size}. In how many ways can this be done with at least {least} of the "
        f"{these}?"
    )

    def ways(first: int, last: int) -> Variant:
        value = sum(math.comb(a, k) * math.comb(b, size - k) for k in range(first, last))
        formula = f"comb({a}, k) * comb({b}, {size} - k)"
        body = f"return sum({formula} for k in range({first}, {last}))"
        return Variant(value, program("from math import comb", body))

    loose = math.comb(a, least) * math.comb(a + b - least, size - least)
    variants = [
        ways(least, size + 1),
        Variant(
            loose,
            program(
                "from math import comb",
                f"return comb({a}, {least}) * comb({a + b - least}, {size - least})",
            ),
        ),
        ways(least, least + 1),
        ways(0, size + 1),
    ]
    return computed(question, variants, rng, steps=5, load=0.2 + 0.35 * draw.load)


def _words(rng: random.Random, draw: Draw) -> Draft:
    kinds = rng.sample(_LETTERS, draw.count(3, 4))
    counts = [rng.randrange(1, 4) for _ in kinds]
    counts[0] += 1
    tiles = [f"{n} times {letter}" for n, letter in zip(counts, kinds, strict=True)]
    question = (
        f"A set of letter tiles holds {listed(tiles)}. How many different rows can be laid that "
        f"use all the tiles and begin with {kinds[0]}?"
    )
    rest = [counts[0] - 1, *counts[1:]]

    def arranged(numbers: list[int]) -> Variant:
        value = math.factorial(sum(numbers)) // math.prod(map(math.factorial, numbers))
        below = "prod(factorial(n) for n in counts)"
        return Variant(
            value,
            program(
                "from math import factorial, prod",
                f"counts = {numbers}",
                f"return factorial(sum(counts)) // {below}",
            ),
        )

    everything = Variant(
        math.factorial(sum(rest)),
        program("from math import factorial", f"return factorial({sum(rest)})"),
    )
    variants = [arranged(rest), arranged(counts), everything]
    return computed(question, variants, rng, steps=4, load=0.2 + 0.3 * draw.load)


def _paths(rng: random.Random, draw: Draw) -> Draft:
    width, height = (rng.randrange(5, 13 + draw.digits(1, 5)) for _ in range(2))
    x, y = rng.randrange(1, width), rng.randrange(1, height)
    question = (
        f"In a city grid {rng.choice(NAMES)} walks from corner (0, 0) to corner "
        f"({width}, {height}), each step one block east or north. How many shortest ways do not "
        f"pass through corner ({x}, {y})?"
    )
    all_ways = math.comb(width + height, width)
    through = math.comb(x + y, x) * math.comb(width + height - x - y, width - x)

    def written(formula: str) -> str:
        return program("from math import comb", f"return {formula}")

    both = f"comb({x + y}, {x}) * comb({width + height - x - y}, {width - x})"
    variants = [
        Variant(all_ways - through, written(f"comb({width + height}, {width}) - {both}")),
        Variant(through, written(both)),
        Variant(all_ways, written(f"comb({width + height}, {width})")),
        Variant(
            all_ways - math.comb(x + y, x),
            written(f"comb({width + height}, {width}) - comb({x + y}, {x})"),
        ),
    ]
    return computed(question, variants, rng, steps=4, load=0.15 + 0.35 * draw.load)


def _totals(rng: random.Random, draw: Draw) -> Draft:
    faces = [rng.choice((4, 6, 8, 10, 12)) for _ in range(draw.count(2, 4))]
    total = rng.randrange(len(faces) + 2, sum(faces) - 1)
    question = (
        f"{rng.choice(NAMES)} rolls {len(faces)} dice of different colours. Their faces count "
        f"from 1 to {listed(list(map(str, faces)))}. In how many outcomes is the total at least "
        f"{total}?"
    )

    def outcomes(compare: str, keep: list[int]) -> Variant:
        body = f"return sum(sum(roll) {compare} for roll in product(*faces))"
        rolls = f"faces = [range(1, n + 1) for n in {faces}]"
        return Variant(len(keep), program("from itertools import product", rolls, body))

    sums = [0]
    for most in faces:
        sums = [s + face for s in sums for face in range(1, most + 1)]
    variants = [
        outcomes(f">= {total}", [s for s in sums if s >= total]),
        outcomes(f"> {total}", [s for s in sums if s > total]),
        outcomes(f"== {total}", [s for s in sums if s == total]),
        outcomes(f"<= {total}", [s for s in sums if s <= total]),
    ]
    return computed(question, variants, rng, steps=4, load=0.15 + 0.3 * draw.load)


def _describe_primes(draw: Draw) -> str:
    return (
        "Elementary number theory: divisibility, primes, remainders, divisors. "
        "The answer is a whole number."
    )


def _describe_counting(draw: Draw) -> str:
    return "Combinatorics: in how many ways something can be done. The answer is a whole number."


PRIMES = Family("primes", "mathematics", Answer.NUMBER, _describe_primes, _primes)
COUNTING = Family("counting", "mathematics", Answer.NUMBER, _describe_counting, _counting)
