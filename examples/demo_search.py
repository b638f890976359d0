"""A search on one page, offline and without torch: search on a toy task, test, report.

The executor is simulated, the meta-agent a grammar, so the numbers speak of the machinery and not
of any real model. Run it with `make demo-search`, or `python
examples/demo_search.py [FOLDER]`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import w4s
from w4s.cli.output import output
from w4s.reports.run import read_run
from w4s.reports.summary import summarise
from w4s.reports.tables import show

TASK = "toy_ledger"
PRIVATE, TEST = 100, 200
"""Fewer problems than the task's own, so that it takes a minute."""


def main(folder: Path) -> None:
    """Search, test the found workflow and the baselines, show what came of it."""
    console = output()
    console.print(f"Searching for a workflow on {TASK}, simulated executor, grammar meta-agent …")
    search = w4s.search(task=TASK, run=folder, turns=4, private=PRIVATE, test=TEST)
    w4s.run(search, progress=True)
    console.print("Testing it, and the baselines, on the sealed test …")
    w4s.run(w4s.test(run=folder, baselines=True), progress=True)
    show(summarise(read_run(folder)), console)
    console.print(f"The workflow: {folder / 'best_workflow.py'}", soft_wrap=True)
    console.print("Numbers of the simulation: they say nothing about a real model.")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp(prefix="w4s-demo-")))
