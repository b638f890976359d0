"""Imitation beside rewards: programs of the grammar among the examples of a round.

In: weighted examples of a collection. Out: the same with examples of the corpus between them. A
model of a million parameters forgets within a round how a task is read (the line of needs) and how
programs are written, unless it goes on practising; large models have no need of this.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from dataclasses import replace

from w4s.training.corpus import corpus
from w4s.types import Example


def with_replay(
    found: Sequence[Example], rng: random.Random, *, share: float = 0.3, weight: float = 0.5
) -> list[Example]:
    """Add `share` times as many examples of the corpus, each `weight` times the mean weight."""
    mean = sum(example.weight for example in found) / max(1, len(found))
    practised = itertools.islice(corpus(rng), round(share * len(found)))
    return [*found, *(replace(example, weight=weight * mean) for example in practised)]
