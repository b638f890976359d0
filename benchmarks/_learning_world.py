"""Where the learning experiment plays: simulated, in this process, and no measurement twice.

In: tasks and workflows. Out: evaluations. A workflow of which the grammar writes every line (in
whatever order the model has put them) runs in this process, and so do the examples; any other goes
to the sandbox with its walls, one process per workflow. Calls are pure functions of workflow,
problem and purpose, so what one arm has measured serves the others: an evaluation is kept in a
database beside the results.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

from benchmarks._trusted import Trusted
from w4s.evaluation import Evaluator
from w4s.executor import Executor
from w4s.models.answer_book import AnswerBook
from w4s.models.base import Purpose
from w4s.models.sampler import InProcess
from w4s.models.simulated import SimulatedExecutor
from w4s.runner import Runner
from w4s.sandbox import open_sandbox
from w4s.sandbox.base import HostCall, Job, Limits, Result, Sandbox
from w4s.tasks.base import Sizes, Task
from w4s.tasks.registry import load_task
from w4s.training.dialect import action, draw_plan
from w4s.types import Evaluation, Outcome, Problem, Score, Status, Workflow
from w4s.workflow import baselines

STANDARD, NO_CUES = "standard", "no cues"


class Memory:
    """Evaluations by task, workflow and problems."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, timeout=60, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.execute("CREATE TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY, said TEXT)")
        self.found = self.missed = 0

    def get(self, key: str) -> list[list[str]] | None:
        row = self._database.execute("SELECT said FROM kept WHERE key = ?", (key,)).fetchone()
        self.found, self.missed = self.found + (row is not None), self.missed + (row is None)
        return json.loads(row[0]) if row else None

    def put(self, key: str, said: list[list[object]]) -> None:
        self._database.execute("INSERT OR IGNORE INTO kept VALUES (?, ?)", (key, json.dumps(said)))

    def close(self) -> None:
        self._database.close()


class Walled:
    """The sandbox with its walls, opened when a program first needs it."""

    def __init__(self) -> None:
        self._sandbox: Sandbox | None = None
        self._opening = asyncio.Lock()

    async def run(self, job: Job, host: HostCall | None = None) -> Result:
        async with self._opening:  # programs come side by side
            if self._sandbox is None:
                prelude = resources.files("w4s").joinpath("agent.py").read_text("utf-8")
                self._sandbox = await open_sandbox("walls", "nofs", prelude, "batch")
        return await self._sandbox.run(job, host)

    async def aclose(self) -> None:
        if self._sandbox is not None:
            await self._sandbox.aclose()


@dataclass(frozen=True, slots=True)
class Sorting(Runner):
    """Runs the package's own workflows here and all others behind walls."""

    walled: Runner | None = None

    async def run(
        self, workflow: Workflow, problem: Problem, purpose: Purpose, trial: int = 0
    ) -> Outcome:
        if self.walled is None or own(workflow.code):
            return await Runner.run(self, workflow, problem, purpose, trial)
        return await self.walled.run(workflow, problem, purpose, trial)


@dataclass(slots=True)
class Remembering(Evaluator):
    """An Evaluator that measures nothing twice. Outcomes out of the memory hold no answers, which
    compact prompts do not show."""

    memory: Memory | None = None
    of: str = ""
    """The executor and the task that the memory is asked for."""

    async def evaluate(
        self, workflow: Workflow, problems: Sequence[Problem], purpose: Purpose, trial: int = 0
    ) -> Evaluation:
        assert self.memory is not None
        ids = hashlib.sha256("\0".join(p.id for p in problems).encode()).hexdigest()[:12]
        key = f"{self.of} {ids} {purpose} {trial} {workflow.digest}"
        said = self.memory.get(key)
        if said is not None:
            pairs = zip(problems, said, strict=True)
            return Evaluation(workflow, tuple(_outcome(p, s, v) for p, (s, v) in pairs))
        found = await Evaluator.evaluate(self, workflow, problems, purpose, trial)
        self.memory.put(key, [[str(o.status), o.value] for o in found.outcomes])
        return found


def _outcome(problem: Problem, status: str, value: object) -> Outcome:
    kind = Status(status)
    score = Score(float(str(value))) if kind is Status.SCORED else None
    return Outcome(problem.id, kind, score)


@lru_cache(100_000)
def own(code: str) -> bool:
    """Whether the package itself writes every line of this program."""
    return code in _shipped() or all(
        line in _lines() or line.startswith("# plan:") for line in code.splitlines()
    )


@lru_cache(1)
def _lines() -> frozenset[str]:
    rng = random.Random(0)
    drawn = [draw_plan(rng, kind) for kind in ("answer",) * 6000 + ("code",) * 2000]
    return frozenset(line for plan in set(drawn) for line in action(plan).splitlines())


@lru_cache(1)
def _shipped() -> frozenset[str]:
    return frozenset(w.code for kind in ("answer", "code") for w in baselines(kind))


@lru_cache(None)
def load(name: str, sizes: Sizes) -> Task:
    """The task of that name; made once, since making problems takes a while."""
    return load_task(name, sizes=sizes)


class World:
    """Everything that evaluations need, for one executor: a profile, or "no cues" for the standard
    one when the wording of a workflow's prompts has no effect."""

    def __init__(self, memory: Memory, sizes: Sizes, profile: str = STANDARD) -> None:
        self.sizes, self._memory, self._profile = sizes, memory, profile
        self._walled = Walled()
        self._evaluators: dict[str, Evaluator] = {}

    def task(self, name: str) -> Task:
        return load(name, self.sizes)

    def evaluator(self, name: str, sealed: Sequence[Problem] = ()) -> Evaluator:
        """Evaluates on the problems of a task, or on its sealed ones."""
        key = f"{name} sealed" if sealed else name
        if key not in self._evaluators:
            self._evaluators[key] = self._made(self.task(name), sealed)
        return self._evaluators[key]

    def _made(self, task: Task, sealed: Sequence[Problem]) -> Evaluator:
        problems = sealed or (*task.search.private, *task.search.public, *task.training)
        keys = [key for p in problems if (key := task.answer_keys(p)) is not None]
        cues = self._profile != NO_CUES
        profile = self._profile if cues else STANDARD
        simulated = SimulatedExecutor(AnswerBook(keys), profile, cues)
        # Candidates of one task ask much the same: understood once, replies come sooner.
        simulated._understood = lru_cache(8192)(simulated._understand)
        model = InProcess(simulated)
        limits = Limits(seconds=5.0)
        walled = Runner(Executor(model, self._walled, 0), task.scorer, limits)
        runner = Sorting(Executor(model, Trusted(), 0), task.scorer, limits, walled)
        return Remembering(runner, memory=self._memory, of=f"{self._profile} {task.name}")

    async def aclose(self) -> None:
        await self._walled.aclose()


class Worlds:
    """A world for each executor that is asked for."""

    def __init__(self, memory: Memory, sizes: Sizes) -> None:
        self._memory, self._sizes = memory, sizes
        self._worlds: dict[str, World] = {}

    def of(self, profile: str = STANDARD) -> World:
        if profile not in self._worlds:
            self._worlds[profile] = World(self._memory, self._sizes, profile)
        return self._worlds[profile]

    async def aclose(self) -> None:
        for world in self._worlds.values():
            await world.aclose()
