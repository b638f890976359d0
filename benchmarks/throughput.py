"""How many calls to the executor a second, sustained, at zero latency on this machine.

Each level adds a part: the server alone (raw sockets), the HTTP model, the model as a run wraps
it (places, ledger, cache on disk), workflows in the sandbox. The server is a process of its own
and shares the processors with the rest; its replies are fixed, so that it costs little.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks._served import Served, served
from w4s.config import Limits
from w4s.executor import Executor
from w4s.models.base import Identity, Model, Purpose, Request
from w4s.models.metering.budget import Budget
from w4s.models.metering.ledger import Ledger
from w4s.models.metering.prices import FREE
from w4s.models.specs import open_model, read_spec, wrap_model
from w4s.runner import Runner
from w4s.sandbox import open_sandbox
from w4s.sandbox.base import Sandbox
from w4s.types import Message, Problem, Score, Status, Workflow

CONCURRENCY = 256
OURS, CHILDREN = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
SYSTEM = "You are a task solver.\nReply with one JSON object that has exactly these keys: …"
QUESTION = "A train leaves the station with 417 passengers. " * 8 + "How many are left?"
WORKFLOW = """
def solver(agent, task):
    for number in range({calls}):
        reply = agent.call_json_format_llm(
            messages=[{{"role": "user", "content": f"{{task}} ({{number}})"}}],
            temperature=0.7,
            return_dict_keys=["reasoning", "answer"],
        )[0]
    return {{"answer": str(reply["answer"])}}
"""


@dataclass(frozen=True, slots=True)
class Rate:
    """What one level reached."""

    calls_per_second: float
    host_ms: float
    """CPU of this process for one call."""
    children_ms: float
    """CPU of the sandbox, zygote and children, for one call."""
    server_ms: float


def main() -> None:
    """Print one line for each level."""
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} processors, load {load:.1f} before, {CONCURRENCY} calls at once\n")
    print(f"{'':30} {'calls/s':>8} {'host ms':>9} {'sandbox ms':>11} {'server ms':>10}")
    with served() as server:
        for name, level in LEVELS.items():
            rate = asyncio.run(level(server))
            print(
                f"{name:30} {rate.calls_per_second:8.0f} {rate.host_ms:9.2f}"
                f" {rate.children_ms:11.2f} {rate.server_ms:10.2f}",
                flush=True,
            )


# --- The levels --------------------------------------------------------------------------------


async def sockets(server: Served) -> Rate:
    url = urlsplit(server.url)
    body = json.dumps(
        {
            "model": "fixed",
            "messages": [
                {"role": "system", "content": SYSTEM},
                {"role": "user", "content": QUESTION},
            ],
            "seed": 1,
        }
    ).encode()
    head = (
        f"POST {url.path}/chat/completions HTTP/1.1\r\nHost: {url.netloc}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()

    async def worker() -> None:
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        for _ in range(12_800 // CONCURRENCY):
            writer.write(head + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = answer.lower().split(b"content-length:")[1].split(b"\r\n")[0]
            await reader.readexactly(int(length))
        writer.close()
        await writer.wait_closed()

    return await measured(server, 12_800, lambda: _all(worker() for _ in range(CONCURRENCY)))


async def http_model(server: Served) -> Rate:
    model = open_model(read_spec(f"openai:fixed@{server.url}"), environ={})
    try:
        return await _asked(model, server, 5_120)
    finally:
        await model.aclose()


async def wrapped_model(server: Served) -> Rate:
    async with _wrapped(server) as model:
        return await _asked(model, server, 5_120)


async def many_calls_a_workflow(server: Served) -> Rate:
    return await _workflows(server, problems=512, calls=10)


async def one_call_a_workflow(server: Served) -> Rate:
    return await _workflows(server, problems=2_560, calls=1)


LEVELS: dict[str, Callable[[Served], Coroutine[None, None, Rate]]] = {
    "server, raw sockets": sockets,
    "HTTP model": http_model,
    "+ places, ledger, cache": wrapped_model,
    "+ sandbox, 10 calls a workflow": many_calls_a_workflow,
    "+ sandbox, 1 call a workflow": one_call_a_workflow,
}


# --- What they share ---------------------------------------------------------------------------


async def measured(server: Served, calls: int, work: Callable[[], Awaitable[None]]) -> Rate:
    """Do the work, which makes `calls` calls, and see what it took."""
    host, children, at_server = _cpu(OURS), _cpu(CHILDREN), server.cpu_seconds
    begin = time.perf_counter()
    await work()
    seconds = time.perf_counter() - begin
    return Rate(
        calls / seconds,
        1000 * (_cpu(OURS) - host) / calls,
        1000 * (_cpu(CHILDREN) - children) / calls,
        1000 * (server.cpu_seconds - at_server) / calls,
    )


async def _asked(model: Model, server: Served, calls: int) -> Rate:
    messages = (Message("system", SYSTEM), Message("user", QUESTION))
    numbers = iter(range(calls))

    async def worker() -> None:
        for number in numbers:
            identity = Identity(0, Purpose.VALIDATE, "w", str(number))
            await model.complete(Request(messages, identity))

    return await measured(server, calls, lambda: _all(worker() for _ in range(CONCURRENCY)))


async def _workflows(server: Served, *, problems: int, calls: int) -> Rate:
    prelude = files("w4s").joinpath("agent.py").read_text("utf-8")
    workflow = Workflow(WORKFLOW.format(calls=calls))
    numbers = iter(range(problems))
    async with _wrapped(server) as model:
        sandbox = await open_sandbox(prelude=prelude)
        runner = Runner(Executor(model, sandbox, seed=0), _any_answer)

        async def worker() -> None:
            for number in numbers:
                problem = Problem(str(number), f"bench/{number}", QUESTION, "42")
                outcome = await runner.run(workflow, problem, Purpose.VALIDATE)
                assert outcome.status is Status.SCORED, outcome.trouble

        async def work() -> None:
            await _all(worker() for _ in range(CONCURRENCY))
            await sandbox.aclose()  # so that the processor time of the children is known

        return await measured(server, problems * calls, work)


@asynccontextmanager
async def _wrapped(server: Served) -> AsyncIterator[Model]:
    """The model as a run uses it, with its files in a folder of its own."""
    spec = read_spec(f"openai:fixed@{server.url}")
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder, "ledger.sqlite"))
        model = wrap_model(
            open_model(spec, environ={}),
            spec,
            role="executor",
            budget=Budget(Limits.model_validate({}), ledger),
            price=FREE,
            rng=random.Random(0),
            replies=Path(folder, "replies.sqlite"),
        )
        try:
            yield model
        finally:
            await model.aclose()
            ledger.close()


async def _any_answer(problem: Problem, answer: str, sandbox: Sandbox) -> Score:
    return Score(float(answer == problem.target), answer)


async def _all(workers: Iterable[Awaitable[None]]) -> None:
    await asyncio.gather(*workers)


def _cpu(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
