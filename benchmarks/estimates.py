"""How often estimates hold: searches are foreseen, by assumptions and by a search with another
seed, then made, and held against both. The executor is simulated, the meta-agent the grammar."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from w4s.commands.foreseeing import foresee_search
from w4s.commands.searching import search_in_folder
from w4s.commands.sitting import run_sitting
from w4s.config import SearchConfig
from w4s.estimates.record import Estimate
from w4s.reports.estimated import Foreseen, against_truth
from w4s.reports.summary import Summary

TASKS = ("toy_ledger", "toy_passage", "toy_strings", "toy_elements")
SEEDS = (10, 11)
SIZES = {"turns": 3, "samples": 4, "private": 24, "public": 5}


def main() -> None:
    rows: defaultdict[tuple[str, str], list[Foreseen]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        for way, row in _all(Path(folder)):
            rows[way, row.quantity].append(row)
            print(
                f"{way:11} {row.quantity:8} {row.expected.low:10,.0f} to {row.expected.high:10,.0f}"
                f"   truth {row.truth:10,.0f}{'' if row.within else '   outside'}"
            )
    print()
    for (way, quantity), found in rows.items():
        factors = sorted(row.truth / row.expected.likely for row in found)
        print(
            f"{way:11} {quantity:8} {sum(row.within for row in found)} of {len(found)} in range;"
            f" truth / likely from {factors[0]:.2f} to {factors[-1]:.2f}"
        )


def _all(folder: Path) -> Iterator[tuple[str, Foreseen]]:
    for task in TASKS:
        configs = [
            SearchConfig.resolve(
                {**SIZES, "task": task, "seed": seed, "run": folder / f"{task}-{seed}"}
            )
            for seed in SEEDS
        ]
        beforehand = [foresee_search(config) for config in configs]
        made = [run_sitting(search_in_folder(config)).summary for config in configs]
        for number, config in enumerate(configs):
            other = configs[number - 1].run
            yield from _held("assumptions", beforehand[number], made[number])
            yield from _held("--like", foresee_search(config, other), made[number])


def _held(way: str, estimate: Estimate, summary: Summary) -> Iterator[tuple[str, Foreseen]]:
    cost = summary.search_cost
    took = cost.executor + cost.meta_agent
    for row in against_truth("search", [estimate], took, cost.seconds):
        yield way, row


if __name__ == "__main__":
    main()
