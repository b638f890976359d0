"""A served workflow as the openai package meets it: answers, streams, errors, limits, the end."""

from __future__ import annotations

import asyncio
import io
import json
import random
import re
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import openai
import pytest

from served import MODEL, House, Served, Talking
from w4s.config import Limits
from w4s.errors import AccessDenied, Overloaded, ProviderDown, Rejected, ServerFault
from w4s.models.base import Model, Reply, Request
from w4s.models.metering.budget import Budget
from w4s.models.metering.ledger import Ledger
from w4s.models.metering.metered import Metered
from w4s.models.metering.prices import Price
from w4s.serving.purse import Renewed
from w4s.serving.server import MAX_BODY_BYTES
from w4s.serving.service import Capacity

HI = [{"role": "user", "content": "hi"}]


def sync_client(served: Served, key: str = "none") -> Any:
    return openai.OpenAI(base_url=served.url, api_key=key, max_retries=0)


def client(served: Served, key: str = "none", retries: int = 0) -> Any:
    return openai.AsyncOpenAI(base_url=served.url, api_key=key, max_retries=retries)


async def post(served: Served, data: bytes) -> tuple[int, dict[str, Any]]:
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{served.url}/chat/completions", data=io.BytesIO(data)) as answer,
    ):
        return answer.status, await answer.json()


async def get(served: Served, path: str) -> tuple[int, dict[str, Any]]:
    async with aiohttp.ClientSession() as http, http.get(served.url[:-3] + path) as answer:
        return answer.status, await answer.json()


def test_the_synchronous_client(house: House) -> None:
    async def main() -> None:
        async with house.served(Talking()) as here:

            def ask() -> tuple[Any, Any, str]:
                with sync_client(here) as c:
                    models = c.models.list().data
                    whole = c.chat.completions.create(model=MODEL, messages=HI, temperature=0.1)
                    stream = c.chat.completions.create(model=MODEL, messages=HI, stream=True)
                    return models, whole, "".join(x.choices[0].delta.content or "" for x in stream)

            models, whole, streamed = await asyncio.to_thread(ask)
        assert [m.id for m in models] == [MODEL]
        assert whole.choices[0].message.content == streamed == "you said: hi"
        assert (whole.choices[0].finish_reason, whole.object) == ("stop", "chat.completion")

    house.run(main())


def test_the_usage_is_the_sum_of_the_inner_calls(house: House) -> None:
    code = """
def solver(agent, task):
    for _ in range(3):
        said = agent.call_llm(messages=[{"role": "user", "content": task}])[0]
    return {"answer": said}
"""

    async def main() -> None:
        async with house.served(Talking(usd=0.5), code) as here, client(here) as c:
            usage = (await c.chat.completions.create(model=MODEL, messages=HI)).usage
            assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (
                30,
                15,
                45,
            )
            assert (usage.calls, usage.usd) == (3, 1.5)
            _, health = await get(here, "/health")
            assert (health["answered"], health["calls"], health["usd"]) == (1, 3, 1.5)

    house.run(main())


def test_a_stream_has_the_shape_of_the_protocol(house: House) -> None:
    async def main() -> None:
        long = Talking(lambda request: "x" * 1000)
        async with house.served(long) as here, client(here) as c:
            chunks = [
                chunk
                async for chunk in await c.chat.completions.create(
                    model=MODEL, messages=HI, stream=True, stream_options={"include_usage": True}
                )
            ]
        assert chunks[0].choices[0].delta.role == "assistant"
        assert "".join(x.choices[0].delta.content or "" for x in chunks[:-1]) == "x" * 1000
        assert chunks[-2].choices[0].finish_reason == "stop"
        assert chunks[-1].choices == []
        assert chunks[-1].usage.total_tokens == 15
        assert len({chunk.id for chunk in chunks}) == 1

    house.run(main())


def test_a_long_wait_keeps_the_stream_alive_and_still_tells_an_error(house: House) -> None:
    async def main() -> None:
        slow = Talking(seconds=0.5)
        async with house.served(slow, heartbeat_seconds=0.1) as here:
            body = {"model": MODEL, "messages": HI, "stream": True}
            async with (
                aiohttp.ClientSession() as http,
                http.post(f"{here.url}/chat/completions", json=body) as answer,
            ):
                text = await answer.text()
        assert text.count(": the workflow is at work\n\n") >= 2
        assert text.endswith("data: [DONE]\n\n")
        capacity = Capacity(request_seconds=0.3)
        async with (
            house.served(slow, heartbeat_seconds=0.1, capacity=capacity) as here,
            client(here) as c,
        ):
            stream = await c.chat.completions.create(model=MODEL, messages=HI, stream=True)
            with pytest.raises(openai.APIError, match="No answer within"):
                async for _ in stream:
                    pass

    house.run(main())


@pytest.mark.long
def test_two_hundred_requests_at_once_and_none_is_lost(house: House) -> None:
    async def main() -> None:
        model = Talking(seconds=0.05)
        capacity = Capacity(concurrency=16, queue=200)
        async with house.served(model, capacity=capacity) as here, client(here) as c:

            async def ask(number: int) -> str:
                messages = [{"role": "user", "content": f"number {number}"}]
                reply = await c.chat.completions.create(model=MODEL, messages=messages)
                return str(reply.choices[0].message.content)

            said = await asyncio.gather(*(ask(i) for i in range(200)))
            assert said == [f"you said: number {i}" for i in range(200)]
            assert here.service.counts.answered == 200
            assert here.service.counts.refused == 0
        assert model.most_at_work <= 16

    house.run(main())


def test_a_full_queue_refuses_and_clients_come_back(house: House) -> None:
    async def main() -> None:
        capacity = Capacity(concurrency=1, queue=1)
        async with house.served(Talking(seconds=0.3), capacity=capacity) as here:
            async with client(here) as c:
                asked = [c.chat.completions.create(model=MODEL, messages=HI) for _ in range(4)]
                results = await asyncio.gather(*asked, return_exceptions=True)
            refused = [r for r in results if isinstance(r, openai.RateLimitError)]
            assert len(refused) == 2
            assert refused[0].response.headers["Retry-After"]
            async with client(here, retries=5) as c:
                asked = [c.chat.completions.create(model=MODEL, messages=HI) for _ in range(4)]
                assert len(await asyncio.gather(*asked)) == 4

    house.run(main())


def test_keys(house: House) -> None:
    async def main() -> None:
        async with house.served(Talking(), key="right") as here:
            async with client(here, "right") as c:
                assert (await c.models.retrieve(MODEL)).id == MODEL
                await c.chat.completions.create(model=MODEL, messages=HI)
            async with client(here, "wröng") as c:
                for asked in (
                    c.models.list(),
                    c.models.retrieve(MODEL),
                    c.chat.completions.create(model=MODEL, messages=HI),
                ):
                    with pytest.raises((openai.AuthenticationError, UnicodeEncodeError)):
                        await asked
            async with client(here, "wrong") as c:
                with pytest.raises(openai.AuthenticationError):
                    await c.chat.completions.create(model=MODEL, messages=HI)
            status, health = await get(here, "/health")
            assert (status, health) == (200, {"status": "ok"})

    house.run(main())


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"{", 400, None),
        (b'{"model": "w4s-test"}', 400, None),
        (b'{"model": "other", "messages": [{"role": "user"}]}', 404, "model_not_found"),
        (b'{"model": "' + b"x" * MAX_BODY_BYTES + b'"}', 413, "request_too_large"),
    ],
    ids=["malformed", "empty", "another model", "oversized"],
)
def test_what_is_malformed_or_oversized_gets_the_shape_of_the_api(
    house: House, data: bytes, status: int, code: str | None
) -> None:
    async def main() -> None:
        async with house.served(Talking()) as here:
            answered, body = await post(here, data)
            assert answered == status
            assert set(body["error"]) == {"message", "type", "param", "code"}
            assert body["error"]["code"] == code

    house.run(main())


def test_unknown_addresses_get_the_shape_of_the_api(house: House) -> None:
    async def main() -> None:
        async with house.served(Talking()) as here:
            for path in ("/v1/embeddings", "/v1/models/other", "/v1/chat/completions", "/"):
                status, body = await get(here, path)
                assert status in (404, 405)
                assert body["error"]["type"] == "invalid_request_error"

    house.run(main())


async def error_of(here: Served, retries: int = 0) -> Any:
    """The error that a question gets, as the client raises it."""
    async with client(here, retries=retries) as c:
        with pytest.raises(openai.APIStatusError) as caught:
            await c.chat.completions.create(model=MODEL, messages=HI)
    return caught.value


FOREVER = """
def solver(agent, task):
    while True:
        agent.call_llm(messages=[{"role": "user", "content": task}])
"""


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("def solver(agent, task):\n    return 1 / 0\n", "raised.*ZeroDivisionError.*line 2"),
        ("def solver(agent, task):\n    return {}\n", "no_answer"),
        ("def solver(agent, task):\n    while True: pass\n", "time_limit"),
        ("def solver(agent, task):\n    import os; os.kill(os.getpid(), 9)\n", "raised|died"),
        ("def solver(agent, task):\n    x = [0] * 10**9\n    return x\n", "memory_limit"),
        ("def solver(:\n", "syntax_error"),
        (FOREVER, "call_limit"),
    ],
)
def test_a_workflow_that_fails_is_an_error_that_nobody_repeats(
    house: House, code: str, words: str
) -> None:
    async def main() -> None:
        async with house.served(Talking(), code, seconds=0.5) as here:
            error = await error_of(here, retries=3)
            assert (error.status_code, error.code) == (500, "workflow_failed")
            assert re.search(words, error.message)
            assert here.service.counts.failed == 1

    house.run(main())


def raises(error: Callable[[], Exception]) -> Callable[[Request], str]:
    def say(request: Request) -> str:
        raise error()

    return say


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (lambda: ServerFault("secret-host broke"), 502, "model_unavailable"),
        (lambda: Overloaded("secret-host is full"), 502, "model_unavailable"),
        (lambda: Rejected("secret-host says no"), 502, "model_rejected"),
        (lambda: AccessDenied("secret-host: bad key"), 502, "model_access_denied"),
        (lambda: ProviderDown("secret-host is gone"), 502, "model_unavailable"),
    ],
)
def test_trouble_behind_the_server_is_told_without_its_secrets(
    house: House, error: Callable[[], Exception], status: int, code: str
) -> None:
    async def main() -> None:
        async with house.served(Talking(raises(error))) as here:
            told = await error_of(here)
            assert (told.status_code, told.code) == (status, code)
            assert "secret" not in str(told.body)

    house.run(main())


def test_a_request_that_takes_too_long_is_ended_and_its_model_call_too(house: House) -> None:
    async def main() -> None:
        model = Talking(seconds=30)
        async with house.served(model, capacity=Capacity(request_seconds=0.3)) as here:
            error = await error_of(here, retries=2)
            assert (error.status_code, error.code) == (504, "request_timeout")
            assert (model.at_work, len(model.requests)) == (0, 1)
            assert (here.service.running, here.service.waiting) == (0, 0)

    house.run(main())


def test_a_client_that_goes_away_frees_its_place(house: House) -> None:
    async def main() -> None:
        model = Talking(seconds=30)
        async with house.served(model) as here, client(here) as c:
            asked = asyncio.ensure_future(c.chat.completions.create(model=MODEL, messages=HI))
            await until(lambda: model.at_work == 1)
            asked.cancel()
            await until(lambda: here.service.counts.abandoned == 1)
            assert (model.at_work, here.service.running) == (0, 0)

    house.run(main())


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.01)


def test_a_request_stops_before_it_costs_too_much(house: House) -> None:
    """Three calls of $0.15 at most $0.2: the second might not fit, and is not made."""

    async def main() -> None:
        code = """
def solver(agent, task):
    for _ in range(3):
        said = agent.call_llm(
            messages=[{"role": "user", "content": task}], max_completion_tokens=150)[0]
    return {"answer": said}
"""
        model = Talking(usd=0.15)
        price = Price(0.0, 1000.0)  # 150 tokens may cost $0.15
        capacity = Capacity(request_usd=0.2)
        async with house.served(model, code, capacity=capacity, price=price) as here:
            error = await error_of(here, retries=2)
            assert (error.status_code, error.code) == (422, "request_cost_limit")
            assert len(model.requests) == 1

    house.run(main())


def test_the_server_stops_spending_at_its_cap(house: House, tmp_path: Any) -> None:
    async def main() -> None:
        ledger = Ledger(tmp_path / "calls.sqlite")
        try:
            budget = Budget(Limits(max_usd=0.012), ledger)
            price = Price(0.0, 1.0)  # $0.004096 for 4096 tokens at worst, $0.000005 for five
            metered = Metered(
                Talking(), role="executor", budget=budget, price=price, rng=random.Random(0)
            )
            async with house.served(metered) as here, client(here) as c:
                for _ in range(3):
                    await c.chat.completions.create(model=MODEL, messages=HI)
            tight = Budget(Limits(max_usd=0.004), ledger)
            metered = Metered(
                Talking(), role="executor", budget=tight, price=price, rng=random.Random(0)
            )
            async with house.served(metered) as here:
                error = await error_of(here, retries=2)
                assert (error.status_code, error.code) == (429, "insufficient_quota")
                assert here.service.counts.failed == 1
        finally:
            ledger.close()

    house.run(main())


def test_after_an_outage_the_server_goes_on(house: House) -> None:
    class Once:
        """Gives up at its first call, as a Metered does whose provider is gone."""

        name = "once"
        made = 0

        def __init__(self) -> None:
            Once.made += 1
            self._broken = Once.made == 1

        async def complete(self, request: Request) -> Reply:
            if self._broken:
                raise ProviderDown("gone")
            return await Talking().complete(request)

        async def aclose(self) -> None:
            """Nothing is held."""

    def make() -> Model:
        return Once()

    async def main() -> None:
        async with house.served(Renewed(make)) as here:
            assert (await error_of(here)).status_code == 502
            async with client(here) as c:
                reply = await c.chat.completions.create(model=MODEL, messages=HI)
            assert reply.choices[0].message.content == "you said: hi"

    house.run(main())


def test_the_end_waits_for_requests_and_takes_on_no_more(house: House) -> None:
    async def main() -> None:
        model = Talking(seconds=0.4)
        async with house.served(model) as here, client(here) as c:
            asked = asyncio.ensure_future(c.chat.completions.create(model=MODEL, messages=HI))
            await until(lambda: model.at_work == 1)
            ended: Awaitable[None] = asyncio.ensure_future(here.service.end())
            await asyncio.sleep(0)
            error = await error_of(here)
            assert (error.status_code, error.code) == (503, "ending")
            assert (await get(here, "/health"))[0] == 503
            await ended
            assert (await asked).choices[0].message.content == "you said: hi"

    house.run(main())


def test_ignored_options_are_named_in_the_answer(house: House) -> None:
    async def main() -> None:
        async with house.served(Talking()) as here, client(here) as c:
            raw = await c.chat.completions.with_raw_response.create(
                model=MODEL, messages=HI, temperature=0.5, max_tokens=3
            )
            assert raw.headers["X-W4S-Ignored"] == "max_tokens, temperature"
            assert json.loads(raw.text)["choices"][0]["message"]["content"] == "you said: hi"

    house.run(main())
