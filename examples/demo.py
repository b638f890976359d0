"""The whole circle on one page, offline: a small model learns to write workflows, and is tested.

Collect episodes on families of toy tasks, train on what they earned, search on families that were
never seen, test on sealed problems; beside the trained model the same model untrained, and
workflows made by hand. The executor is simulated, the meta-agent has a million parameters: the
numbers speak of the method and the machinery, and not of any real model. Run it with `make demo`,
or `python examples/demo.py [FOLDER]`; the same command goes on where it was stopped.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from w4s.cli.collect import collect
from w4s.cli.compare import compare
from w4s.cli.dataset import dataset
from w4s.cli.output import output
from w4s.cli.train import train
from w4s.config import CollectConfig, CompareConfig
from w4s.errors import W4sError
from w4s.reports.run import read_run
from w4s.training.settings import DatasetConfig, TrainConfig

SEEN = tuple(
    f"toy_{family}/{draw}"
    for draw in (11, 12)
    for family in ("ledger", "primes", "order", "dates", "passage", "choice")
)
UNSEEN = tuple(f"toy_{family}/11" for family in ("bignum", "rates", "counting", "robot"))
SAMPLING = {"temperature": 1.0, "reply_tokens": 512, "isolation": "batch"}
"""Warm, since a small model that is sure of itself tries nothing new; short, since it writes short
programs; one process for each workflow, since a toy executor answers in no time."""


def main(folder: Path) -> None:
    """The four steps, each the function of a command."""
    begun, say = time.monotonic(), output().print
    say(f"1. Episodes on {len(SEEN)} tasks, with the small model that comes with the package …")
    collect(
        CollectConfig.resolve(
            {"tasks": SEEN, "run": folder / "episodes", "meta_agent": "small"},
            {"episodes": 1, "private": 32, "public": 2, **SAMPLING},
        )
    )
    say("2. What they teach: the actions clearly above the mean of their task …")
    dataset(
        DatasetConfig.resolve(
            {"runs": (folder / "episodes",), "out": folder / "examples", "replay": 0.3},
            {"reward": "task_advantage", "reward_above": 0.5, "temperature": 0.5},
        )
    )
    say("3. Learning from it …")
    train(
        TrainConfig.resolve(
            {"examples": folder / "examples", "model": "small", "run": folder / "training"},
            {"scheme": "full", "learning_rate": 2e-3, "epochs": 6, "evaluation_share": 0.0},
            {"tokens_per_pass": 2048, "checkpointing": False},
        )
    )
    say(f"4. Search and sealed test on {len(UNSEEN)} tasks of families that were never seen …")
    compare(
        CompareConfig.resolve(
            {
                "run": folder / "comparison",
                "tasks": UNSEEN,
                "methods": (),
                "contestants": {
                    "trained": {"meta_agent": f"small:{folder / 'training' / 'model'}"},
                    "untrained": {"meta_agent": "small"},
                },
                "reference": "untrained",
                "search": {"turns": 3, "private": 32, "public": 2, "test": 100, **SAMPLING},
                "seeds": 1,
                "jobs": 2,
            }
        )
    )
    say(
        "\nIn short, over all of them (candidates on validation problems, the best on sealed ones):"
    )
    for name in ("trained", "untrained", "self_consistency", "chain_of_thought", "direct"):
        say(_short(name, sorted((folder / "comparison").glob(f"*/{name}/seed0"))))
    say(
        f"\nThe workflows: {folder / 'comparison'}/*/trained/seed0/best_workflow.py", soft_wrap=True
    )
    say(f"All of it took {(time.monotonic() - begun) / 60:.1f} minutes. Numbers of the simulation.")
    say("One round on few problems shows the way, not the size of a gain: see docs/results.md.")


def _short(name: str, folders: Sequence[Path]) -> str:
    """One contestant in a line."""
    runs = [read_run(path) for path in folders]
    tried = [a.evaluation.accuracy for run in runs for turn in run.turns for a in turn.attempts]
    tested = fmean(run.tests[-1].evaluation.accuracy for run in runs)
    candidates = f"candidates {fmean(tried):.1%} in the mean, " if tried else "made by hand, "
    return f"  {name:18}{candidates}sealed test {tested:.1%}"


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # a model this small gains nothing from more
    try:
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp(prefix="w4s-demo-")))
    except W4sError as error:  # stopped, say
        sys.exit(f"w4s: {error}")
