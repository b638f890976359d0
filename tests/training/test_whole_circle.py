"""Collect, train, collect again with the new version: the same tokens and probabilities all the
way, in one script, and nothing is lost when a process is killed on the way."""

from __future__ import annotations

import json
import math
import random
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="pip install 'w4s[train]'")

from transformers import AutoModelForCausalLM

from command_line import TASK, CommandLine, Server, not_committed, without_costs
from w4s.commands.collecting import ACCOUNT, EPISODES, read_collection
from w4s.models.checkpoints import find_checkpoint
from w4s.training.dataset import groups, read_examples
from w4s.training.logs import read_logs
from w4s.training.tokens import Tokeniser
from w4s.training.weights import load_tokeniser
from w4s.types import Example

pytestmark = [pytest.mark.long, pytest.mark.timeout(900), pytest.mark.usefixtures("one_thread")]

SIZES = ("--private", "8", "--public", "2", "--isolation", "batch")
SMALL = (*SIZES, "--temperature", "1", "--reply-tokens", "300")


@pytest.fixture
def w4s(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


def ran(w4s: CommandLine, *words: str) -> str:
    done = w4s(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_from_one_version_to_the_next(w4s: CommandLine) -> None:
    collect = ("collect", TASK, "toy_dates", "--episodes", "2", *SMALL)
    ran(w4s, *collect, "--meta-agent", "small", "--run", "first")
    ran(w4s, "dataset", "first", "--out", "set")
    words = ("--scheme", "full", "--learning-rate", "1e-3", "--evaluation-share", "0.25")
    ran(w4s, "train", "set", "--model", "small", "--run", "trained", *words)
    ran(w4s, *collect, "--meta-agent", "small:trained/model", "--run", "second")

    found = list(read_examples(w4s.folder / "set" / "examples.jsonl"))
    assert any(e.prompt_ids and e.reply_ids for e in found), "actions keep their tokens"
    base, model = (
        AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        for folder in (find_checkpoint("small"), w4s.folder / "trained" / "model")
    )
    assert weighted(model, found) < weighted(base, found), "it has learned"

    logged = read_logs(w4s.folder / "trained")[-1].evaluation
    assert logged is not None
    plain = [weighted(model, episode) for episode in groups(found)]
    assert sum(math.isclose(p, logged, rel_tol=1e-4) for p in plain) == 1, (plain, logged)

    for collection in ("first", "second"):
        for one in read_collection(w4s.folder / collection).episodes:
            assert one.trajectory.turns
    first, second = (weights(w4s.folder / run) for run in ("first", "second"))
    assert first != second, "the new version is another model"


def weights(run: Path) -> str:
    lines = (run / "config.toml").read_text().splitlines()
    return next(line for line in lines if line.startswith('"weights"'))


def weighted(model: Any, found: Sequence[Example]) -> float:
    """Σ w (1/N) Σ -log π / Σ w by plain transformers, one conversation after the other."""
    reader, total = Tokeniser(load_tokeniser("small"), 4096), 0.0
    for row in map(reader.row, found):
        ids = torch.as_tensor(row.ids)[None]
        with torch.no_grad():
            log_p = torch.log_softmax(model(input_ids=ids).logits[0, :-1], -1)
        chosen = log_p.gather(1, ids[0, 1:, None])[row.prompt - 1 :]
        total -= row.weight * float(chosen.mean())
    return total / sum(example.weight for example in found)


# --- kill -9 during collection, against a server that counts -------------------------------

COLLECT = ("collect", TASK, "toy_dates", "--episodes", "2", "--samples", "2", *SIZES)
SLOW = ("--latency-ms", "100")


def collecting(server: Server, run: str) -> tuple[str, ...]:
    return (*COLLECT, "--executor", server.executor, "--side-by-side", "2", "--run", run)


def episodes(run: Path) -> list[Any]:
    """What was collected, without what it took, in the order of the plan."""
    lines = (run / EPISODES).read_text().splitlines()[1:]
    found = [without_costs(json.loads(line)) for line in lines]
    return sorted(found, key=lambda one: (one["trajectory"]["task"], one["number"]))


def test_killed_again_and_again_it_collects_the_same(w4s: CommandLine) -> None:
    rng = random.Random(5)
    with w4s.serving(TASK, "toy_dates", *SLOW) as server:
        ran(w4s, *collecting(server, "whole"))
        expected, calls = episodes(w4s.folder / "whole"), server.stats()["calls"]
        kills = lost = 0
        while True:
            process = w4s.start(*collecting(server, "killed"))
            try:
                _, errors = process.communicate(timeout=rng.uniform(2, 4) + kills)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                kills += 1
                lost += not_committed(w4s.folder / "killed", ACCOUNT)
                continue
            assert process.returncode == 0, errors
            break
        assert kills >= 2
        assert episodes(w4s.folder / "killed") == expected
        # What was in flight at a kill was sent and is not kept; all else comes from the cache.
        assert calls <= server.stats()["calls"] - calls <= calls + lost


def test_ctrl_c_loses_no_call_at_all(w4s: CommandLine) -> None:
    with w4s.serving(TASK, "toy_dates", *SLOW) as server:
        ran(w4s, *collecting(server, "whole"))
        calls = server.stats()["calls"]
        process = w4s.start(*collecting(server, "stopped"))
        while server.stats()["calls"] < calls * 1.4:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 130, errors
        assert errors.splitlines()[-1] == "w4s: stopped; the same command goes on from here"
        ran(w4s, *collecting(server, "stopped"))
        assert episodes(w4s.folder / "stopped") == episodes(w4s.folder / "whole")
        assert server.stats()["calls"] == 2 * calls


def test_a_finished_collection_calls_nobody(w4s: CommandLine) -> None:
    with w4s.serving(TASK, "toy_dates") as server:
        ran(w4s, *collecting(server, "whole"))
        calls = server.stats()["calls"]
        ran(w4s, *collecting(server, "whole"))
        assert server.stats()["calls"] == calls
