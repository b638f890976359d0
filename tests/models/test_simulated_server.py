"""The simulated server over real sockets: what it answers, counts, refuses, and breaks."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from w4s.models.base import Choice, Identity, Purpose, Request
from w4s.models.faults import Fault, Faults, Feature, Latency
from w4s.models.sampler import InProcess, Sampling
from w4s.models.simulated_server import SimulatedServer, running_server
from w4s.types import Message


class Echo:
    """Says back the last message and every sampling parameter."""

    name = "echo"

    def sample(self, messages: Sequence[Message], sampling: Sampling) -> Choice:
        text = (
            f"{messages[0].role} {messages[-1].content} {sampling.seed} {sampling.temperature}"
            f" {sampling.top_p} {sampling.max_tokens} {sampling.json_mode}"
        )
        return Choice(text, "stop" if sampling.max_tokens > 3 else "length")


@asynccontextmanager
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(total=20)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as http:
        yield http


async def post(
    http: aiohttp.ClientSession, server: SimulatedServer, **body: Any
) -> tuple[int, dict[str, Any]]:
    body = {"model": "echo", "messages": [{"role": "user", "content": "hello"}], **body}
    body = {name: value for name, value in body.items() if value is not ...}
    async with http.post(f"{server.url}/chat/completions", json=body) as response:
        return response.status, await response.json()


def texts(body: dict[str, Any]) -> list[str]:
    return [choice["message"]["content"] for choice in body["choices"]]


def test_a_request_over_http_gets_what_in_process_gives() -> None:
    async def main() -> None:
        request = Request(
            messages=(Message("system", "be brief"), Message("user", "hi")),
            identity=Identity(3, Purpose.VALIDATE, "w", "p"),
            temperature=0.3,
            top_p=0.9,
            max_tokens=77,
            n=4,
            first_choice=2,
            json_mode=True,
        )
        here = await InProcess(Echo()).complete(request)
        async with running_server(Echo()) as server, session() as http:
            _, body = await post(
                http,
                server,
                messages=[
                    {"role": "developer", "content": "be brief"},
                    {"role": "user", "content": [{"type": "text", "text": "hi"}]},
                ],
                seed=request.seed,
                temperature=0.3,
                top_p=0.9,
                max_completion_tokens=77,
                n=4,
                response_format={"type": "json_object"},
            )
        assert texts(body) == [choice.text for choice in here.choices]
        assert body["usage"]["prompt_tokens"] == here.usage.prompt_tokens
        assert body["usage"]["completion_tokens"] == here.usage.completion_tokens

    asyncio.run(main())


def test_the_stats_page_counts_calls_choices_tokens_and_routes() -> None:
    async def main() -> None:
        async with running_server(Echo()) as server, session() as http:
            bodies = [(await post(http, server, n=n))[1] for n in (1, 3)]
            status, _ = await post(http, server, n=0)
            async with http.get(f"{server.url}/models") as response:
                models = await response.json()
            async with http.get(f"{server.address}/health") as response:
                assert await response.json() == {"status": "ok"}
            async with http.get(f"{server.address}/nowhere") as response:
                assert response.status == 404
            async with http.get(f"{server.address}/stats") as response:
                stats = await response.json()
        assert status == 400
        assert [model["id"] for model in models["data"]] == ["echo"]
        assert stats == server.stats()
        assert (stats["calls"], stats["answered"], stats["refused"]) == (3, 2, 1)
        assert stats["choices"] == 4
        for kind in ("prompt_tokens", "completion_tokens"):
            assert stats[kind] == sum(body["usage"][kind] for body in bodies) > 0
        assert stats["routes"] == {
            "/health": 1,
            "/stats": 1,
            "/v1/chat/completions": 3,
            "/v1/models": 1,
            "other": 1,
        }

    asyncio.run(main())


def test_requests_without_a_seed_differ_from_one_another() -> None:
    async def main() -> None:
        async with running_server(Echo()) as server, session() as http:
            unseeded = [texts((await post(http, server))[1])[0] for _ in range(3)]
            seeded = [texts((await post(http, server, seed=5))[1])[0] for _ in range(3)]
        assert len(set(unseeded)) == 3
        assert len(set(seeded)) == 1

    asyncio.run(main())


@pytest.mark.parametrize(
    ("change", "parameter"),
    [
        ({"model": ...}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": ["hi"]}, "messages[0]"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages[0].content"),
        ({"n": 0}, "n"),
        ({"n": 1.5}, "n"),
        ({"n": True}, "n"),
        ({"seed": "one"}, "seed"),
        ({"temperature": 3}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"top_p": "all"}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": -1}, "max_completion_tokens"),
        ({"response_format": {"type": "xml"}}, "response_format"),
        ({"stream": True}, "stream"),
    ],
)
def test_a_bad_request_is_refused_with_the_parameter_named(
    change: dict[str, Any], parameter: str
) -> None:
    async def main() -> None:
        async with running_server(Echo()) as server, session() as http:
            status, body = await post(http, server, **change)
            assert status == 400
            assert body["error"]["type"] == "invalid_request_error"
            assert body["error"]["param"] == parameter
            async with http.post(f"{server.url}/chat/completions", data=b"{oops") as response:
                assert response.status == 400
                assert "not valid JSON" in (await response.json())["error"]["message"]

    asyncio.run(main())


@pytest.mark.parametrize(
    ("feature", "using", "without"),
    [
        (Feature.N, {"n": 2}, {"n": 1}),
        (Feature.JSON_MODE, {"response_format": {"type": "json_object"}}, {}),
        (Feature.SEED, {"seed": 1}, {}),
        (Feature.MAX_TOKENS, {"max_tokens": 9}, {"max_completion_tokens": 9}),
        (Feature.MAX_COMPLETION_TOKENS, {"max_completion_tokens": 9}, {"max_tokens": 9}),
        (Feature.TEMPERATURE, {"temperature": 0.5}, {"temperature": 1}),
        (Feature.TOP_P, {"top_p": 0.5}, {"top_p": 1}),
        (Feature.SYSTEM_ROLE, {"messages": [{"role": "system", "content": "x"}]}, {}),
        (Feature.DEVELOPER_ROLE, {"messages": [{"role": "developer", "content": "x"}]}, {}),
    ],
)
def test_a_lacking_feature_is_refused_and_its_absence_is_not(
    feature: Feature, using: dict[str, Any], without: dict[str, Any]
) -> None:
    async def main() -> None:
        async with running_server(Echo(), reject=frozenset({feature})) as server, session() as http:
            status, body = await post(http, server, **using)
            assert status == 400
            assert body["error"]["code"] == "unsupported_parameter"
            assert body["error"]["param"] in body["error"]["message"]
            assert (await post(http, server, **without))[0] == 200

    asyncio.run(main())


def test_an_ignored_feature_is_silently_left_out() -> None:
    async def main() -> None:
        ignore = frozenset({Feature.N, Feature.SEED, Feature.JSON_MODE})
        async with running_server(Echo(), ignore=ignore) as server, session() as http:
            json_object = {"type": "json_object"}
            _, body = await post(http, server, n=3, seed=1, response_format=json_object)
        assert len(body["choices"]) == 1
        assert " 1 1.0 1.0 " not in texts(body)[0]
        assert texts(body)[0].endswith("False")

    asyncio.run(main())


def test_a_wrong_key_gets_401() -> None:
    async def main() -> None:
        async with running_server(Echo(), api_key="right") as server, session() as http:
            assert (await post(http, server))[0] == 401
            http.headers["Authorization"] = "Bearer right"
            assert (await post(http, server))[0] == 200

    asyncio.run(main())


def test_each_fault_looks_as_it_does_in_the_wild() -> None:
    async def main() -> None:
        async with session() as http:
            faults = Faults(overloaded=1, retry_after_seconds=0.25)
            async with (
                running_server(Echo(), faults=faults) as server,
                http.post(f"{server.url}/chat/completions", json=_plain_request()) as response,
            ):
                assert (response.status, response.headers["Retry-After"]) == (429, "0.25")
                assert (await response.json())["error"]["code"] == "rate_limit_exceeded"
            async with running_server(Echo(), faults=Faults(server_error=1)) as server:
                status, body = await post(http, server)
                assert (status, body["error"]["type"]) == (500, "server_error")
            async with running_server(Echo(), faults=Faults(dropped=1)) as server:
                with pytest.raises((aiohttp.ServerDisconnectedError, ConnectionResetError)):
                    await post(http, server)
            async with running_server(Echo(), faults=Faults(cut_body=1)) as server:
                with pytest.raises(aiohttp.ClientPayloadError):
                    await post(http, server)
            async with running_server(Echo(), faults=Faults(malformed=1)) as server:
                _, body = await post(http, server)
                assert texts(body) == [None]
                with pytest.raises(json.JSONDecodeError):
                    await post(http, server)
                assert server.stats()["answered"] == 0
                assert server.stats()["faults"]["malformed"] == 2

    asyncio.run(main())


def _plain_request() -> dict[str, Any]:
    return {"model": "echo", "messages": [{"role": "user", "content": "hello"}]}


def test_faults_follow_their_probabilities_and_their_seed() -> None:
    faults = Faults(overloaded=0.1, server_error=0.05, dropped=0.02, cut_body=0.02, malformed=0.01)
    drawn = [faults.draw(number) for number in range(20_000)]
    assert drawn == [faults.draw(number) for number in range(20_000)]
    assert abs(drawn.count(Fault.OVERLOADED) / 20_000 - 0.1) < 0.01
    assert abs(drawn.count(Fault.MALFORMED) / 20_000 - 0.01) < 0.004
    assert abs(drawn.count(None) / 20_000 - 0.8) < 0.015
    with pytest.raises(ValueError, match="exceed 1"):
        Faults(overloaded=0.6, dropped=0.6)


def test_latency_counts_the_longest_choice_and_requests_overlap() -> None:
    async def main() -> None:
        latency = Latency(base_ms=200, ms_per_token=1)
        async with running_server(Echo(), latency=latency) as server, session() as http:
            begin = time.monotonic()
            await asyncio.gather(*(post(http, server, n=5) for _ in range(20)))
            seconds = time.monotonic() - begin
            stats = server.stats()
        assert 0.2 < seconds < 2
        assert stats["highest_concurrency"] == 20
        assert stats["concurrency"] == 0

    asyncio.run(main())


def test_a_client_that_goes_away_is_counted_as_abandoned() -> None:
    async def main() -> None:
        async with running_server(Echo(), latency=Latency(base_ms=60_000)) as server:
            async with session() as http:
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(post(http, server), 0.2)
            for _ in range(100):
                if server.stats()["abandoned"]:
                    break
                await asyncio.sleep(0.02)
            assert server.stats()["abandoned"] == 1
            assert server.stats()["concurrency"] == 0

    asyncio.run(main())


SERVE = """
import asyncio, sys
from w4s.models.base import Choice
from w4s.models.simulated_server import serve_forever

class Fixed:
    name = "fixed"
    def sample(self, messages, sampling):
        return Choice("yes")

def say(server):
    print(server.url, flush=True)

server = asyncio.run(serve_forever(Fixed(), port=0, started=say))
print(server.stats()["calls"])
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_serving_process_in_good_order(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SERVE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        os.kill(process.pid, number)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "0\n", "")
