"""What the toy families share: the draw of a task, the draft of a problem, slips.

In: random generators made from texts, so that the same name gives the same problem in every
process. Out: records that the families fill and `w4s.tasks.toy` turns into tasks.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from w4s.models.answer_book import AnswerKey, Skill
from w4s.types import JSON

NAMES = (
    "Ada", "Bruno", "Chidi", "Dagny", "Emeka", "Farah", "Goran", "Hana", "Imre", "Jolanta",
    "Kofi", "Lucia", "Marek", "Nadia", "Otto", "Priya", "Quentin", "Rosa", "Sven", "Tala",
    "Umar", "Vera", "Wanda", "Ximena", "Yusuf", "Zelda",
)  # fmt: skip
GUESTS = (
    "Anselm", "Bettina", "Cyril", "Delphine", "Esteban", "Fiona", "Gustav", "Harriet", "Ilse",
    "Joaquin", "Kirsten", "Leopold", "Mireille", "Noel", "Oriana", "Percy", "Ragna", "Silvio",
    "Tamsin", "Ulrich", "Viola", "Wilbur",
)  # fmt: skip
"""Names of the later families; no earlier one has any of them."""
OPTION_LETTERS = "ABCDEFGHIJ"
"""Before the options of a multiple choice."""


class Answer(StrEnum):
    """What an answer of a family looks like, and so how it is scored."""

    NUMBER = "number"
    LETTER = "letter"
    TEXT = "text"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Draw:
    """The parameters that make a task of a family. Shares run from 0 to 1."""

    family: str
    index: int
    steps: float
    """How many reasoning steps, as a share of what the family offers."""
    load: float
    """How heavy a single step is."""
    length: float
    """How much stands around what is needed."""
    wording: int
    """Which of the family's phrasings; families take it modulo their number."""

    def count(self, least: int, most: int) -> int:
        """A number of steps from the family's range."""
        return least + round(self.steps * (most - least))

    def padding(self, least: int, most: int) -> int:
        """A number of distractors from the family's range."""
        return least + round(self.length * (most - least))

    def digits(self, least: int, most: int) -> int:
        """A number of digits from the family's range."""
        return least + round(self.load * (most - least))

    def choose(self, phrasings: Sequence[str]) -> str:
        return phrasings[self.wording % len(phrasings)]


@dataclass(frozen=True, slots=True)
class Draft:
    """One generated problem before it has a place in a set."""

    target: JSON
    key: AnswerKey
    entry_point: str | None = None
    public_tests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of problem."""

    name: str
    kind: str
    """`Task.family`."""
    answer: Answer
    describe: Callable[[Draw], str]
    """The task in prose, for the meta-agent."""
    make: Callable[[random.Random, Draw], Draft]


def draw_of(family: str, index: int) -> Draw:
    """The parameters of one draw; draw 0 is the family's middle."""
    if index == 0:
        return Draw(family, 0, 0.5, 0.5, 0.5, 0)
    rng = random.Random(f"draw of {family} {index}")
    return Draw(family, index, rng.random(), rng.random(), rng.random(), rng.randrange(1000))


@dataclass(frozen=True, slots=True)
class Variant:
    """A way to solve a problem: what it gives, and the program that gives it."""

    value: object
    program: str


def solved(
    question: str,
    variants: Sequence[Variant],
    *,
    skill: Skill,
    steps: int,
    load: float,
    more_slips: Iterable[object] = (),
) -> Draft:
    """A draft from the right way (the first variant) and tempting wrong ones.

    A wrong way that happens to give the right value is left out.
    """
    right, *wrong = variants
    wrong = [variant for variant in wrong if variant.value != right.value]
    slips = dict.fromkeys(
        text
        for text in map(str, [*(variant.value for variant in wrong), *more_slips])
        if text != str(right.value)
    )
    key = AnswerKey(
        question=question,
        answer=str(right.value),
        skill=skill,
        steps=max(1, steps),
        load=min(1.0, max(0.0, load)),
        program=right.program or None,
        slips=tuple(slips),
        broken=tuple(dict.fromkeys(variant.program for variant in wrong if variant.program)),
    )
    return Draft(target=str(right.value), key=key)


def computed(
    question: str,
    variants: Sequence[Variant],
    rng: random.Random,
    *,
    skill: Skill = Skill.ARITHMETIC,
    steps: int,
    load: float,
) -> Draft:
    """As `solved`, for a whole number as the answer: slips of the pen are tempting too."""
    return solved(
        question,
        variants,
        skill=skill,
        steps=steps,
        load=load,
        more_slips=near_misses(int(str(variants[0].value)), rng),
    )


def asked(
    ask: str,
    options: Sequence[str],
    right: str,
    tempting: Sequence[str],
    *,
    skill: Skill,
    steps: int,
    load: float,
) -> Draft:
    """A multiple choice, its options in the order given; `tempting` ones first among the slips."""
    letter = dict(zip(options, OPTION_LETTERS, strict=False))
    shown = "\n".join(f"{letter[option]}) {option}" for option in options)
    return solved(
        f"{ask}\n{shown}",
        [Variant(letter[right], "")],
        skill=skill,
        steps=steps,
        load=load,
        more_slips=[letter[option] for option in tempting],
    )


def with_asides(
    sentences: Sequence[str], asides: Sequence[str], draw: Draw, rng: random.Random
) -> str:
    """A passage: the sentences in random order, with some that do not matter among them."""
    mixed = [*sentences, *(rng.choice(asides) for _ in range(draw.padding(1, 6)))]
    rng.shuffle(mixed)
    return " ".join(mixed)


def worked_out(*lines: str, **data: object) -> Variant:
    """A way given by its program alone: lines that work on data. It is run for its value."""
    given = (f"{name} = {value!r}" for name, value in data.items())
    return Variant(_compiled(tuple(data), lines)(*data.values()), program(*given, *lines))


@lru_cache(maxsize=256)
def _compiled(names: tuple[str, ...], lines: tuple[str, ...]) -> Callable[..., object]:
    """The lines as a function of the data, because the same ones are run for many problems."""
    text = program(*lines).replace("solution()", f"solution({', '.join(names)})", 1)
    found: dict[str, Callable[..., object]] = {}
    exec(text, found)
    return found["solution"]


def near_misses(value: int, rng: random.Random) -> list[int]:
    """Slips of the pen: a carry lost, two digits swapped, one digit wrong."""
    power = 10 ** rng.randrange(max(1, len(str(abs(value))) - 1))
    digits = list(str(abs(value)))
    if len(digits) > 1:
        i = rng.randrange(len(digits) - 1)
        digits[i], digits[i + 1] = digits[i + 1], digits[i]
    swapped = int("".join(digits)) * (-1 if value < 0 else 1)
    return [value - power, swapped, value + rng.choice((1, 2, 5)) * power]


def number_of_digits(rng: random.Random, digits: int) -> int:
    """A random number with so many digits, not a round one."""
    number = rng.randrange(10 ** (digits - 1), 10**digits)
    return number + 1 if number % 10 == 0 else number


def listed(items: Sequence[str], last: str = "and") -> str:
    """`a, b and c`."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}"


def counted(number: int, noun: str) -> str:
    """`1 room`, `3 rooms`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def program(*lines: str) -> str:
    """Lines as the body of `solution()`."""
    return "\n    ".join(("def solution():", *lines)) + "\n"
