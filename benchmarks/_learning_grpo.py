"""The online baseline of the learning experiment: GRPO, with TRL's trainer.

In: the model that the other arms begin with, and the tasks they collect on. Out: a checkpoint, the
episodes it learned from (as `collect_with` writes them), and a line per step. TRL samples, weighs
and steps; the turns are the project's own: the same states, prompts, self-check and problems as in
a collection. The reward of an action is its validation accuracy, 0 where it did not run.

An episode's second turn continues with the best of the first, as everywhere; what has been learned
meanwhile shows in it. Every action that is sampled is evaluated once and learned from once,
so as many actions are evaluated as in a collection of as many episodes. Needs the extra `grpo`.
"""

from __future__ import annotations

import asyncio
import json
import random
import warnings
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import PrinterCallback
from trl import GRPOConfig, GRPOTrainer

from benchmarks._learning_play import (
    MAX_TOKENS,
    SAMPLES,
    TOP_P,
    make_agent,
    training_environment,
)
from benchmarks._learning_world import World
from w4s.models.scripted import Scripted
from w4s.rollout import try_all
from w4s.store import Journal
from w4s.training.collect import Collected
from w4s.training.settings import Scheme
from w4s.training.weights import load_model, load_tokeniser, save_model
from w4s.types import State, Trajectory, Turn

TURNS = 2
"""Of an episode, as in `collect_with`."""
GROUPS = 6
"""States that a step learns from, at most: as many tasks at a time keep its direction steady."""
LEARNING_RATE = 3e-4
"""Peak; then it falls to nothing in a straight line. With 6e-4 and 1e-3, accuracies on seen tasks
fell at first; with four passes over each action instead of one, in the end."""
WARM_UP = 0.1
"""Share of the steps before the peak."""

Place = tuple[str, int]
"""A task, and the number of the episode within it."""


async def train_grpo(
    model: str,
    world: World,
    tasks: Sequence[str],
    episodes: int,
    rounds: int,
    seed: int,
    run: Path,
    *,
    learning_rate: float = LEARNING_RATE,
) -> str:
    """Train on `rounds` times `episodes` episodes of each task; the folder of the trained model.

    The trainer works in a thread of its own, and evaluations in the caller's, where sandbox and
    memory were opened. A run that was stopped begins anew."""
    trained = run / "model"
    run.mkdir(parents=True, exist_ok=True)
    (run / "collected.jsonl").unlink(missing_ok=True)
    with closing(Journal(run / "collected.jsonl", Collected)) as journal:
        course = Course(world, journal, asyncio.get_running_loop())
        await course.begin(tasks, episodes * rounds)
        rows = plan_rows(tasks, episodes * rounds, random.Random(seed))
        settings = _settings(run, len(tasks), learning_rate, seed)
        tokeniser = load_tokeniser(model)
        place = torch.device("cpu")
        trainer = _Trainer(course, load_model(model, Scheme.FULL, place), settings, rows, tokeniser)
        await _trained(trainer)
    with (run / "steps.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(step) + "\n" for step in trainer.state.log_history)
    part = run / "model.part"
    save_model(trainer.model, tokeniser, part)
    part.replace(trained)
    return str(trained)


async def _trained(trainer: GRPOTrainer) -> None:
    with warnings.catch_warnings():
        # TRL asks transformers for a property by its old name.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
        try:
            await asyncio.to_thread(trainer.train)
        except asyncio.CancelledError:  # a thread cannot be stopped: it ends after this step
            trainer.control.should_training_stop = True
            raise


def plan_rows(tasks: Sequence[str], episodes: int, rng: random.Random) -> list[dict[str, Any]]:
    """The states to sample from, in order: first turns of all tasks, then their second turns."""
    rows = []
    for number in range(episodes):
        order = rng.sample(list(tasks), len(tasks))
        rows += [{"task": task, "number": number} for _ in range(TURNS) for task in order]
    return rows


class Course:
    """The episodes that are learned from, and the state that each has reached."""

    def __init__(
        self, world: World, journal: Journal[Collected], loop: asyncio.AbstractEventLoop
    ) -> None:
        self._world, self._journal, self._loop = world, journal, loop
        self._states: dict[Place, State] = {}
        self._turns: dict[Place, tuple[Turn, ...]] = {}

    async def begin(self, tasks: Sequence[str], episodes: int) -> None:
        """Evaluate the examples of each task, which all its episodes begin with."""
        for task in tasks:
            state = await training_environment(self._world, task).begin()
            for number in range(episodes):
                self._states[task, number], self._turns[task, number] = state, ()

    def shown(self, row: dict[str, Any]) -> dict[str, Any]:
        """A row with the prompt of the state that its episode has reached by now."""
        task = row["task"]
        agent = make_agent(Scripted([]), self._world.task(task).brief, 0)
        messages = agent.prompt(self._states[task, row["number"]])
        return {**row, "prompt": [{"role": m.role, "content": m.content} for m in messages]}

    def reward(
        self, completions: list[Any], task: list[str], number: list[int], **rest: Any
    ) -> list[float]:
        """What the trainer calls, in its thread, with the groups of a step one behind another."""
        replies = [completion[0]["content"] for completion in completions]
        playing = self._play_all(replies, list(zip(task, number, strict=True)))
        return asyncio.run_coroutine_threadsafe(playing, self._loop).result()

    async def _play_all(self, replies: Sequence[str], places: Sequence[Place]) -> list[float]:
        rewards = []
        for at in range(0, len(replies), SAMPLES):
            rewards += await self._play(places[at], replies[at : at + SAMPLES])
        return rewards

    async def _play(self, place: Place, replies: Sequence[str]) -> list[float]:
        """One turn of an episode with these replies; the accuracy of each."""
        task, number = place
        state, env = self._states[place], training_environment(self._world, task)
        agent = make_agent(Scripted(replies), self._world.task(task).brief, 0)
        proposals = await agent.propose(state, SAMPLES, env.check)
        turn = await try_all(env, state, proposals)
        self._states[place], self._turns[place] = (
            env.advance(state, turn),
            (*self._turns[place], turn),
        )
        if len(self._turns[place]) == TURNS:
            self._journal.append(Collected(number, Trajectory(task, self._turns[place])))
        reached = {id(a.proposal): a.evaluation.accuracy for a in turn.attempts}
        return [reached.get(id(proposal), 0.0) for proposal in proposals]


class _Trainer(GRPOTrainer):  # type: ignore[misc]
    """TRL's trainer, which reads the prompt of a state when it samples from it.

    The rows of a data set are fetched one step ahead, when the states are not yet known."""

    def __init__(
        self,
        course: Course,
        model: Any,
        settings: GRPOConfig,
        rows: list[dict[str, Any]],
        tokeniser: Any,
    ) -> None:
        self._course = course
        first = [course.shown(row) for row in rows]
        super().__init__(
            model, course.reward, settings, Dataset.from_list(first), processing_class=tokeniser
        )
        self.remove_callback(PrinterCallback)

    def _prepare_inputs(self, generation_batch: list[dict[str, Any]]) -> Any:
        return super()._prepare_inputs([self._course.shown(row) for row in generation_batch])


def _settings(run: Path, tasks: int, learning_rate: float, seed: int) -> GRPOConfig:
    """TRL's own, but for what the experiment sets for all arms and for a small model on a CPU."""
    groups = max(size for size in range(1, GROUPS + 1) if tasks % size == 0)
    return GRPOConfig(
        output_dir=str(run),
        num_generations=SAMPLES,
        per_device_train_batch_size=groups * SAMPLES,
        num_train_epochs=1,
        temperature=1.0,
        top_p=TOP_P,
        max_completion_length=MAX_TOKENS,
        shuffle_dataset=False,
        learning_rate=learning_rate,
        warmup_steps=WARM_UP,
        activation_checkpointing=False,
        bf16=False,
        use_cpu=True,
        use_cache=True,
        dataloader_pin_memory=False,
        seed=seed,
        save_strategy="no",
        logging_steps=1,
        report_to="none",
        disable_tqdm=True,
    )
