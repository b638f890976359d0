"""`w4s dataset`: from episodes to weighted examples, and what they are like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.table import Table
from rich.text import Text

from w4s.cli.output import output
from w4s.commands.collecting import Collection, read_collection
from w4s.commands.workbench import form_of
from w4s.errors import ConfigError
from w4s.extras import needs
from w4s.models.checkpoints import SMALL, find_checkpoint, is_small
from w4s.models.specs import read_spec
from w4s.tasks.confidential import keep_in_cache
from w4s.training.card import Spread, Statistics, histogram
from w4s.training.export import export
from w4s.training.settings import DatasetConfig

_BAR = 40
"""Characters of the longest bar."""


def dataset(config: DatasetConfig) -> None:
    """Merge the runs, write the folder, show its statistics."""
    if not config.runs:
        raise ConfigError("which runs? w4s dataset RUN… --out FOLDER takes folders of w4s collect")
    collections = [read_collection(path) for path in config.runs]
    if any(collection.confidential for collection in collections):
        keep_in_cache("a task of these runs", config.out, "--out")
    made = _Made.of(collections)
    chosen = config.model_copy(
        update={"form": config.form or made.form, "model": config.model or made.checkpoint}
    )
    with needs("train", "counting tokens"):
        counted = export(chosen, (c.trajectory for run in collections for c in run.episodes))
    _show(counted, chosen)


@dataclass(frozen=True, slots=True)
class _Made:
    """How the runs were made, where they agree."""

    form: str
    checkpoint: str | None
    """The meta-agent's, where it ran in a process of ours."""

    @classmethod
    def of(cls, collections: Sequence[Collection]) -> _Made:
        forms = {form_of(collection.config).value for collection in collections}
        if len(forms) > 1:
            raise ConfigError(
                "these runs show their states in different forms (compact and full), and one model"
                " reads one form: make a data set of each"
            )
        specs = {read_spec(collection.config.meta_agent) for collection in collections}
        spec = specs.pop()
        here = not specs and spec.checkpoint is not None
        return cls(forms.pop(), (spec.detail or SMALL) if here else None)


def _show(counted: Statistics, config: DatasetConfig) -> None:
    console = output()
    table = Table(box=box.SIMPLE_HEAD, show_header=False, title=str(config.out))
    table.title_justify = "left"
    table.add_column(no_wrap=True)
    table.add_column()
    rows = {
        "examples": f"{counted.examples} of {counted.trajectories} episodes",
        "tasks": ", ".join(f"{task} {count}" for task, count in counted.tasks.items()),
        "turns": ", ".join(f"{turn + 1}: {count}" for turn, count in counted.turns.items()),
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
    model = config.model or "CHECKPOINT"
    small = config.model is not None and is_small(find_checkpoint(config.model))
    full = " --scheme full --learning-rate 1e-3" if small else ""
    console.print(
        f"Train on it: w4s train {config.out} --model {model}{full} --run FOLDER",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def _spread(spread: Spread, form: str) -> str:
    low, median, high = (form.format(x) for x in (spread.minimum, spread.median, spread.maximum))
    return f"{low} to {high}, median {median}"
