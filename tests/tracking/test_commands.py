"""`--track`: what the run's own files hold is what the tracker shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from command_line import SMALL, TASK, CommandLine

SEARCH = ("search", TASK, "--samples", "2", *SMALL, "--run", "r")


def test_a_search_that_goes_on_and_its_tests_are_shown_once(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="needs w4s[tensorboard]")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    w4s = CommandLine(tmp_path)
    # The first turn is not tracked; the tracker that comes later gets it all the same.
    assert w4s(*SEARCH, "--turns", "1").returncode == 0
    assert w4s(*SEARCH, "--turns", "2", "--track", "tensorboard").returncode == 0
    assert w4s("test", "r").returncode == 0
    report = json.loads(w4s("report", "r", "--format", "json").stdout)

    read = EventAccumulator(str(tmp_path / "r" / "tensorboard")).Reload()
    best = {e.step: e.tensor_proto.float_val[0] for e in read.Tensors("search/best")}
    own = {turn["turn"]: turn["best"] for turn in report["turns"]}
    assert len(read.Tensors("search/best")) == 3
    assert {step: best[step] for step in own} == pytest.approx(own)
    calls = [e.tensor_proto.float_val[0] for e in read.Tensors("search/calls")]
    assert calls == sorted(calls)
    assert calls[-1] > 0
    tested = [tag for tag in read.Tags()["tensors"] if tag.startswith("test/")]
    assert {"test/calls", "test/seconds", "test/usd"} < set(tested)


def test_a_tracker_nobody_knows(tmp_path: Path) -> None:
    refused = CommandLine(tmp_path)(*SEARCH, "--track", "tensorbord")
    assert refused.returncode == 2
    assert "tensorbord" in refused.stderr
    assert "'tensorboard', 'trackio', 'wandb' or 'mlflow'" in refused.stderr
    assert not (tmp_path / "r").exists()
