"""The doctor at endpoints that lack something, in the ways that endpoints do."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
from aiohttp import web

from endpoints import Body, Habit, always, answers, endpoint, refused, said
from w4s.doctor.endpoints import Asked, check_model
from w4s.doctor.finding import Finding, Verdict, is_ready
from w4s.errors import ConfigError

KEY = {"OPENAI_API_KEY": "sk-secret"}


def looks(text: str, environ: dict[str, str] | None = None) -> list[Finding]:
    asked = Asked("executor", text, "OPENAI_API_KEY")
    return asyncio.run(check_model(asked, environ or {}))


def looks_at(habit: Habit) -> dict[str, Finding]:
    async def story() -> list[Finding]:
        async with endpoint(habit) as served:
            asked = Asked("executor", f"openai:m@{served.url}", "OPENAI_API_KEY")
            return await check_model(asked, KEY)

    return {finding.what: finding for finding in asyncio.run(story())}


async def sends_json(request: web.Request, body: Body) -> web.StreamResponse:
    return said(['{"squares": [1, 4]}'] * body.get("n", 1))


def test_a_server_that_has_everything() -> None:
    found = looks_at(sends_json)
    assert {f.verdict for f in found.values()} == {Verdict.OK}
    looked_at = ("key", "model", "JSON mode", "n", "parameters", "context", "speed", "price")
    assert tuple(found) == looked_at
    assert "sk-secret" not in str(found)


def test_json_mode_that_is_taken_and_forgotten() -> None:
    found = looks_at(answers)
    assert found["JSON mode"].verdict is Verdict.NOTE
    assert "no JSON" in found["JSON mode"].found
    assert is_ready(found.values())


def test_n_that_is_ignored() -> None:
    async def one(request: web.Request, body: Body) -> web.StreamResponse:
        return said(["{}"])

    found = looks_at(one)
    assert found["n"].verdict is Verdict.NOTE
    assert found["JSON mode"].verdict is Verdict.OK


@pytest.mark.parametrize(
    ("status", "message", "what", "fix"),
    [
        (401, "Incorrect API key", "key", "export OPENAI_API_KEY"),
        (403, "Not for you", "key", "export OPENAI_API_KEY"),
        (404, "The model `m` does not exist", "model", "model's name"),
        (402, "Pay first", "account", "account"),
        (429, "Slow down", "answer", "later"),
        (500, "Oops", "answer", "start the server"),
    ],
)
def test_refusals_say_what_to_do(status: int, message: str, what: str, fix: str) -> None:
    found = looks_at(always(lambda: refused(status, message)))
    assert not is_ready(found.values())
    assert list(found) == [what]
    assert message in found[what].found
    assert fix in found[what].fix


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    [finding] = looks(f"openai:m@http://127.0.0.1:{port}/v1")
    assert finding.verdict is Verdict.FAILS
    assert "no connection" in finding.found


def test_a_missing_key_is_found_before_anything_is_sent() -> None:
    [finding] = looks("openai:gpt-4o-mini")
    assert finding.verdict is Verdict.FAILS
    assert finding.what == "key"
    assert "export OPENAI_API_KEY" in finding.fix
    assert "--executor-key-env" in finding.fix


def test_what_needs_no_server(tmp_path: Path) -> None:
    script = tmp_path / "s.json"
    script.write_text('["a reply"]')
    for text in ("simulated", "grammar", f"scripted:{script}"):
        [finding] = looks(text)
        assert finding.verdict is Verdict.OK
    [finding] = looks(f"scripted:{tmp_path / 'none'}")
    assert finding.verdict is Verdict.FAILS
    [finding] = looks(f"local:{tmp_path}")
    assert finding.verdict is Verdict.FAILS
    assert finding.fix


def test_a_spec_that_is_none_is_a_mistake_of_the_command() -> None:
    with pytest.raises(ConfigError, match="unknown model"):
        looks("gpt-4o-mini")


@pytest.mark.parametrize(
    ("told", "verdict"),
    [({"max_model_len": 4096}, "note"), ({"max_model_len": 32768}, "ok"), ({}, "ok")],
)
def test_the_context_length_where_the_list_tells_it(told: dict[str, int], verdict: str) -> None:
    async def story() -> list[Finding]:
        app = web.Application()

        async def models(request: web.Request) -> web.Response:
            return web.json_response({"data": [{"id": "m", **told}]})

        async def chat(request: web.Request) -> web.StreamResponse:
            return await sends_json(request, await request.json())

        app.router.add_get("/v1/models", models)
        app.router.add_post("/v1/chat/completions", chat)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
            return await check_model(Asked("executor", f"openai:m@{url}", "OPENAI_API_KEY"), {})
        finally:
            await runner.cleanup()

    found = {finding.what: finding for finding in asyncio.run(story())}
    assert found["context"].verdict.value == verdict
    assert is_ready(found.values())
