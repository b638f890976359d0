"""The whole circle on one page, offline: a small model learns to write workflows, and is tested.

Collect episodes on families of toy tasks, train on what they earned, search on families that were
never seen, test on sealed problems; beside the trained model the same model untrained, and
workflows made by hand. The executor is simulated, the meta-agent has a million parameters: the
numbers speak of the method and the machinery, and not of any real model. Run it with `make demo`,
or `python examples/demo.py [FOLDER]`; the same command goes on where it was stopped.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from w4s.cli.collect import collect
from w4s.cli.compare import compare
from w4s.cli.dataset import dataset
from w4s.cli.output import output
from w4s.cli.train import train
from w4s.config import CollectConfig, CompareConfig
from w4s.training.settings import DatasetConfig, TrainConfig

SEEN = ("toy_bignum", "toy_rates", "toy_tally", "toy_robot", "toy_choice", "toy_strings")
UNSEEN = ("toy_ledger", "toy_counting", "toy_report", "toy_dates")
SAMPLING = {"temperature": 1.0, "reply_tokens": 512, "isolation": "batch"}
"""Warm, since a small model that is sure of itself tries nothing new; short, since it writes short
programs; one process for each workflow, since a toy executor answers in no time."""


def main(folder: Path) -> None:
    """The four steps, each the function of a command."""
    begun, say = time.monotonic(), output().print
    say(f"1. Episodes on {len(SEEN)} families, with the small model that comes with the package …")
    collect(
        CollectConfig.resolve(
            {"tasks": SEEN, "run": folder / "episodes", "meta_agent": "small"},
            {"episodes": 4, "private": 48, "public": 4, **SAMPLING},
        )
    )
    say("2. What they teach: each action weighs exp(reward / 0.4) …")
    dataset(DatasetConfig.resolve({"runs": (folder / "episodes",), "out": folder / "examples"}))
    say("3. Learning from it …")
    train(
        TrainConfig.resolve(
            {"examples": folder / "examples", "model": "small", "run": folder / "training"},
            {"scheme": "full", "learning_rate": 1.5e-3, "epochs": 3, "evaluation_share": 0.1},
        )
    )
    say(f"4. Search and sealed test on {len(UNSEEN)} families that were never seen …")
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
                "search": {"turns": 3, "private": 48, "public": 4, "test": 100, **SAMPLING},
                "seeds": 1,
                "jobs": 2,
            }
        )
    )
    say(f"\nThe workflows: {folder / 'comparison'}/*/trained/seed0/best_workflow.py")
    say(f"All of it took {(time.monotonic() - begun) / 60:.1f} minutes. Numbers of the simulation.")
    say("One round on few problems shows the way, not the size of a gain: see docs/results.md.")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp(prefix="w4s-demo-")))
