"""The tables of the learning experiment.

In: the folder of its cells. Out: accuracies, and paired differences with 95 % intervals that take
tasks and seeds as samples.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from w4s.reports.stats import crossed

REFERENCE = "untrained"


def print_tables(cells: Path, arms: Iterable[str]) -> None:
    """What is there, as Markdown."""
    for kind in ("unseen", "seen"):
        found = {arm: table for arm in arms if (table := _table(cells, arm, kind)) is not None}
        if found:
            print(f"\n### {kind} tasks\n")
            print(_accuracies(found))
            print(_differences(found))


def _table(cells: Path, arm: str, kind: str) -> Any:
    """Sealed accuracies [seed, task, turn]; None when there is no seed."""
    paths = sorted(cells.glob(f"{arm}-[0-9]*-{kind}.json"))
    rows = [json.loads(path.read_text("utf-8")) for path in paths]
    return np.array([[task["tested"] for task in seed] for seed in rows]) if rows else None


def _accuracies(found: dict[str, Any]) -> str:
    turns = range(next(iter(found.values())).shape[2])
    lines = [
        "| arm | seeds | " + " | ".join(f"{t} turns" for t in turns) + " |",
        "| --- | ---: |" + " ---: |" * len(turns),
    ]
    for arm, table in found.items():
        means = " | ".join(f"{100 * table[:, :, t].mean():.1f}" for t in turns)
        lines.append(f"| {arm} | {len(table)} | {means} |")
    return "\n".join(lines) + "\n"


def _differences(found: dict[str, Any]) -> str:
    lines = [
        "| difference, in points | 1 turn | 3 turns | 5 turns |",
        "| --- | ---: | ---: | ---: |",
    ]
    pairs = [(arm, REFERENCE) for arm in found if arm != REFERENCE and REFERENCE in found]
    if {"rlao", "sft_best"} <= found.keys():
        trained = [a for a in found if a.startswith("rlao") and a in found]
        pairs += [(arm, "sft_best") for arm in trained]
    for first, second in pairs:
        told = " | ".join(_difference(found[first], found[second], t) for t in (1, 3, 5))
        lines.append(f"| {first} - {second} | {told} |")
    return "\n".join(lines) + "\n"


def _difference(first: Any, second: Any, turn: int) -> str:
    if turn >= min(first.shape[2], second.shape[2]):
        return "-"
    seeds = min(len(first), len(second))
    a, b = first[:seeds, :, turn], second[:seeds, :, turn]
    d = crossed(a - b)
    return f"{100 * d.value:+.1f} \\[{100 * d.low:+.1f}, {100 * d.high:+.1f}]"
