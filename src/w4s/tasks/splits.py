"""Divide the problems of a task into training, private, public and test sets.

In: problems, each with its origin. Out: `Sets` that share no origin. Every rule is a shuffle
with a stated seed, so the same data gives the same sets on every machine.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeVar

from w4s.errors import ConfigError
from w4s.tasks.base import Sizes, Task
from w4s.types import Problem

T = TypeVar("T")

PRIVATE = 128
"""Private validation problems of a search on a benchmark, unless asked otherwise."""
PUBLIC = 10
"""Public ones."""


@dataclass(frozen=True, slots=True)
class Sets:
    """The four sets of a task."""

    private: tuple[Problem, ...]
    public: tuple[Problem, ...]
    training: tuple[Problem, ...]
    test: tuple[Problem, ...]

    def sized(self, name: str, sizes: Sizes | None) -> Sets:
        """The first problems of each set; ConfigError when a set has too few."""
        if sizes is None:
            return self
        return Sets(
            _first(self.private, sizes.private, f"{name} has", "private validation"),
            _first(self.public, sizes.public, f"{name} has", "public"),
            _first(self.training, sizes.training, f"{name} has", "training"),
            _first(self.test, sizes.test, f"{name} has", "test"),
        )


def _first(
    problems: tuple[Problem, ...], size: int | None, start: str, kind: str
) -> tuple[Problem, ...]:
    if size is None:
        return problems
    if size > len(problems):
        raise ConfigError(f"{start} {len(problems)} {kind} problems; {size} were asked for")
    if size < 1 and kind != "training":
        raise ConfigError(f"a task needs at least one problem in its {kind} set, not {size}")
    return problems[:size]


def shuffled(items: Iterable[T], seed: int) -> list[T]:
    """A copy in the order that `random.seed(seed); random.shuffle(items)` gives."""
    copy = list(items)
    random.Random(seed).shuffle(copy)
    return copy


def deal(problems: Sequence[Problem], sizes: Sizes, seed: int) -> Sets:
    """Sets by origin: origins are shuffled with `seed` and handed out whole.

    Test is filled first, then private, then public; training gets `sizes.training` of the rest,
    or all of it. A set whose last origin brings too many problems leaves the surplus out, so
    that no origin is ever in two sets.
    """
    groups: dict[str, list[Problem]] = {}
    for problem in problems:
        groups.setdefault(problem.origin, []).append(problem)
    origins = iter(shuffled(groups, seed))

    def take(size: int | None) -> tuple[Problem, ...]:
        taken: list[Problem] = []
        while size is None or len(taken) < size:
            origin = next(origins, None)
            if origin is None:
                break
            taken += groups[origin]
        return tuple(taken[:size])

    test, private, public = take(sizes.test), take(sizes.private), take(sizes.public)
    return Sets(private=private, public=public, training=take(sizes.training), test=test)


def by_role(problems: Iterable[Problem], roles: dict[str, str], seed: int) -> Sets:
    """Sets by a given role of each origin: `private`, `public`, `training` or `test`.

    Each set is shuffled with `seed`. Used where several tasks share origins and must agree.
    """
    sets: dict[str, list[Problem]] = {"private": [], "public": [], "training": [], "test": []}
    for problem in problems:
        sets[roles[problem.origin]].append(problem)
    return Sets(**{role: tuple(shuffled(found, seed)) for role, found in sets.items()})


def pooled(order: Sequence[Problem], *, private: int, test: int, public: int) -> Sets:
    """Slices of problems already in order: private, then test, then public, training the rest."""
    end = private + test
    return Sets(
        private=tuple(order[:private]),
        test=tuple(order[private:end]),
        public=tuple(order[end : end + public]),
        training=tuple(order[end + public :]),
    )


def drawn(name: str, pools: Sets, sizes: Sizes | None, seed: int) -> Sets:
    """The sets of one run out of the fixed sets of a benchmark.

    The public problems are drawn from their pool with `seed`; of the other sets the first
    problems are taken. Unless asked otherwise a search has 128 private and 10 public problems, as
    far as there are so many.
    """
    asked = sizes or Sizes()
    public = shuffled(pools.public, seed)
    private_size = min(PRIVATE, len(pools.private)) if asked.private is None else asked.private
    public_size = min(PUBLIC, len(public)) if asked.public is None else asked.public
    every = Sets(pools.private, tuple(public), pools.training, pools.test)
    return every.sized(name, Sizes(private_size, public_size, asked.training, asked.test))


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two sets that share origins."""

    first: str
    """`gsm8k test`."""
    second: str
    origins: tuple[str, ...]
    """What they share, sorted."""

    def __str__(self) -> str:
        return f"{self.first} and {self.second} share {len(self.origins)} origins"


def overlaps(tasks: Sequence[Task]) -> list[Overlap]:
    """Every pair of sets, within and across tasks, that shares an origin and should not.

    Two sets of the same kind may share (the test problems of GSM8K and GSM-Hard have common
    origins); a test, search or training set may not share with a set of another kind. Reads the
    origins of the sealed problems and nothing else of them.
    """
    found = []
    for (name_a, kind_a, a), (name_b, kind_b, b) in combinations(_origins(tasks), 2):
        shared = a & b
        if kind_a != kind_b and shared:
            found.append(Overlap(f"{name_a} {kind_a}", f"{name_b} {kind_b}", tuple(sorted(shared))))
    return found


def _origins(tasks: Sequence[Task]) -> Iterable[tuple[str, str, frozenset[str]]]:
    for task in tasks:
        yield task.name, "private", frozenset(p.origin for p in task.search.private)
        yield task.name, "public", frozenset(p.origin for p in task.search.public)
        yield task.name, "training", frozenset(p.origin for p in task.training)
        yield task.name, "test", task.sealed.origins()
