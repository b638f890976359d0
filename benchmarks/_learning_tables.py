"""The tables of the learning experiment.

In: the folder of its cells. Out: what searches came to, how good the single actions were, and
paired differences with 95 % intervals that take tasks and seeds as samples (with one seed: tasks).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from w4s.reports.stats import crossed

REFERENCE = "untrained"
RIVAL = "sft_best"

Cells = Mapping[int, Any]
"""By seed: a table of tasks down and turns across."""


def print_tables(cells: Path, arms: Iterable[str]) -> None:
    """What is there, as Markdown."""
    names = list(arms)
    for kind in ("unseen", "seen"):
        tested = _of_arms(cells, names, kind, "tested")
        if tested:
            print(f"\n### {kind} tasks: sealed accuracy in % of what the search would hand over\n")
            print(_means(tested, first=0))
            print(_differences(tested, {"1 turn": [1], "3 turns": [3], "5 turns": [5]}))
            print(f"\n### {kind} tasks: mean validation accuracy in % of the actions\n")
            actions = _of_arms(cells, names, kind, "means")
            print(_means(actions, first=1))
            print(_differences(actions, {"turn 1": [0], "all turns": list(range(5))}))


def _of_arms(cells: Path, arms: Iterable[str], kind: str, field: str) -> dict[str, Cells]:
    found: dict[str, Cells] = {}
    for arm in arms:
        paths = sorted(cells.glob(f"{arm}-[0-9]*-{kind}.json"))
        seeds = {
            int(path.name.split("-")[1]): json.loads(path.read_text("utf-8")) for path in paths
        }
        if seeds:
            found[arm] = {s: np.array([t[field] for t in rows]) for s, rows in seeds.items()}
    return found


def _means(found: Mapping[str, Cells], *, first: int) -> str:
    turns = next(iter(next(iter(found.values())).values())).shape[1]
    lines = [
        "| arm | seeds | " + " | ".join(f"turn {first + t}" for t in range(turns)) + " |",
        "| --- | ---: |" + " ---: |" * turns,
    ]
    for arm, cells in found.items():
        mean = np.mean([table.mean(axis=0) for table in cells.values()], axis=0)
        lines.append(
            f"| {arm} | {len(cells)} | " + " | ".join(f"{100 * m:.1f}" for m in mean) + " |"
        )
    return "\n".join(lines) + "\n"


def _differences(found: Mapping[str, Cells], columns: Mapping[str, list[int]]) -> str:
    lines = [
        "| difference, in points | seeds | " + " | ".join(columns) + " |",
        "| --- | ---: |" + " ---: |" * len(columns),
    ]
    pairs = [(arm, REFERENCE) for arm in found if arm != REFERENCE]
    pairs += [(arm, RIVAL) for arm in found if arm.startswith("rlao")]
    for first, second in pairs:
        shared = sorted(found[first].keys() & found.get(second, {}).keys())
        if shared:
            told = (_difference(found[first], found[second], shared, t) for t in columns.values())
            lines.append(f"| {first} - {second} | {len(shared)} | " + " | ".join(told) + " |")
    return "\n".join(lines) + "\n"


def _difference(first: Cells, second: Cells, seeds: list[int], turns: list[int]) -> str:
    d = crossed(np.array([(first[s] - second[s])[:, turns].mean(axis=1) for s in seeds]))
    return f"{100 * d.value:+.1f} \\[{100 * d.low:+.1f}, {100 * d.high:+.1f}]"
