"""A data set as a folder: examples, data card, picture.

In: trajectories of one run or of several, and a DatasetConfig. Out: a folder that the trainer and
the Hugging Face `datasets` library read, and its statistics.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from w4s.errors import ConfigError
from w4s.training.card import Lengths, Statistics, card, picture, statistics
from w4s.training.dataset import FILE, Choices, collect_examples, write_examples
from w4s.training.replay import with_replay
from w4s.training.settings import DatasetConfig
from w4s.types import Example, Trajectory


def export(config: DatasetConfig, trajectories: Iterable[Trajectory]) -> Statistics:
    """Write the data set; examples that are too long are left out whole and counted."""
    found = collect_examples(trajectories, Choices.of(config))
    if config.replay:
        # Other programs in each round: they are drawn by what was collected.
        rng = random.Random(found[0].trajectory if found else 0)
        found = with_replay(found, rng, share=config.replay)
    measured = _Measured.of(config, found)
    kept, too_long = measured.kept, len(found) - len(measured.kept)
    if not kept:
        raise ConfigError(
            f"nothing to learn from: {len(found)} actions pass the filters, of which {too_long} are"
            f" longer than {measured.limit} tokens"
        )
    counted = statistics(kept, measured.lengths, too_long)
    config.out.mkdir(parents=True, exist_ok=True)
    title = f"Actions on {', '.join(counted.tasks)}"
    (config.out / "README.md").write_text(card(title, counted, config.settings()))
    (config.out / "rewards.svg").write_text(picture(counted.rewards))
    write_examples(config.out / FILE, kept)
    return counted


@dataclass(frozen=True, slots=True)
class _Measured:
    """The examples that are short enough, with their lengths where a tokeniser is given."""

    kept: Sequence[Example]
    lengths: Sequence[Lengths] | None
    limit: int
    """Tokens; of the settings, or of the model where that takes fewer."""

    @classmethod
    def of(cls, config: DatasetConfig, found: Sequence[Example]) -> _Measured:
        if config.model is None:
            return cls(found, None, config.max_tokens)
        from w4s.training.tokens import Tokeniser
        from w4s.training.weights import context_of, load_tokeniser

        limit = min(config.max_tokens, context_of(config.model) or config.max_tokens)
        reader = Tokeniser(load_tokeniser(config.model), limit)
        rows = [reader.row(example) for example in found]
        short = [(e, row) for e, row in zip(found, rows, strict=True) if len(row.ids) <= limit]
        lengths = [Lengths(row.prompt, len(row.ids) - row.prompt) for _, row in short]
        return cls([example for example, _ in short], lengths, limit)
