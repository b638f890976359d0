"""A data set as a folder: examples, data card, picture.

In: trajectories of one run or of several, and a DatasetConfig. Out: a folder that the trainer and
the Hugging Face `datasets` library read, and its statistics.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from w4s.errors import ConfigError
from w4s.meta_agent import Form
from w4s.store import write_whole
from w4s.training.card import Lengths, Statistics, card, picture, statistics
from w4s.training.dataset import FILE, Choices, collect_examples, write_examples
from w4s.training.replay import with_replay
from w4s.training.settings import DatasetConfig
from w4s.types import Example, Trajectory

CARD = "README.md"


def export(config: DatasetConfig, trajectories: Iterable[Trajectory]) -> Statistics:
    """Write the data set; examples that are too long are left out whole and counted. ConfigError
    where nothing is left, or where the folder holds something else."""
    _need_room(config.out)
    found = collect_examples(trajectories, Choices.of(config))
    if config.replay:
        if config.form == Form.FULL.value:
            raise ConfigError(
                "replay is for small meta-agents, and these runs show their states in full;"
                " leave out --replay"
            )
        # Other programs in each round: they are drawn by what was collected.
        rng = random.Random(found[0].trajectory if found else 0)
        found = with_replay(found, rng, share=config.replay)
    measured = _Measured.of(config, found)
    kept, too_long = measured.kept, len(found) - len(measured.kept)
    if not kept:
        raise ConfigError(
            f"nothing to learn from: {len(found)} actions pass the filters"
            + (f", and all are longer than {measured.limit} tokens" if too_long else "")
        )
    counted = statistics(kept, measured.lengths, too_long)
    write_examples(config.out / FILE, kept)
    title = f"Actions on {', '.join(counted.tasks)}"
    write_whole(config.out / CARD, card(title, counted, config.settings()))
    write_whole(config.out / "rewards.svg", picture(counted.rewards))
    return counted


def _need_room(out: Path) -> None:
    """A folder for the data set, in which nobody else's card is replaced."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise ConfigError(f"cannot write to {out}: {reason}; name another --out FOLDER") from None
    if not os.access(out, os.W_OK):
        raise ConfigError(f"cannot write to {out}; name another --out FOLDER")
    if (out / CARD).exists() and not (out / FILE).exists():
        raise ConfigError(f"{out} holds a {CARD} of its own; name another --out FOLDER")


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
            if "max_tokens" in config.model_fields_set:
                raise ConfigError("whose tokens? add --model CHECKPOINT to --max-tokens")
            return cls(found, None, config.max_tokens)
        from w4s.training.tokens import Tokeniser
        from w4s.training.weights import context_of, load_tokeniser

        limit = min(config.max_tokens, context_of(config.model) or config.max_tokens)
        reader = Tokeniser(load_tokeniser(config.model), limit)
        rows = [reader.row(example) for example in found]
        short = [(e, row) for e, row in zip(found, rows, strict=True) if len(row.ids) <= limit]
        lengths = [Lengths(row.prompt, len(row.ids) - row.prompt) for _, row in short]
        return cls([example for example, _ in short], lengths, limit)
