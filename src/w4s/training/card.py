"""What stands in a data set: statistics, a picture of the rewards, and the data card.

In: examples, and their lengths in tokens where these are known. Out: Statistics; a README.md that
the Hugging Face `datasets` library understands; an SVG picture.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TypeVar

import numpy as np

from w4s.training.corpus import is_practice
from w4s.training.dataset import FILE
from w4s.types import Example

K = TypeVar("K", str, int, float)


@dataclass(frozen=True, slots=True)
class Spread:
    """A distribution in five numbers."""

    minimum: float
    median: float
    mean: float
    p90: float
    """Nine in ten are at most this."""
    maximum: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Zeros when there are no values."""
        array = np.asarray(values or [0.0], dtype=np.float64)
        return cls(
            float(array.min()),
            float(np.median(array)),
            float(array.mean()),
            float(np.quantile(array, 0.9)),
            float(array.max()),
        )


@dataclass(frozen=True, slots=True)
class Statistics:
    """A data set at a glance. Programs that were mixed in for practice are counted, measured, and
    otherwise left out: they have no episode and no reward."""

    examples: int
    practice: int
    """Of these, programs of the grammar's corpus."""
    trajectories: int
    tasks: Mapping[str, int]
    """Examples per task."""
    turns: Mapping[int, int]
    """Examples per turn, counted from 0."""
    rewards: Mapping[float, int]
    """Examples per reward, rounded to two places."""
    unrewarded: float
    """Share of the whole weight that lies on examples with a reward of 0 or less: imitation."""
    accuracy: Spread
    prompt: Spread
    """Length of the prompts, in `unit`."""
    reply: Spread
    unit: str
    """`tokens` or `characters`."""
    duplicates: int
    """Examples whose prompt and reply stood there before."""
    sampled_ids: int
    """Examples that carry the token ids as sampled."""
    too_long: int
    """Examples left out because they exceed the context; they are never cut."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """Tokens of one example."""

    prompt: int
    reply: int


def statistics(
    examples: Sequence[Example], lengths: Sequence[Lengths] | None = None, too_long: int = 0
) -> Statistics:
    """Statistics of a data set. Without `lengths` prompts and replies are counted in characters."""
    seen = Counter((example.prompt, example.reply) for example in examples)
    collected = [example for example in examples if not is_practice(example)]
    if lengths is None:
        prompts = [sum(len(m.content) for m in example.prompt) for example in examples]
        replies = [len(example.reply) for example in examples]
    else:
        prompts = [length.prompt for length in lengths]
        replies = [length.reply for length in lengths]
    return Statistics(
        examples=len(examples),
        practice=len(examples) - len(collected),
        trajectories=len({example.trajectory for example in collected}),
        tasks=_counted(example.task for example in collected),
        turns=_counted(example.turn for example in collected),
        rewards=_counted(round(example.reward, 2) for example in collected),
        unrewarded=_unrewarded(collected),
        accuracy=Spread.of([example.accuracy for example in collected]),
        prompt=Spread.of(prompts),
        reply=Spread.of(replies),
        unit="characters" if lengths is None else "tokens",
        duplicates=sum(count - 1 for count in seen.values()),
        sampled_ids=sum(example.reply_ids is not None for example in examples),
        too_long=too_long,
    )


def histogram(rewards: Mapping[float, int], bins: int = 12) -> list[tuple[str, int]]:
    """Labelled bars: one per reward where there are few different ones, else equal bins."""
    if len(rewards) <= bins:
        return [(f"{reward:g}", count) for reward, count in sorted(rewards.items())]
    values, counts = np.array(list(rewards)), np.array(list(rewards.values()))
    heights, edges = np.histogram(values, bins=bins, weights=counts)
    return [
        (f"{low:.2f} to {high:.2f}", int(height))
        for low, high, height in zip(edges, edges[1:], heights, strict=False)
    ]


def picture(rewards: Mapping[float, int]) -> str:
    """The reward histogram as SVG."""
    bars = histogram(rewards)
    tallest = max((count for _, count in bars), default=1)
    width, height = 60 * len(bars) + 20, 200
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="10"'
        ' text-anchor="middle" role="img"><title>Examples per reward</title>'
    ]
    for number, (label, count) in enumerate(bars):
        bar = round(150 * count / tallest)
        middle = 60 * number + 40
        parts += [
            f'<rect x="{middle - 22}" y="{170 - bar}" width="44" height="{bar}" fill="#4878a8"/>',
            f'<text x="{middle}" y="{164 - bar}">{count}</text>',
            f'<text x="{middle}" y="186">{escape(label)}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])


def card(title: str, found: Statistics, made: Mapping[str, object]) -> str:
    """The README.md of a data set; `made` are the settings it was built with."""
    lines = [
        "---",
        "configs:",
        "- config_name: default",
        f"  data_files: {FILE}",
        "tags:",
        "- w4s",
        "- offline-reinforcement-learning",
        "---",
        "",
        f"# {title}",
        "",
        "Weighted examples for reward-weighted regression, one a line in"
        f" `{FILE}`: `prompt` (the conversation up to the action), `reply` (the action), `weight`,"
        " `reward`, `accuracy` (on private validation problems), `task`, `trajectory` (examples of"
        " one episode share it), `turn`, and the token ids as sampled where the model gave them"
        " (`prompt_ids`, `reply_ids`).",
        "",
        "```python",
        "from datasets import load_dataset",
        'load_dataset("json", data_files="' + FILE + '")',
        "```",
        "",
        "| | |",
        "|---|---|",
        f"| examples | {found.examples} |",
        f"| of these practice, programs of the grammar | {found.practice} |",
        f"| trajectories | {found.trajectories} |",
        f"| tasks | {_listed(found.tasks)} |",
        f"| turns | {_listed(found.turns)} |",
        f"| weight on rewards of 0 and less | {found.unrewarded:.0%} |",
        f"| accuracy | {_five(found.accuracy)} |",
        f"| prompt, {found.unit} | {_five(found.prompt)} |",
        f"| reply, {found.unit} | {_five(found.reply)} |",
        f"| duplicates | {found.duplicates} |",
        f"| with sampled token ids | {found.sampled_ids} |",
        f"| too long, left out whole | {found.too_long} |",
        "",
        "## Rewards",
        "",
        "![Examples per reward](rewards.svg)",
        "",
        "## Made with",
        "",
        *(f"- `{key}`: {value}" for key, value in made.items()),
        "",
    ]
    return "\n".join(lines)


def _unrewarded(examples: Sequence[Example]) -> float:
    whole = sum(example.weight for example in examples)
    return sum(e.weight for e in examples if e.reward <= 0) / whole if whole else 0.0


def _counted(values: Iterable[K]) -> dict[K, int]:
    return dict(sorted(Counter(values).items()))


def _five(spread: Spread) -> str:
    return (
        f"{spread.minimum:g} to {spread.maximum:g}, median {spread.median:g},"
        f" mean {spread.mean:.3g}, nine in ten at most {spread.p90:g}"
    )


def _listed(counts: Mapping[str, int] | Mapping[int, int]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in counts.items())
