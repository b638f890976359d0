"""`w4s dataset`: from episodes to weighted examples, and what they are like."""

from __future__ import annotations

import shlex

from rich import box
from rich.table import Table
from rich.text import Text

from w4s.cli.output import output, say
from w4s.commands.learning import make_dataset
from w4s.models.checkpoints import find_checkpoint, is_small
from w4s.training.card import Spread, Statistics, histogram
from w4s.training.settings import DatasetConfig, Selection, Weighting

_BAR = 40
"""Characters of the longest bar."""
_MOST_UNREWARDED = 0.3
_FEW_REWARDED = (
    "Much of the weight imitates what earned nothing, since exp(0 / τ) is 1. With"
    " --reward task_advantage --reward-above 0.5 --temperature 0.5 a small model learned faster"
    " (docs/results.md)."
)


def dataset(config: DatasetConfig) -> None:
    """Merge the runs, write the folder, show its statistics."""
    made = make_dataset(config)
    _show(made.statistics, made.config)


def _show(counted: Statistics, config: DatasetConfig) -> None:
    console = output()
    table = Table(box=box.SIMPLE_HEAD, show_header=False, title=str(config.out))
    table.title_justify = "left"
    table.add_column(no_wrap=True)
    table.add_column()
    rows = {
        "examples": f"{counted.examples - counted.practice} of {counted.trajectories} episodes"
        + (f", and {counted.practice} for practice" if counted.practice else ""),
        "tasks": ", ".join(f"{task} {count}" for task, count in counted.tasks.items()),
        "turns": ", ".join(f"{turn + 1}: {count}" for turn, count in counted.turns.items()),
        "weight on rewards of 0 and less": f"{counted.unrewarded:.0%}",
        "accuracy": _spread(counted.accuracy, "{:.1%}"),
        f"prompt, {counted.unit}": _spread(counted.prompt, "{:,.0f}"),
        f"reply, {counted.unit}": _spread(counted.reply, "{:,.0f}"),
        "duplicates": str(counted.duplicates),
        "with sampled ids": str(counted.sampled_ids),
        "too long, left out": str(counted.too_long),
    }
    for name, text in rows.items():
        table.add_row(name, Text(text))
    bars = histogram(counted.rewards)
    tallest = max(count for _, count in bars)
    for label, count in bars:
        table.add_row(f"reward {label}", f"{'█' * round(_BAR * count / tallest)} {count}")
    console.print(table)
    weighed = (config.selection, config.weighting) == (Selection.ALL, Weighting.EXPONENTIAL)
    if weighed and counted.unrewarded > _MOST_UNREWARDED:
        say(console, _FEW_REWARDED)
    model = config.model or "CHECKPOINT"
    small = config.model is not None and is_small(find_checkpoint(config.model))
    full = " --scheme full --learning-rate 1e-3" if small else ""
    words = shlex.join([str(config.out), "--model", model])
    say(console, f"Train on it: w4s train {words}{full} --run FOLDER")


def _spread(spread: Spread, form: str) -> str:
    low, median, high = (form.format(x) for x in (spread.minimum, spread.median, spread.maximum))
    return f"{low} to {high}, median {median}"
