"""What a whole search and its test take, against the ideal at unlimited concurrency.

Three examples, then 2 turns of 5 candidates, each on 138 validation problems (128 private and 10
public), then five workflows on 500 test problems each by `w4s test`, against the simulated
server in a process of its own at 400 ms and 8 ms a token.

The ideal: the same calls with the same latencies, where nothing costs any time but the waiting,
and only what depends on something waits for it: the calls of one workflow on one problem follow
each other, a turn begins when the last one has ended, everything else goes side by side. It is
computed by running the same workflows again in this process, with the same seeds; that these are
the same calls is checked against the server's own count.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import urllib.request
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from benchmarks._processes import Account, account
from benchmarks._served import served
from w4s.commands.testing import simple_baselines
from w4s.commands.workbench import answer_book, task_of
from w4s.config import SearchConfig
from w4s.evaluation import Evaluator
from w4s.executor import Executor
from w4s.models.base import Model, Purpose, Reply, Request
from w4s.models.faults import Latency
from w4s.models.sampler import InProcess, count_tokens
from w4s.models.simulated import SimulatedExecutor
from w4s.runner import Runner
from w4s.sandbox import open_sandbox
from w4s.tasks.base import Task
from w4s.types import Problem, Workflow
from w4s.workflow import example_workflows, parse_reply

TASK = "gsm_hard" if os.environ.get("W4S_DATA") else "toy_ledger"
"""GSM-Hard where its data are at hand, with the sizes of its published sets."""
PRIVATE, PUBLIC, TEST = 128, 10, 500
LATENCY = Latency(base_ms=400, ms_per_token=8)
W4S = str(Path(sys.executable).with_name("w4s"))

ONE_CALL = """
from collections import Counter


def solver(agent, task: str):
    replies = agent.call_json_format_llm(
        messages=[{{"role": "user", "content": task}}],
        temperature={temperature},
        num_of_response={samples},
        agent_role="{role}",
        return_dict_keys=["reasoning", "answer"],
        instructions="Think step by step.",
    )
    answers = [str(reply["answer"]).strip() for reply in replies]
    return {{"answer": Counter(answers).most_common(1)[0][0]}}
"""
SEVERAL_CALLS = """
def solver(agent, task: str):
    answer, reasoning = "", ""
    for round in range({rounds}):
        content = task
        if round:
            content += f"\\n\\nAn earlier attempt: {{reasoning}} Answer: {{answer}}\\nCorrect it."
        reply = agent.call_json_format_llm(
            messages=[{{"role": "user", "content": content}}],
            temperature=0.5,
            return_dict_keys=["reasoning", "answer"],
        )[0]
        reasoning, answer = str(reply["reasoning"]), str(reply["answer"])
    return {{"answer": answer}}
"""
CANDIDATES = (
    ONE_CALL.format(temperature=0.2, samples=1, role="mathematician"),
    ONE_CALL.format(temperature=0.7, samples=3, role="mathematician"),
    ONE_CALL.format(temperature=0.8, samples=5, role="teacher"),
    ONE_CALL.format(temperature=0.8, samples=7, role="analyst"),
    SEVERAL_CALLS.format(rounds=2),
    ONE_CALL.format(temperature=0.5, samples=1, role="teacher"),
    ONE_CALL.format(temperature=0.5, samples=4, role="engineer"),
    ONE_CALL.format(temperature=1.0, samples=5, role="engineer"),
    ONE_CALL.format(temperature=0.9, samples=9, role="careful reader"),
    SEVERAL_CALLS.format(rounds=3),
)
TURNS = (CANDIDATES[:5], CANDIDATES[5:])
CHOSEN = CANDIDATES[3]
"""What is tested beside the four baselines."""


def main() -> None:
    """Run the search and the test, compute the ideal, print both."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        search, test, calls = _measure(folder)
        task = task_of(_config(folder))
    ideal = asyncio.run(_ideal(task))
    if ideal.calls != calls:
        raise RuntimeError(f"the server saw {calls} calls, the ideal has {ideal.calls}")
    wall = search.seconds + test.seconds
    cpu = search.cpu_seconds + test.cpu_seconds
    own = search.own_cpu_seconds + test.own_cpu_seconds
    print(f"task                     {TASK}")
    print(f"machine                  {os.cpu_count()} processors, load {load:.1f} before")
    print(f"executor calls           {calls}")
    print(f"wall                     {wall:.1f} s ({search.seconds:.1f} + {test.seconds:.1f})")
    print(f"ideal                    {ideal.seconds:.1f} s ({ideal.shown})")
    print(f"ratio                    {wall / ideal.seconds:.2f}")
    print(f"CPU                      {cpu:.1f} s (host {own:.1f}, sandbox {cpu - own:.1f})")
    print(f"peak memory              {max(search.peak_mb, test.peak_mb):.0f} MB")
    print(f"most processes at once   {max(search.peak_processes, test.peak_processes)}")


# --- What it takes -----------------------------------------------------------------------------


def _config(folder: Path, executor: str = "simulated") -> SearchConfig:
    return SearchConfig.model_validate(
        {
            "task": TASK,
            "run": folder / "run",
            "executor": executor,
            "meta_agent": f"scripted:{folder / 'replies.json'}",
            "turns": len(TURNS),
            "samples": len(TURNS[0]),
            "private": PRIVATE,
            "public": PUBLIC,
            "test": TEST,
        }
    )


def _measure(folder: Path) -> tuple[Account, Account, int]:
    """The search, the test, and the executor calls of both."""
    replies = [f"Another one.\n\n```python\n{code.strip()}\n```" for code in CANDIDATES]
    Path(folder, "replies.json").write_text(json.dumps(replies))
    chosen = Path(folder, "chosen.py")
    chosen.write_text(_workflow(CHOSEN).code)
    sizes = ["--private", PRIVATE, "--public", PUBLIC, "--test", TEST]
    delays = ["--latency-ms", LATENCY.base_ms, "--ms-per-token", LATENCY.ms_per_token]
    with served(
        [W4S, *map(str, ["serve-simulated", TASK, "--port", 0, *sizes, *delays])]
    ) as server:
        config = _config(folder, f"openai:simulated@{server.url}")
        settings = [
            f"--{key.replace('_', '-')}={getattr(config, key)}"
            for key in ("run", "executor", "meta_agent", "turns", "samples", "private", "public")
        ]
        search = account([W4S, "search", TASK, *settings, f"--test={TEST}"])
        test = account([W4S, "test", str(config.run), "--baselines", f"--workflow={chosen}"])
        stats = json.load(urllib.request.urlopen(f"{server.url.removesuffix('/v1')}/stats"))
    return search, test, stats["answered"]


def _workflow(code: str) -> Workflow:
    """As the meta-agent's reply is read."""
    return parse_reply(f"```python\n{code.strip()}\n```")


# --- The ideal ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ideal:
    """The shortest time in which the same calls can be made."""

    stages: tuple[float, ...]
    """Seconds of each stage that has to wait for the one before."""
    calls: int

    @property
    def seconds(self) -> float:
        return sum(self.stages)

    @property
    def shown(self) -> str:
        return " + ".join(f"{stage:.1f}" for stage in self.stages)


class Waits:
    """A Model that notes how long each solver call would have waited for its replies."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.calls = 0
        self.seconds: dict[tuple[str, str, str], float] = defaultdict(float)

    @property
    def name(self) -> str:
        return self._model.name

    async def complete(self, request: Request) -> Reply:
        reply = await self._model.complete(request)
        longest = max(count_tokens(choice.text) for choice in reply.choices)
        identity = request.identity
        solver_call = (identity.purpose.value, identity.workflow, identity.problem)
        self.seconds[solver_call] += LATENCY.seconds(longest)
        self.calls += 1
        return reply

    async def aclose(self) -> None:
        await self._model.aclose()

    def longest(self) -> float:
        """The longest of the solver calls so far, which are forgotten then."""
        longest = max(self.seconds.values())
        self.seconds.clear()
        return longest


async def _ideal(task: Task) -> Ideal:
    sealed = task.sealed.open()
    book = answer_book(task, (*task.search.private, *task.search.public, *sealed))
    model = Waits(InProcess(SimulatedExecutor(book)))
    sandbox = await open_sandbox(prelude=files("w4s").joinpath("agent.py").read_text("utf-8"))
    evaluator = Evaluator(Runner(Executor(model, sandbox, seed=0), task.scorer))
    private, public = task.search.private, task.search.public

    async def stage(
        workflows: Sequence[Workflow], *sets: tuple[Purpose, Sequence[Problem]]
    ) -> float:
        for purpose, problems in sets:
            await evaluator.evaluate_all(workflows, problems, purpose)
        return model.longest()

    validation = (Purpose.VALIDATE, private), (Purpose.PUBLIC, public)
    stages = [await stage(example_workflows(task.interface), *validation)]
    for codes in TURNS:
        candidates = [_workflow(code) for code in codes]
        stages.append(await stage(candidates, (Purpose.CHECK, public[:1])))
        stages.append(await stage(candidates, *validation))
    tested = [*simple_baselines(task.interface), _workflow(CHOSEN)]
    stages.append(await stage(tested, (Purpose.TEST, sealed)))
    await sandbox.aclose()
    return Ideal(tuple(stages), model.calls)


if __name__ == "__main__":
    main()
