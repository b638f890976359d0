"""Toy tasks: problems that the package makes itself, from a seed.

In: a name such as `toy_ledger` or `toy_ledger/3`. Out: a Task. The part before the slash is a
family, one kind of problem; the number is a draw, which sets how long, how heavy and how worded
its problems are. Problem `i` of a draw depends on family, draw, seed and `i` alone, and `i`
decides which set it may stand in, so sets of any size never overlap.
"""

from __future__ import annotations

import difflib
import hashlib
import random
import re
from collections.abc import Callable, Iterator
from importlib import resources
from itertools import count

from w4s.errors import ConfigError
from w4s.models.answer_book import AnswerKey
from w4s.tasks.base import Interface, Sealed, SearchSet, Sizes, Task
from w4s.tasks.scorers import natural
from w4s.tasks.toy.arithmetic import BIGNUM, LEDGER, RATES
from w4s.tasks.toy.choice import CHOICE, ELEMENTS
from w4s.tasks.toy.coding import LISTS, STRINGS
from w4s.tasks.toy.draws import Answer, Draft, Draw, Family, draw_of
from w4s.tasks.toy.expressions import GRIDS, REMAINDERS
from w4s.tasks.toy.households import RECIPES, TILING, TRAINS
from w4s.tasks.toy.mixtures import MEDLEY, MIXTURE
from w4s.tasks.toy.numbers import COUNTING, PRIMES
from w4s.tasks.toy.papers import DIARY, LETTERS, MINUTES
from w4s.tasks.toy.places import LOCKERS, SEATING
from w4s.tasks.toy.puzzles import DATES, ORDER, ROBOT
from w4s.tasks.toy.quizzes import AUCTION, RIVERS
from w4s.tasks.toy.reading import PASSAGE, REPORT, TALLY
from w4s.tasks.toy.scoring import metric_of, scorer_of
from w4s.types import Problem

PREFIX = "toy_"

PRIVATE, PUBLIC, TRAINING, TEST = range(4)
"""Which of the four sets problem `i` belongs to: `i` modulo 4."""
_DEFAULT_SIZES = {PRIVATE: 128, PUBLIC: 10, TRAINING: 200, TEST: 300}

_FAMILIES = {
    family.name: family
    for family in (
        LEDGER, BIGNUM, RATES, PRIMES, COUNTING, ORDER, DATES, ROBOT,
        PASSAGE, TALLY, REPORT, CHOICE, ELEMENTS, LISTS, STRINGS, MIXTURE,
        TILING, TRAINS, RECIPES, REMAINDERS, GRIDS, LOCKERS, SEATING,
        LETTERS, DIARY, MINUTES, RIVERS, AUCTION, MEDLEY,
    )
}  # fmt: skip


def toy_families() -> tuple[str, ...]:
    """The names of all families, as `load_toy` takes them."""
    return tuple(PREFIX + name for name in _FAMILIES)


def toy_digest() -> str:
    """Hash of everything that toy problems depend on, 16 hexadecimal digits."""
    folder = resources.files("w4s.tasks.toy")
    sources = sorted((f for f in folder.iterdir() if f.name.endswith(".py")), key=lambda f: f.name)
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in sources)).hexdigest()[:16]


def load_toy(name: str, *, seed: int = 0, sizes: Sizes | None = None) -> Task:
    """The task behind `toy_FAMILY` (draw 0) or `toy_FAMILY/DRAW`; ConfigError for other names."""
    family, draw = _named(name)
    asked = sizes or Sizes()
    maker = _Maker(family, draw, seed)
    private = maker.set_of(PRIVATE, asked.private)
    public = maker.set_of(PUBLIC, asked.public)
    training = maker.set_of(TRAINING, asked.training)
    test_size = _DEFAULT_SIZES[TEST] if asked.test is None else asked.test
    return Task(
        name=name,
        family=family.kind,
        description=family.describe(draw),
        example=public[0],
        example_answer=maker.answer(public[0]),
        metric=metric_of(family.answer),
        scorer=scorer_of(family.answer),
        search=SearchSet(private, public),
        training=training,
        sealed=Sealed(lambda: maker.set_of(TEST, test_size), test_size),
        interface=Interface.CODE if family.answer is Answer.CODE else Interface.ANSWER,
        licence="Apache-2.0 (made by this package)",
        source=f"generated: family {family.name}, draw {draw.index}",
        answer_keys=maker.key,
        variant={
            "seed": seed,
            "digest": toy_digest(),
            "sizes": [len(private), len(public), len(training), test_size],
        },
    )


class _Maker:
    """Makes the problems of one draw, and their answer keys again from their ids."""

    def __init__(self, family: Family, draw: Draw, seed: int) -> None:
        self._family = family
        self._draw = draw
        self._stem = f"{PREFIX}{family.name}/{draw.index}/{seed}"
        self._drafts: dict[int, Draft] = {}

    def set_of(self, which: int, size: int | None) -> tuple[Problem, ...]:
        """The first problems of a set."""
        size = _DEFAULT_SIZES[which] if size is None else size
        if size < (0 if which == TRAINING else 1):
            raise ConfigError(f"a toy task needs at least one problem in each set, not {size}")
        return tuple(self._problem(4 * i + which) for i in range(size))

    def key(self, problem: Problem) -> AnswerKey | None:
        """The answer key of a problem of this draw; None for any other problem."""
        stem, _, number = problem.id.rpartition("/")
        if stem != self._stem or not number.isdecimal():
            return None
        return self._draft(int(number)).key

    def answer(self, problem: Problem) -> str:
        """How a right answer looks."""
        key = self.key(problem)
        return key.answer if key is not None else natural(problem.target)

    def _problem(self, i: int) -> Problem:
        draft = self._draft(i)
        return Problem(
            id=f"{self._stem}/{i}",
            origin=f"{self._stem}/{i}",
            question=draft.key.question,
            target=draft.target,
            entry_point=draft.entry_point,
            public_tests=draft.public_tests,
        )

    def _draft(self, i: int) -> Draft:
        if i not in self._drafts:
            self._drafts[i] = next(filter(self._belongs(i % 4), self._candidates(i)))
        return self._drafts[i]

    def _candidates(self, i: int) -> Iterator[Draft]:
        for attempt in count():
            rng = random.Random(f"{self._stem}/{i}/{attempt}")
            yield self._family.make(rng, self._draw)

    def _belongs(self, which: int) -> Callable[[Draft], bool]:
        """Which drafts a set takes: those whose text falls to it.

        So a question that comes up twice, be it under another seed, comes up in the same set.
        Code is exempt: making it is slow, and its function names keep the texts apart.
        """
        if self._family.answer is Answer.CODE:
            return lambda draft: True
        return lambda draft: hashlib.sha256(draft.key.question.encode()).digest()[0] % 4 == which


def _named(name: str) -> tuple[Family, Draw]:
    match = re.fullmatch(rf"{PREFIX}([a-z]+)(?:/(\d{{1,6}}))?", name)
    if match is None or match[1] not in _FAMILIES:
        near = difflib.get_close_matches(name.partition("/")[0], toy_families(), n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ConfigError(
            f"unknown toy task {name!r}{hint} (there are {', '.join(toy_families())}, "
            "each also as NAME/DRAW)"
        )
    return _FAMILIES[match[1]], draw_of(match[1], int(match[2] or 0))
