"""The experiment of `benchmarks.learning` in short: that it runs to the end and goes on where it
stopped. That anything is learned cannot be seen at this size."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")

from w4s.tasks.base import Sizes

ROOT = Path(__file__).resolve().parents[2]

if not (ROOT / "benchmarks").is_dir():
    pytest.skip("the benchmarks are not part of an installation", allow_module_level=True)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_collect_train_search_and_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT), *sys.path])
    learning = importlib.import_module("benchmarks.learning")
    plan = replace(
        learning.Plan(),
        seen=("toy_ledger/1", "toy_passage/1"),
        unseen=("toy_rates/1",),
        sizes=Sizes(private=6, public=1, training=9, test=8),
        episodes=1,
    )
    names = ("random", "untrained", "rlao_one_round")

    def fill() -> None:
        asyncio.run(learning.fill(tmp_path, plan, names, [0], ["unseen"]))

    fill()
    cells = {p.name: p.read_text("utf-8") for p in (tmp_path / "cells").iterdir()}
    assert set(cells) == {f"{name}-0-unseen.json" for name in names}
    for text in cells.values():
        (row,) = json.loads(text)
        assert len(row["tested"]) == len(row["validated"]) == 6
        assert sorted(row["validated"]) == row["validated"]
    trained = tmp_path / "seed0" / "rlao" / "round1"
    assert (trained / "model" / "model.safetensors").exists()

    (tmp_path / "cells" / "rlao_one_round-0-unseen.json").unlink()
    steps = (trained / "train.jsonl").read_text("utf-8")
    fill()
    again = {p.name: p.read_text("utf-8") for p in (tmp_path / "cells").iterdir()}
    assert again == cells
    assert (trained / "train.jsonl").read_text("utf-8") == steps

    with pytest.raises(SystemExit, match="something else was begun"):
        asyncio.run(learning.fill(tmp_path, replace(plan, episodes=2), names, [0], ["unseen"]))
