"""Does the meta-agent learn? The small one, on the simulated executor, against what it may be.

A small model imitates a grammar (`w4s small pretrain`; it comes along). From there, per training
seed: collect on seen tasks, weigh, train; three rounds. Then each arm searches tasks of families
that were in no collection, and the seen ones, and what it found after 1 to 5 turns is read on
sealed problems. All arms evaluate equally much. What is there already is not done again, so a stop
loses little:

    python -m benchmarks learning                                  # everything
    python -m benchmarks.learning seeds=0,1 "arms=untrained;rlao"  # a part
    python -m benchmarks.learning kinds=part seeds=0               # ablations on part of the tasks
    python -m benchmarks.learning report                           # the tables of what is there
    python -m benchmarks.learning report=benchmarks/learned picture=docs/learning.svg   # the docs'
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import asdict, dataclass, field, replace
from itertools import chain, cycle, islice
from pathlib import Path
from typing import Any

from benchmarks._learning_play import (
    SLOTS,
    Search,
    Searched,
    collect_with,
    search_with,
)
from benchmarks._learning_tables import GROUPS, picture, print_tables
from benchmarks._learning_world import Memory, Worlds
from w4s.models.base import Model
from w4s.models.checkpoints import SMALL, find_checkpoint
from w4s.models.sampler import InProcess
from w4s.models.simulated import simulator_digest
from w4s.store import read_journal
from w4s.tasks.base import Sizes
from w4s.tasks.toy import toy_digest
from w4s.training.collect import Collected
from w4s.training.dataset import Choices, collect_examples, write_examples
from w4s.training.dialect import Dialect
from w4s.training.replay import with_replay
from w4s.training.settings import Reward, Selection, TrainConfig, Weighting

SEEN = (
    "ledger", "passage", "primes", "choice", "rates", "tally",
    "order", "elements", "counting", "dates", "report", "robot",
)  # fmt: skip
UNSEEN = tuple(chain.from_iterable(GROUPS.values()))
"""Families in no collection and of no use for any decision, told in other words about other things
than the seen ones and the corpus. A medley holds problems of three families at once."""
PART = 3 * len(UNSEEN)
"""So many of the unseen tasks, three of each family, are enough for ablations."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One kind of meta-agent, and how it searches."""

    choices: Choices | None = None
    """How its examples are weighed; None: it is not trained."""
    rounds: int = 3
    epochs: int = 4
    """Of each round. The fewer examples, the more, so that all arms take about as many steps."""
    families: tuple[str, ...] = SEEN
    """What it collects on."""
    grammar: bool = False
    """No model at all: random draws from what the model imitated."""
    online: bool = False
    """Trained while it plays, by GRPO."""
    same_as: str = ""
    """The arm whose model it searches with, after as many rounds as this arm has."""
    search: Search = field(default_factory=Search)


_SFT = Choices(selection=Selection.BEST, weighting=Weighting.ONE)
_TOP = Choices(temperature=0.5, reward=Reward.TASK_ADVANTAGE, reward_above=0.5)


def _again(name: str, **changed: Any) -> Arm:
    """The model of an arm in another search."""
    arm = ARMS[name]
    return replace(arm, same_as=arm.same_as or name, search=Search(**changed))


ARMS: dict[str, Arm] = {
    "random": Arm(grammar=True, search=Search("random")),
    "untrained": Arm(),
    "rlao": Arm(Choices()),
    "sft_best": Arm(_SFT, epochs=20),
    "rlao_top": Arm(_TOP, epochs=12),
    "grpo": Arm(Choices(), online=True),
}
"""What the question is about."""
ARMS |= {
    "untrained_twice": Arm(search=Search(turns=10)),
    "rlao_one_round": replace(ARMS["rlao"], rounds=1, same_as="rlao"),
    "sft_one_round": replace(ARMS["sft_best"], rounds=1, same_as="sft_best"),
    "rlao_top_one_round": replace(ARMS["rlao_top"], rounds=1, same_as="rlao_top"),
    "rlao_six_rounds": replace(ARMS["rlao"], rounds=6, same_as="rlao"),
    "sft_six_rounds": replace(ARMS["sft_best"], rounds=6, same_as="sft_best"),
    "rlao_top_six_rounds": replace(ARMS["rlao_top"], rounds=6, same_as="rlao_top"),
    "rlao_top_nine_rounds": replace(ARMS["rlao_top"], rounds=9, same_as="rlao_top"),
    "rlao_top_no_feedback": _again("rlao_top", method="random"),
    "rlao_top_wrong_description": _again("rlao_top", described_as="toy_elements"),
    "weight_one": Arm(Choices(weighting=Weighting.ONE)),
    "rlao_rewarded": Arm(Choices(reward_above=0.0), epochs=20),
    "rlao_task_advantage": Arm(Choices(reward=Reward.TASK_ADVANTAGE)),
    "rlao_advantage": Arm(Choices(reward=Reward.ADVANTAGE)),
    "rlao_continuous": Arm(Choices(reward=Reward.CONTINUOUS)),
    "rlao_margin": Arm(Choices(reward=Reward.MARGIN)),
    "rlao_tau_0.2": Arm(Choices(temperature=0.2)),
    "rlao_tau_1": Arm(Choices(temperature=1.0)),
    "two_families": Arm(_TOP, epochs=12, families=("ledger", "primes")),
    "five_families": Arm(
        _TOP, epochs=12, families=("ledger", "passage", "primes", "choice", "order")
    ),
}
"""Ablations of the training, and of what a search shows the model."""
for _name in ("untrained", "sft_best", "rlao_top", "rlao_top_six_rounds"):
    ARMS |= {f"{_name}, {private} problems": _again(_name, private=private) for private in (8, 32)}
    ARMS |= {f"{_name}, {p}": _again(_name, profile=p) for p in ("coder", "reader", "no cues")}
"""Other searches with the same models: more or fewer validation problems, other executors."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How large the experiment is."""

    seen: tuple[str, ...] = tuple(f"toy_{f}/{k}" for k in range(1, 6) for f in SEEN)
    """Collected on, and searched on problems of their own."""
    unseen: tuple[str, ...] = tuple(f"toy_{f}/{k}" for k in range(1, 9) for f in UNSEEN)
    sizes: Sizes = field(default_factory=lambda: Sizes(32, 1, 33, 80))
    """Private, public, training, test. Of the training problems the last is public in the
    collection; the others validate there. A search says how many of the private ones it uses."""
    episodes: int = 40
    """Of a round."""
    base: str = SMALL
    training: Mapping[str, object] = field(
        default_factory=lambda: {
            "scheme": "full",
            "learning_rate": 2e-3,
            "examples_per_step": 16,
            "tokens_per_pass": 2048,
            "checkpointing": False,
            "evaluation_share": 0.0,
            "save_every": 1000,
        }
    )

    def tasks(self, kind: str) -> tuple[str, ...]:
        """What is searched: `unseen`, `seen`, or of the unseen ones a `part`."""
        if kind == "seen":
            return self.seen
        return self.unseen[:PART] if kind == "part" else self.unseen

    def course(self, families: Sequence[str], rounds: int) -> list[tuple[list[str], int]]:
        """For each round the tasks and how many episodes of each: all tasks once in three rounds,
        or in each round where they are few."""
        tasks = [t for t in self.seen if t.partition("/")[0].removeprefix("toy_") in families]
        third = -(-len(tasks) // 3)
        parts = [tasks[i : i + third] for i in range(0, len(tasks), third)]
        if third < 10:
            parts = [tasks] * 3
        return [(part, max(1, self.episodes // len(part))) for part in islice(cycle(parts), rounds)]


class Grid:
    """The cells of the experiment, each done once, in a folder."""

    def __init__(self, folder: Path, plan: Plan, worlds: Worlds) -> None:
        self.folder, self.plan, self.worlds = folder, plan, worlds

    async def cell(self, name: str, seed: int, kind: str) -> list[Searched]:
        """What one arm finds with one seed on the seen or the unseen tasks."""
        path = self.folder / "cells" / f"{name}-{seed}-{kind}.json"
        if path.exists():
            return [_read(row) for row in json.loads(path.read_text("utf-8"))]
        arm, begun = ARMS[name], time.monotonic()
        checkpoint = await self._checkpoint(arm, arm.same_as or name, seed)
        trained = time.monotonic() - begun
        tasks = self.plan.tasks(kind)
        world = self.worlds.of(arm.search.profile)
        async with AsyncExitStack() as stack:
            model = await self._open(stack, arm, checkpoint)
            found = await search_with(model, world, tasks, seed, arm.search)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps([asdict(row) for row in found]), "utf-8")
        part.replace(path)
        mean = sum(row.tested[-1] for row in found) / len(found)
        _say(
            f"{name}, seed {seed}, {kind}: {mean:.3f}"
            f" ({trained:.0f} s collecting and training, {time.monotonic() - begun:.0f} s in all)"
        )
        return found

    async def _checkpoint(self, arm: Arm, name: str, seed: int) -> str:
        """The trained model of an arm; the base where nothing is trained."""
        model = "" if arm.grammar else find_checkpoint(self.plan.base)
        if arm.choices is None:
            return model
        course = self.plan.course(arm.families, arm.rounds)
        if arm.online:
            return await self._online(model, seed, course, self.folder / f"seed{seed}" / name)
        for number, (tasks, episodes) in enumerate(course, 1):
            # All arms of a seed begin with the same model, and so with the same collection.
            first = number == 1 and arm.families == SEEN
            played = self.folder / f"seed{seed}" / ("first" if first else name)
            trained = self.folder / f"seed{seed}" / name / f"round{number}"
            if not (trained / "model").exists():
                journal = played / f"collected{number}.jsonl"
                await self._collect(model, tasks, episodes, seed * 1000 + number, journal)
                self._train(arm, model, journal, trained, seed * 1000 + number)
            model = str(trained / "model")
        return model

    async def _online(
        self, model: str, seed: int, course: Sequence[tuple[list[str], int]], run: Path
    ) -> str:
        """The same tasks and as many episodes, learned from as they are played."""
        if (run / "model").exists():
            return str(run / "model")
        from benchmarks._learning_grpo import train_grpo

        tasks = [task for part, _ in course for task in part]
        return await train_grpo(model, self.worlds.of(), tasks, course[0][1], 1, seed, run)

    async def _collect(
        self, checkpoint: str, tasks: Sequence[str], episodes: int, seed: int, journal: Path
    ) -> None:
        begun = time.monotonic()
        async with AsyncExitStack() as stack:
            model = await self._open(stack, Arm(), checkpoint)
            await collect_with(model, self.worlds.of(), tasks, episodes, seed, journal)
        tried = [
            a.evaluation.accuracy
            for c in read_journal(journal, Collected)
            for turn in c.trajectory.turns
            for a in turn.attempts
        ]
        mean = sum(tried) / max(1, len(tried))
        _say(f"  {journal}: mean {mean:.3f} of {len(tried)}, {time.monotonic() - begun:.0f} s")

    def _train(self, arm: Arm, model: str, journal: Path, run: Path, seed: int) -> None:
        from w4s.training.trainer import train

        begun = time.monotonic()
        episodes = [c.trajectory for c in read_journal(journal, Collected)]
        chosen = collect_examples(episodes, arm.choices or Choices())
        found = with_replay(chosen, random.Random(seed))
        run.parent.mkdir(parents=True, exist_ok=True)
        examples = run.parent / f"{run.name}-examples.jsonl"
        write_examples(examples, found)
        settings = {**self.plan.training, "examples": examples, "model": model, "run": run}
        train(TrainConfig.resolve({**settings, "seed": seed, "epochs": arm.epochs}))
        _say(f"  {run}: {len(found)} examples, {time.monotonic() - begun:.0f} s")

    async def _open(self, stack: AsyncExitStack, arm: Arm, checkpoint: str) -> Model:
        if arm.grammar:
            return InProcess(Dialect())
        from w4s.models.local import LocalModel

        model = LocalModel(checkpoint, slots=SLOTS)
        stack.push_async_callback(model.aclose)
        return model


def frozen(plan: Plan) -> dict[str, object]:
    """What must not change between the first training and the last test."""
    return {"simulator": simulator_digest(), "toy families": toy_digest(), "plan": asdict(plan)}


def main(words: Sequence[str] = ()) -> None:
    gc.freeze()
    gc.set_threshold(50_000)
    settings = dict(word.partition("=")[::2] for word in words)
    own = Path(os.environ.get("W4S_BENCHMARK_FOLDER", "runs/benchmarks")) / "learning"
    folder = Path(settings.get("report") or own)
    if "report" not in settings:
        seeds = [int(s) for s in settings.get("seeds", "0,1,2,3,4").split(",")]
        names = [n for n in settings.get("arms", ";".join(ARMS)).split(";") if n]
        kinds = settings.get("kinds", "unseen,seen").split(",")
        asyncio.run(fill(folder, Plan(), names, seeds, kinds))
    print_tables(folder / "cells", ARMS)
    if "picture" in settings:
        Path(settings["picture"]).write_text(picture(folder / "cells"), "utf-8")


async def fill(
    folder: Path, plan: Plan, names: Sequence[str], seeds: Sequence[int], kinds: Sequence[str]
) -> None:
    """Do the cells that are missing, seed by seed, so that a stop leaves whole seeds."""
    _freeze(folder, plan)
    with closing(Memory(folder / "memory.sqlite")) as memory:
        worlds = Worlds(memory, plan.sizes)
        try:
            grid = Grid(folder, plan, worlds)
            for kind in kinds:
                for seed in seeds:
                    for name in names:
                        await grid.cell(name, seed, kind)
                    asked = memory.found + memory.missed
                    _say(f"{kind}, seed {seed} done; {memory.found} of {asked} known")
        finally:
            await worlds.aclose()


def _freeze(folder: Path, plan: Plan) -> None:
    """Refuse to go on where simulator, families or plan are others than at the beginning."""
    folder.mkdir(parents=True, exist_ok=True)
    path, now = folder / "frozen.json", json.loads(json.dumps(frozen(plan)))
    if not path.exists():
        path.write_text(json.dumps(now, indent=1), "utf-8")
    elif json.loads(path.read_text("utf-8")) != now:
        sys.exit(f"{path} says that something else was begun here; take another folder")


def _read(row: dict[str, object]) -> Searched:
    return Searched(**{k: tuple(v) if isinstance(v, list) else v for k, v in row.items()})  # type: ignore[arg-type]


def _say(line: str) -> None:
    print(time.strftime("%H:%M:%S "), line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
