"""A data set as a folder: examples, data card, picture.

In: trajectories of one run or of several, and a DatasetConfig. Out: a folder that the trainer and
the Hugging Face `datasets` library read, and its statistics.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from w4s.errors import ConfigError
from w4s.training.card import FILE, Lengths, Statistics, card, picture, statistics
from w4s.training.dataset import Choices, collect_examples, write_examples
from w4s.training.settings import DatasetConfig
from w4s.types import Example, Trajectory


def export(config: DatasetConfig, trajectories: Iterable[Trajectory]) -> Statistics:
    """Write the data set; examples that are too long are left out whole and counted."""
    found = collect_examples(trajectories, Choices.of(config))
    kept, lengths = _measured(config, found)
    if not kept:
        raise ConfigError(
            f"nothing to learn from: {len(found)} actions pass the filters, of which"
            f" {len(found) - len(kept)} are longer than {config.max_tokens} tokens"
        )
    counted = statistics(kept, lengths, too_long=len(found) - len(kept))
    config.out.mkdir(parents=True, exist_ok=True)
    title = f"Actions on {', '.join(counted.tasks)}"
    (config.out / "README.md").write_text(card(title, counted, config.settings()))
    (config.out / "rewards.svg").write_text(picture(counted.rewards))
    write_examples(config.out / FILE, kept)
    return counted


def _measured(
    config: DatasetConfig, found: Sequence[Example]
) -> tuple[list[Example], list[Lengths] | None]:
    """The examples that are short enough, with their lengths where a tokeniser is given."""
    if config.model is None:
        return list(found), None
    from w4s.training.tokens import Tokeniser
    from w4s.training.weights import load_tokeniser

    reader = Tokeniser(load_tokeniser(config.model), config.max_tokens)
    rows = [reader.row(example) for example in found]
    short = [
        (example, Lengths(row.prompt, len(row.ids) - row.prompt))
        for example, row in zip(found, rows, strict=True)
        if len(row.ids) <= config.max_tokens
    ]
    return [example for example, _ in short], [length for _, length in short]
