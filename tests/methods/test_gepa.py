"""GEPA as DSPy ships it: what its process may ask of ours, and a whole run of the real thing."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from w4s.environment import Environment
from w4s.errors import AccessDenied, BudgetExceeded, ConfigError, ProviderError, TooManyUnscored
from w4s.meta_agent import MetaAgent
from w4s.methods import METHODS, PUBLISHED
from w4s.methods.gepa.exported import ENTRY_POINT, QUESTION, exported
from w4s.methods.gepa.host import Found, PeerHost, serving
from w4s.methods.gepa.process import PYTHON
from w4s.models.base import Purpose
from w4s.tasks.base import Brief, Interface, SearchSet
from w4s.types import Message, State, Turn, Workflow
from w4s.workflow import load_baseline
from world import Answer, Answering, World, asked_number, problems, right, world

PRIVATE, PUBLIC = problems(0, 12), problems(100, 3)
BRIEF = Brief("plus_one", "Add one.", Interface.ANSWER, PUBLIC[0], "101", "accuracy")
DIRECT = load_baseline("direct")
CARE = "Add one with great care."

needs_dspy = pytest.mark.skipif(
    importlib.util.find_spec("dspy") is None and not os.environ.get(PYTHON),
    reason=f"needs dspy: the extra `peers`, or {PYTHON}",
)


def numbered(messages: Sequence[Message]) -> int:
    """The number that a question asks about, wherever DSPy puts it."""
    return asked_number([Message("user", messages[-1].content.split("?")[0])])


def careful(messages: Sequence[Message], seed: int) -> str:
    """Right when told to take care, else on small numbers alone."""
    told = "\n".join(message.content for message in messages)
    number = numbered(messages)
    answer = number + 1 if CARE in told or number < 4 else 0
    return json.dumps({"reasoning": "I count.", "answer": str(answer)})


def proposing(messages: Sequence[Message], seed: int) -> str:
    """A reflecting model that knows what helps."""
    return json.dumps({"new_instruction": CARE})


@asynccontextmanager
async def opened(answer: Answer = right) -> AsyncIterator[tuple[World, Environment, MetaAgent]]:
    async with world(answer) as w:
        env = Environment(w.evaluator, SearchSet(PRIVATE, PUBLIC), (DIRECT,))
        yield w, env, MetaAgent(Answering(proposing), BRIEF, seed=0)


async def post(host: PeerHost, path: str, body: dict[str, Any], token: str | None = None) -> Any:
    headers = {"Authorization": f"Bearer {host.token if token is None else token}"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{host.url}/{path}", json=body, headers=headers) as response,
    ):
        return response.status, await response.json(content_type=None)


def chat(text: str) -> dict[str, Any]:
    messages = [{"role": "system", "content": "Add."}, {"role": "user", "content": text}]
    return {"model": "executor", "messages": messages, "response_format": {"type": "json_schema"}}


def test_only_the_peer_comes_in() -> None:
    async def main() -> None:
        async with opened() as (w, env, agent), serving(env, agent) as host:
            assert (await post(host, "over", {}))[0] == 200
            for path in ("over", "score", "found", "executor/v1/chat/completions"):
                assert (await post(host, path, chat("1 and 2?"), token="other"))[0] == 401
            assert w.model.requests == []

    asyncio.run(main())


def test_private_problems_get_a_score_and_public_ones_their_answer() -> None:
    async def main() -> None:
        async with opened() as (_, env, agent), serving(env, agent) as host:
            asked = {"problem": "n5", "answer": "7"}
            assert await post(host, "score", asked) == (200, {"score": 0, "feedback": "Score: 0."})
            _, said = await post(host, "score", {"problem": "n101", "answer": "7"})
            assert said["feedback"] == "Wrong (compared as text). Expected: 102"
            _, said = await post(host, "score", {"problem": "n101", "answer": "102"})
            assert said == {"score": 1, "feedback": "Right."}
            _, said = await post(host, "score", {"problem": "n101", "answer": None})
            assert said["score"] == 0

    asyncio.run(main())


def test_equal_calls_of_the_peer_are_independent_draws() -> None:
    async def main() -> None:
        async with opened() as (w, env, agent), serving(env, agent) as host:
            for _ in range(2):
                await post(host, "executor/v1/chat/completions", chat("What is one more than 5?"))
            identities = [request.identity for request in w.model.requests]
            assert [i.occurrence for i in identities] == [0, 1]
            assert {i.purpose for i in identities} == {Purpose.VALIDATE}

    asyncio.run(main())


def test_a_limit_stops_the_peer_and_is_raised_when_nothing_was_measured() -> None:
    async def main() -> None:
        async with opened() as (w, env, agent), serving(env, agent) as host:

            async def complete(request: object) -> Any:
                raise BudgetExceeded("100 calls are spent")

            w.model.complete = complete  # type: ignore[method-assign]
            status, said = await post(host, "executor/v1/chat/completions", chat("2?"))
            assert (status, said["error"]["message"]) == (400, "100 calls are spent")
            assert await post(host, "over", {}) == (200, {"over": True})
            with pytest.raises(BudgetExceeded):
                host.check()
            for problem in PRIVATE:
                await post(host, "score", {"problem": problem.id, "answer": "1"})
            host.found = Found("", (0.0,) * len(PRIVATE), 1, 12)
            host.check()

    asyncio.run(main())


def test_a_key_that_is_refused_ends_it_all() -> None:
    def locked(messages: Sequence[Message], seed: int) -> str:
        raise AccessDenied("wrong key")

    async def main() -> None:
        async with opened(locked) as (_, env, agent), serving(env, agent) as host:
            await post(host, "executor/v1/chat/completions", chat("2?"))
            assert await post(host, "over", {}) == (200, {"over": True})
            with pytest.raises(AccessDenied):
                host.check()

    asyncio.run(main())


def test_faults_of_the_provider_are_not_believed() -> None:
    def broken(messages: Sequence[Message], seed: int) -> str:
        raise ProviderError("500 for good")

    async def main() -> None:
        async with opened(broken) as (_, env, agent), serving(env, agent) as host:
            status, said = await post(host, "executor/v1/chat/completions", chat("2?"))
            assert (status, said["error"]["message"]) == (400, "500 for good")
            with pytest.raises(TooManyUnscored, match="1 of 1 calls of GEPA failed"):
                host.check()

    asyncio.run(main())


@pytest.mark.parametrize("code", [False, True])
def test_the_exported_workflow_repeats_the_conversation(code: bool) -> None:
    question = f"Task: {QUESTION}\nwith 'quotes', \"more\" and {{braces}}"
    template = (
        Message("system", "Your fields:\n'''\nof \"JSON\" {x}"),
        Message("user", f"{question} {ENTRY_POINT}" if code else question),
    )
    workflow = exported(template, code=code)

    async def main() -> None:
        async with opened(lambda m, s: '{"reasoning": "", "answer": "6", "code": "x = 1"}') as (
            w,
            env,
            agent,
        ):
            [problem] = problems(5, 1)
            if code:
                problem = type(problem)(problem.id, "", problem.question, "x = 1", "f")
            outcome = await w.runner.run(workflow, problem, Purpose.VALIDATE)
            assert outcome.answer == ("x = 1" if code else "6"), outcome
            [sent] = [request.messages for request in w.model.requests]
            async with serving(env, agent) as host:
                filled = [
                    m.content.replace(QUESTION, problem.question).replace(ENTRY_POINT, "f")
                    for m in template
                ]
                body = chat("")
                body["messages"] = [
                    {"role": m.role, "content": c} for m, c in zip(template, filled, strict=True)
                ]
                await post(host, "executor/v1/chat/completions", body)
            assert w.model.requests[-1].messages == sent
            assert w.model.requests[-1].json_mode

    asyncio.run(main())


@pytest.mark.parametrize("python", ["/nowhere/python", "/bin/false"])
def test_a_missing_dspy_is_said_in_one_line(python: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PYTHON, python)
    with pytest.raises(ConfigError, match=r"method gepa needs dspy.*pip install 'w4s\[peers\]'"):
        PUBLISHED["gepa"].ready()


async def search(answer: Answer, turns: int) -> tuple[State, list[Turn], World, Workflow | None]:
    async with opened(answer) as (w, env, agent):
        begin = await env.begin()
        run = METHODS["gepa"](env, agent, begin, turns=turns, samples=1)
        found = [turn async for turn in run]
        workflow = found[0].attempts[0].workflow if found else None
        if workflow is not None:
            again = await w.evaluator.evaluate(workflow, PRIVATE, Purpose.VALIDATE)
            assert again.accuracy == found[0].attempts[0].evaluation.accuracy
        return begin, found, w, workflow


@needs_dspy
@pytest.mark.long
def test_gepa_finds_the_instruction_that_helps() -> None:
    begin, [turn], w, workflow = asyncio.run(search(careful, turns=10))
    [attempt] = turn.attempts
    assert begin.best.accuracy == 4 / 12
    assert attempt.evaluation.accuracy == 1
    assert attempt.reward == 1
    assert workflow is not None
    assert CARE in workflow.code
    assert all("private" not in request.identity.problem for request in w.model.requests)


@needs_dspy
@pytest.mark.long
def test_a_run_on_a_sick_provider_is_not_believed() -> None:
    def broken(messages: Sequence[Message], seed: int) -> str:
        if "[[ ##" in messages[-1].content:
            raise ProviderError("500 for good")
        return right(messages, seed)

    with pytest.raises(TooManyUnscored, match="calls of GEPA failed"):
        asyncio.run(search(broken, turns=2))
