"""The tables of the learning experiment.

In: the folder of its cells. Out: what searches came to, how good the single actions were, and
paired differences with 95 % intervals that take tasks and seeds as samples (with one seed: tasks).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from w4s.reports.figures import Line, line_chart
from w4s.reports.stats import crossed

REFERENCE = "untrained"
LONGER = "untrained_twice"
RIVALS = ("sft_best", "random")
OTHER_ROUNDS = ("one_round", "six_rounds", "nine_rounds")
"""Other than three; the rival has as many."""
PICTURED = {
    "rlao_top": "RLAO, variant",
    "sft_best": "SFT on the best",
    "rlao": "RLAO, published",
    "grpo": "GRPO, online",
    "random": "random search",
    "untrained_twice": "untrained",
}
TURNS = 5
"""After which arms are compared."""
GROUPS = {
    "mathematics": ("tiling", "trains", "remainders", "recipes", "grids"),
    "puzzles": ("lockers", "seating"),
    "reading": ("letters", "diary", "minutes"),
    "choice": ("rivers", "auction"),
    "mixtures": ("medley",),
}

Rows = Mapping[int, Sequence[Any]]
"""By seed: what was found on each task."""
Cells = Mapping[int, Any]
"""By seed: a table of tasks down and turns across."""


def print_tables(cells: Path, arms: Iterable[str]) -> None:
    """What is there, as Markdown."""
    names = list(arms)
    for kind in ("unseen", "seen", "part"):
        rows = {arm: found for arm in names if (found := _rows(cells, arm, kind))}
        if not rows:
            continue
        if kind == "part":
            rows = _with_whole(rows, cells, names)
        tested = {arm: _table(found, "tested") for arm, found in rows.items()}
        actions = {arm: _table(found, "means") for arm, found in rows.items()}
        print(f"\n### {kind} tasks: sealed accuracy in % of what the search would hand over\n")
        print(_means(tested, range(TURNS + 1)))
        print(_differences(tested, {"1 turn": [1], "3 turns": [3], "5 turns": [TURNS]}))
        print(_level(tested))
        print(f"\n### {kind} tasks: mean validation accuracy in % of the actions\n")
        print(_means(actions, range(TURNS), first=1))
        print(_differences(actions, {"turn 1": [0], "all turns": list(range(TURNS))}))
        if kind != "seen":
            print(f"\n### {kind} by kind of problem: sealed accuracy in % after 5 turns\n")
            print(_groups(rows))


def picture(cells: Path) -> str:
    """The main arms on unseen tasks, turn by turn, as SVG."""
    lines = [
        Line(shown, tuple(np.mean([table.mean(axis=0) for table in tables.values()], axis=0)))
        for arm, shown in PICTURED.items()
        if (tables := _table(_rows(cells, arm, "unseen"), "tested"))
    ]
    return line_chart(lines, x_label="turns of 5 candidates", y_label="sealed accuracy, simulated")


def _rows(cells: Path, arm: str, kind: str) -> Rows:
    paths = sorted(cells.glob(f"{arm}-[0-9]*-{kind}.json"))
    return {int(path.name.split("-")[-2]): json.loads(path.read_text("utf-8")) for path in paths}


def _with_whole(part: Mapping[str, Rows], cells: Path, arms: Iterable[str]) -> dict[str, Rows]:
    """The arms of a part, and beside them those that searched all tasks, cut to the part."""
    seeds = {seed for rows in part.values() for seed in rows}
    size = len(next(iter(next(iter(part.values())).values())))
    whole = {
        arm: {seed: rows[:size] for seed, rows in _rows(cells, arm, "unseen").items()}
        for arm in arms
    }
    found = {
        arm: {s: r for s, r in {**whole[arm], **part.get(arm, {})}.items() if s in seeds}
        for arm in arms
    }
    return {arm: rows for arm, rows in found.items() if rows}


def _table(rows: Rows, field: str) -> Cells:
    return {seed: np.array([task[field] for task in found]) for seed, found in rows.items()}


def _means(found: Mapping[str, Cells], turns: Sequence[int], *, first: int = 0) -> str:
    lines = [
        "| arm | seeds | " + " | ".join(f"turn {first + t}" for t in turns) + " |",
        "| --- | ---: |" + " ---: |" * len(turns),
    ]
    for arm, cells in found.items():
        mean = np.mean([table[:, turns].mean(axis=0) for table in cells.values()], axis=0)
        lines.append(f"| {arm} | {len(cells)} | {_percent(mean)} |")
    return "\n".join(lines) + "\n"


def _differences(found: Mapping[str, Cells], columns: Mapping[str, list[int]]) -> str:
    lines = [
        "| difference, in points | seeds | " + " | ".join(columns) + " |",
        "| --- | ---: |" + " ---: |" * len(columns),
    ]
    for first, second in _pairs(found):
        shared = sorted(found[first].keys() & found.get(second, {}).keys())
        if shared:
            told = (_difference(found[first], found[second], shared, t) for t in columns.values())
            lines.append(f"| {first} - {second} | {len(shared)} | " + " | ".join(told) + " |")
    return "\n".join(lines) + "\n"


def _pairs(arms: Iterable[str]) -> list[tuple[str, str]]:
    """Each arm with the untrained model under the same conditions, and RLAO with its rivals."""
    pairs = []
    for arm in arms:
        name, comma, condition = arm.partition(", ")
        if not name.startswith(REFERENCE):
            pairs.append((arm, f"{REFERENCE}{comma}{condition}"))
        if name.startswith("rlao"):
            rounds = next((r for r in OTHER_ROUNDS if name.endswith(r)), "")
            rivals = (f"sft_{rounds}",) if rounds else RIVALS
            pairs += [(arm, f"{rival}{comma}{condition}") for rival in rivals]
    return pairs


def _difference(first: Cells, second: Cells, seeds: list[int], turns: list[int]) -> str:
    d = crossed(np.array([(first[s][:, turns] - second[s][:, turns]).mean(axis=1) for s in seeds]))
    return f"{100 * d.value:+.1f} \\[{100 * d.low:+.1f}, {100 * d.high:+.1f}]"


def _level(tested: Mapping[str, Cells]) -> str:
    """When the untrained model has caught up with what the others have after five turns."""
    if LONGER not in tested:
        return ""
    longer = np.mean([t.mean(axis=0) for t in tested[LONGER].values()], axis=0)
    lines = [f"Untrained after 0 to {len(longer) - 1} turns: {_percent(longer)}.\n"]
    for arm, cells in tested.items():
        if "," in arm or arm.startswith(REFERENCE):
            continue
        reached = np.mean([table[:, TURNS].mean() for table in cells.values()])
        level = next((t for t, value in enumerate(longer) if value >= reached), None)
        told = f"after {level} turns" if level is not None else f"not in {len(longer) - 1} turns"
        lines.append(f"- level with {arm} after {TURNS}: {told}")
    return "\n".join(lines) + "\n"


def _groups(rows: Mapping[str, Rows]) -> str:
    lines = ["| arm | " + " | ".join(GROUPS) + " |", "| --- |" + " ---: |" * len(GROUPS)]
    for arm, by_seed in rows.items():
        means = [
            np.mean(
                [t["tested"][TURNS] for found in by_seed.values() for t in _of(found, families)]
            )
            for families in GROUPS.values()
        ]
        lines.append(f"| {arm} | {_percent(means)} |")
    return "\n".join(lines) + "\n"


def _of(found: Sequence[Any], families: Sequence[str]) -> list[Any]:
    return [t for t in found if t["task"].removeprefix("toy_").partition("/")[0] in families]


def _percent(values: Iterable[float]) -> str:
    return " | ".join(f"{100 * value:.1f}" for value in values)
