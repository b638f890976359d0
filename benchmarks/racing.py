"""What the economical mode saves and what it costs in accuracy, on the simulated executor.

Fifty seeds over five toy families. With each one, a task with problems of its own is searched as
published, with racing, and in the economical mode, and accuracy is taken on problems that no search
saw. The search is the one without feedback, because it tries the same candidates whatever was
measured: the paired differences are those of the options alone, and not of the other ways that a
search takes after another choice. What is measured is kept (`_kept`): a stopped run goes on.
"""

from __future__ import annotations

import asyncio
import math
import os
import sys
from dataclasses import replace
from functools import partial
from importlib.resources import files

import numpy as np

from benchmarks._kept import Kept, Row
from benchmarks._searches import Found, Memory, Setting, mean, search, searched, task_of
from w4s.environment import Parent
from w4s.racing import Racing
from w4s.reports.stats import crossed
from w4s.sandbox import open_sandbox
from w4s.sandbox.host import PythonSandbox

FAMILIES = ("toy_ledger", "toy_counting", "toy_passage", "toy_choice", "toy_dates")
SEEDS = int(os.environ.get("W4S_BENCHMARK_SEEDS", "50"))
PRIVATE, PUBLIC, HELD_OUT = 128, 2, 300

EXAMPLES = 3
"""They are measured in full in any case."""
AS_PUBLISHED, RACING, ECONOMY = "as published", "racing", "economy"
PUBLISHED = Setting(method="random", turns=4)
SETTINGS = {
    AS_PUBLISHED: PUBLISHED,
    RACING: replace(PUBLISHED, racing=Racing()),
    ECONOMY: replace(PUBLISHED, racing=Racing(), parent=Parent.BEST, finalists=3, economical=True),
}


def main() -> None:
    _check_against_the_real_sandbox()
    kept = Kept("racing", (FAMILIES, PRIVATE, PUBLIC, HELD_OUT, SETTINGS))
    rows = []
    for seed in range(SEEDS):
        rows.append(kept.row(f"seed {seed}", partial(_measured, seed)))
        print(f"seed {seed} done", file=sys.stderr, flush=True)
    _report_all(rows)


def _measured(seed: int) -> Row:
    """One task, searched in every way."""
    task = task_of(FAMILIES[seed % len(FAMILIES)], seed, PRIVATE, PUBLIC, HELD_OUT)
    memory: Memory = {}
    return {name: _row(searched(task, s, seed, HELD_OUT, memory)) for name, s in SETTINGS.items()}


def _row(found: Found) -> Row:
    return {
        "workflow": found.workflow.digest,
        "validations": found.validations,
        "validated": found.validated,
        "held_out": found.held_out,
        "tokens": found.tokens_of_one,
    }


def _report_all(rows: list[Row]) -> None:
    published = [row[AS_PUBLISHED] for row in rows]
    print(f"{len(rows)} seeds over {', '.join(FAMILIES)}; {PUBLISHED.turns} turns of 5")
    print(f"candidates, {PRIVATE} private and {HELD_OUT} held-out problems. All is simulated.")
    print(f"as published: held-out {100 * mean([p['held_out'] for p in published]):.1f} %,", end="")
    print(f" believed {100 * mean([p['validated'] for p in published]):.1f} %")
    for name in SETTINGS:
        if name != AS_PUBLISHED:
            _report(name, [(row[name], row[AS_PUBLISHED]) for row in rows])


def _report(name: str, pairs: list[tuple[Row, Row]]) -> None:
    now, before = (sum(row["validations"] for row in side) for side in zip(*pairs, strict=True))
    of_examples = EXAMPLES * PRIVATE * len(pairs)
    saved, of_all = 1 - (now - of_examples) / (before - of_examples), 1 - now / before
    gains = np.array([[100 * (a["held_out"] - b["held_out"])] for a, b in pairs])
    spread = crossed(gains)
    same = sum(a["workflow"] == b["workflow"] for a, b in pairs)
    tokens = mean([a["tokens"] for a, _ in pairs]) / mean([b["tokens"] for _, b in pairs])
    believed = mean([a["validated"] - a["held_out"] for a, _ in pairs])
    print(
        f"{name}: saves {saved:.1%} of the candidates' validations ({of_all:.1%} of all);"
        f" held-out {spread.value:+.2f} points [{spread.low:+.2f}, {spread.high:+.2f}];"
        f" same workflow in {same} of {len(pairs)}; an answer costs {tokens:.2f} of the tokens;"
        f" believed {100 * believed:+.1f} points too much",
        flush=True,
    )


def _check_against_the_real_sandbox() -> None:
    """A small search must come out the same in both."""
    task = task_of(FAMILIES[0], 0, 12, 3, 12)
    setting = Setting(turns=1, samples=3)

    async def opened() -> PythonSandbox:
        prelude = files("w4s").joinpath("agent.py").read_text("utf-8")
        return await open_sandbox(prelude=prelude)

    async def real() -> Found:
        sandbox = await opened()
        try:
            return await search(task, setting, 0, 12, sandbox)
        finally:
            await sandbox.aclose()

    trusted, walled = searched(task, setting, 0, 12), asyncio.run(real())
    same = (trusted.workflow, trusted.validated, trusted.scores) == (
        walled.workflow,
        walled.validated,
        walled.scores,
    )
    if not same or math.isnan(trusted.validated):
        sys.exit("a search in this process differs from one in the sandbox")
