"""Which tries go into which step, onto which rank, into which pass.

In: the sizes of the tries. Out: Steps. A plan is a pure function of its arguments, so every rank
makes the same one, and a run that goes on finds the step where it stopped. A step is the unit of
the optimiser; its loss is normalised over all its ranks and passes.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """What planning must know of a trie."""

    rows: int
    tokens: int
    cost: float
    """Relative cost of computing it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the optimiser."""

    epoch: int
    """From 0."""
    tries: tuple[int, ...]
    """Numbers of all its tries."""
    passes: tuple[tuple[tuple[int, ...], ...], ...]
    """Per rank, per pass, the tries computed together. All ranks have equally many passes, since
    sharded models are computed in step; a rank may have empty ones."""


def plan_steps(
    sizes: Sequence[Size],
    *,
    epochs: int,
    rows_per_step: int,
    tokens_per_pass: int,
    ranks: int,
    seed: int,
) -> list[Step]:
    """All steps of a run. Each epoch takes every trie once, in an order of its own."""
    steps = []
    for epoch in range(epochs):
        order = list(range(len(sizes)))
        random.Random(f"{seed} {epoch}").shuffle(order)
        for tries in _steps_of(order, sizes, rows_per_step):
            passes = _passes(tries, sizes, tokens_per_pass, ranks)
            steps.append(Step(epoch, tuple(tries), passes))
    return steps


def _steps_of(order: list[int], sizes: Sequence[Size], rows_per_step: int) -> list[list[int]]:
    """Consecutive tries with at least `rows_per_step` rows; a small rest joins the last step."""
    steps: list[list[int]] = [[]]
    rows = 0
    for number in order:
        if rows >= rows_per_step:
            steps.append([])
            rows = 0
        steps[-1].append(number)
        rows += sizes[number].rows
    if len(steps) > 1 and rows * 2 < rows_per_step:
        rest = steps.pop()
        steps[-1] += rest
    return [step for step in steps if step]


def _passes(
    tries: Sequence[int], sizes: Sequence[Size], tokens_per_pass: int, ranks: int
) -> tuple[tuple[tuple[int, ...], ...], ...]:
    shares: list[list[int]] = [[] for _ in range(ranks)]
    load = [0.0] * ranks
    for number in sorted(tries, key=lambda n: (-sizes[n].cost, n)):
        rank = load.index(min(load))
        shares[rank].append(number)
        load[rank] += sizes[number].cost
    packed = [_pack(share, sizes, tokens_per_pass) for share in shares]
    most = max(len(passes) for passes in packed)
    return tuple(tuple(passes) + ((),) * (most - len(passes)) for passes in packed)


def _pack(
    tries: Sequence[int], sizes: Sequence[Size], tokens_per_pass: int
) -> list[tuple[int, ...]]:
    """Each trie into the first pass that has room; one larger than a pass has its own."""
    passes: list[list[int]] = []
    filled: list[int] = []
    for number in tries:
        tokens = sizes[number].tokens
        for place, used in enumerate(filled):
            if used + tokens <= tokens_per_pass:
                passes[place].append(number)
                filled[place] += tokens
                break
        else:
            passes.append([number])
            filled.append(tokens)
    return [tuple(members) for members in passes]
