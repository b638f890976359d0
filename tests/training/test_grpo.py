"""The online baseline of `benchmarks.learning`: it evaluates what it is asked to and no more, and
its checkpoint is one like all others. That rewards rise cannot be seen at this size."""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import json
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("trl", reason="needs the extra `grpo`")

from w4s.models.base import Identity, Purpose, Request
from w4s.models.checkpoints import SMALL, find_checkpoint, weights_digest
from w4s.models.local import LocalModel
from w4s.store import read_journal
from w4s.tasks.base import Sizes
from w4s.training.collect import Collected
from w4s.types import Message, Turn
from w4s.workflow import parse_reply

ROOT = Path(__file__).resolve().parents[2]

if not (ROOT / "benchmarks").is_dir():
    pytest.skip("the benchmarks are not part of an installation", allow_module_level=True)

TASKS = ("toy_ledger/1", "toy_passage/1")
PROBLEMS = 6
PROMPT = Message("user", "answer: count things")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two episodes on each of two tasks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(ROOT), *sys.path])
        worlds = importlib.import_module("benchmarks._learning_world")
        grpo = importlib.import_module("benchmarks._learning_grpo")
    folder = tmp_path_factory.mktemp("grpo")
    sizes = Sizes(private=4, public=1, training=PROBLEMS + 1, test=4)

    async def train(memory: Any) -> str:
        world = worlds.World(memory, sizes, "standard")
        try:
            trained: str = await grpo.train_grpo(
                SMALL, world, TASKS, episodes=1, rounds=2, seed=0, run=folder / "run"
            )
            return trained
        finally:
            await world.aclose()

    with closing(worlds.Memory(folder / "memory.sqlite")) as memory:
        assert asyncio.run(train(memory)) == str(folder / "run" / "model")
    return folder / "run"


def actions(turn: Turn) -> int:
    return len(turn.attempts) + len(turn.dropped)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_as_many_actions_are_evaluated_as_were_asked_for(run: Path) -> None:
    collected = read_journal(run / "collected.jsonl", Collected)
    played = sorted((c.trajectory.task, c.number) for c in collected)
    assert played == [(task, number) for task in TASKS for number in range(2)]
    assert [actions(t) for c in collected for t in c.trajectory.turns] == [5] * 8
    measured = [a for c in collected for t in c.trajectory.turns for a in t.attempts]
    assert {len(a.evaluation.outcomes) for a in measured} == {PROBLEMS}


@pytest.mark.long
@pytest.mark.timeout(300)
def test_the_second_turn_goes_on_from_the_best_of_the_first(run: Path) -> None:
    for collected in read_journal(run / "collected.jsonl", Collected):
        first, second = collected.trajectory.turns
        assert first.chosen is not None
        prompts = {a.proposal.prompt for a in second.attempts}
        assert {[m.content for m in p][1] for p in prompts} == {first.chosen.proposal.reply}


@pytest.mark.long
@pytest.mark.timeout(300)
def test_the_reward_is_the_accuracy_and_nothing_for_what_did_not_run(run: Path) -> None:
    collected = read_journal(run / "collected.jsonl", Collected)
    reached = [
        a.evaluation.accuracy
        for c in collected
        for turn in c.trajectory.turns
        for a in turn.attempts
    ]
    steps = [json.loads(line) for line in (run / "steps.jsonl").read_text("utf-8").splitlines()]
    rewards = [step["reward"] for step in steps if "reward" in step]
    assert sum(rewards) / len(rewards) == pytest.approx(sum(reached) / 40, abs=1e-6)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_its_checkpoint_is_another_model_with_the_same_tokeniser(run: Path) -> None:
    base, trained = Path(find_checkpoint(SMALL)), Path(find_checkpoint(str(run / "model")))
    assert weights_digest(str(trained)) != weights_digest(str(base))
    for file in ("tokenizer.json", "chat_template.jinja"):
        digests = {hashlib.sha256((f / file).read_bytes()).digest() for f in (base, trained)}
        assert len(digests) == 1, file
    settings = [json.loads((f / "config.json").read_text("utf-8")) for f in (base, trained)]
    assert [s.pop("dtype") for s in settings] == ["float16", "float32"]
    assert settings[0] == settings[1]


@pytest.mark.long
@pytest.mark.timeout(300)
def test_its_checkpoint_writes_workflows(run: Path) -> None:
    async def say() -> str:
        model = LocalModel(run / "model", slots=1)
        try:
            request = Request((PROMPT,), Identity(0, Purpose.PROPOSE), 0.0, max_tokens=400)
            return (await model.complete(request)).choices[0].text
        finally:
            await model.aclose()

    assert parse_reply(asyncio.run(say())).code.startswith("# plan: ")
