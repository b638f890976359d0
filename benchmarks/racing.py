"""What the economical mode saves and what it costs in accuracy, on the simulated executor.

Fifty seeds over five toy families, each searched as published and with one or all of the
options; the same seed gives the same candidates, so differences are paired. Accuracy is taken on
problems that no search saw.
"""

from __future__ import annotations

import asyncio
import math
import os
import sys
from dataclasses import replace
from importlib.resources import files

import numpy as np

from benchmarks._searches import Found, Memory, Setting, mean, search, searched, task_named
from w4s.environment import Parent
from w4s.racing import Racing
from w4s.reports.stats import crossed
from w4s.sandbox import open_sandbox
from w4s.sandbox.host import PythonSandbox

FAMILIES = ("toy_ledger", "toy_counting", "toy_passage", "toy_choice", "toy_dates")
SEEDS = int(os.environ.get("W4S_BENCHMARK_SEEDS", "50"))
PRIVATE, PUBLIC, HELD_OUT = 128, 2, 200

EXAMPLES = 3
"""They are measured in full in any case."""
PUBLISHED = Setting(turns=3)
OPTIONS = {
    "racing": replace(PUBLISHED, racing=Racing()),
    "economy": replace(
        PUBLISHED, racing=Racing(), parent=Parent.BEST, finalists=3, economical=True
    ),
}


def main() -> None:
    _check_against_the_real_sandbox()
    tasks = [task_named(name, PRIVATE, PUBLIC) for name in FAMILIES]
    found: dict[str, list[Found]] = {name: [] for name in ("as published", *OPTIONS)}
    for seed in range(SEEDS):
        task, memory = tasks[seed % len(tasks)], Memory()
        for name, setting in {"as published": PUBLISHED, **OPTIONS}.items():
            found[name].append(searched(task, setting, seed, HELD_OUT, memory))
        print(f"seed {seed} done", file=sys.stderr, flush=True)
        if (seed + 1) % 10 == 0 or seed + 1 == SEEDS:
            _report_all(found)


def _report_all(found: dict[str, list[Found]]) -> None:
    published = found["as published"]
    print(f"{len(published)} seeds over {', '.join(FAMILIES)}; {PUBLISHED.turns} turns of 5")
    print(f"candidates, {PRIVATE} private and {HELD_OUT} held-out problems. All is simulated.")
    print(f"as published: held-out {100 * mean([f.held_out for f in published]):.1f} %,", end=" ")
    print(f"believed {100 * mean([f.validated for f in published]):.1f} %")
    for name in OPTIONS:
        _report(name, published, found[name])


def _report(name: str, published: list[Found], found: list[Found]) -> None:
    now, before = sum(f.validations for f in found), sum(f.validations for f in published)
    of_examples = EXAMPLES * PRIVATE * len(found)
    saved, of_all = 1 - (now - of_examples) / (before - of_examples), 1 - now / before
    gains = [100 * (f.held_out - p.held_out) for f, p in zip(found, published, strict=True)]
    spread = crossed(np.array(gains)[:, None])
    same = sum(f.workflow == p.workflow for f, p in zip(found, published, strict=True))
    tokens = mean([f.tokens_of_one for f in found]) / mean([p.tokens_of_one for p in published])
    print(
        f"{name}: saves {saved:.1%} of the candidates' validations ({of_all:.1%} of all);"
        f" held-out {spread.value:+.2f} points [{spread.low:+.2f}, {spread.high:+.2f}];"
        f" same workflow in {same} of {len(found)}; an answer costs {tokens:.2f} of the tokens;"
        f" believed {100 * mean([f.validated - f.held_out for f in found]):+.1f} points too much",
        flush=True,
    )


def _check_against_the_real_sandbox() -> None:
    """A small search must come out the same in both."""
    task = task_named(FAMILIES[0], 12, 3)
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
