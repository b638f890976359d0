"""Model specs: what is understood, what is refused with advice, and the wrappers around."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path

import pytest
from aiohttp import web

from endpoints import Body, Habit, answers, caps, endpoint, question, said, text_of
from w4s.errors import ConfigError
from w4s.models.answer_book import AnswerBook
from w4s.models.metering.budget import Budget
from w4s.models.metering.ledger import Ledger
from w4s.models.metering.prices import FREE, Price
from w4s.models.specs import Kind, Spec, open_model, read_spec, spec_price, wrap_model

KEY = {"OPENAI_API_KEY": "sk-secret"}


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("simulated", Spec(Kind.SIMULATED)),
        ("simulated:strong", Spec(Kind.SIMULATED, "strong")),
        ("grammar", Spec(Kind.GRAMMAR)),
        ("scripted:a:b.json", Spec(Kind.SCRIPTED, "a:b.json")),
        ("local:runs/a/model", Spec(Kind.LOCAL, "runs/a/model")),
        ("small", Spec(Kind.SMALL)),
        ("small:runs/a/model", Spec(Kind.SMALL, "runs/a/model")),
        ("openai:gpt-4o-mini", Spec(Kind.OPENAI, "gpt-4o-mini")),
        ("openai:claude@20240229", Spec(Kind.OPENAI, "claude@20240229")),
        (
            "openai:org/model:7b@http://localhost:8000/v1",
            Spec(Kind.OPENAI, "org/model:7b", "http://localhost:8000/v1"),
        ),
        (
            "openai:a@b@https://example.com/v1",
            Spec(Kind.OPENAI, "a@b", "https://example.com/v1"),
        ),
    ],
)
def test_a_spec_is_read(text: str, spec: Spec) -> None:
    assert read_spec(text) == spec


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("simulatd", "did you mean 'simulated'"),
        ("opnai:gpt-4o", "did you mean 'openai'"),
        ("gpt-4o", "openai:MODEL"),
        ("", "openai:MODEL"),
        ("openai", "openai:MODEL"),
        ("openai:", "openai:MODEL"),
        ("scripted", "scripted:FILE"),
        ("grammar:x", "write just 'grammar'"),
        ("local", "local:CHECKPOINT"),
        ("small:", "small:CHECKPOINT"),
        ("smal", "did you mean 'small'"),
        ("openai:@http://localhost:8000", "openai:MODEL@http://localhost:8000"),
        ("openai:m@localhost:8000/v1", "openai:m@http://localhost:8000/v1"),
        ("openai:m@http://", "http://HOST:PORT/v1"),
        ("openai:m@http://host:port/v1", "http://HOST:PORT/v1"),
        ("openai:m@http://ho st/v1", "http://HOST:PORT/v1"),
    ],
)
def test_a_bad_spec_says_what_to_type(text: str, advice: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_spec(text)
    assert advice in str(caught.value)


@pytest.mark.parametrize("url", ["http://me:sk-secret@host/v1", "http://host/v1?key=sk-secret"])
def test_a_key_in_the_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigError, match="--key-env") as caught:
        read_spec(f"openai:m@{url}")
    assert "sk-secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost:8000/v1", True),
        ("http://127.0.0.1:8000/v1", True),
        ("http://[::1]:8000/v1", True),
        ("http://192.168.0.7/v1", True),
        ("http://vllm:8000/v1", True),
        ("http://gpu.local/v1", True),
        ("https://api.mistral.ai/v1", False),
        ("http://8.8.8.8/v1", False),
    ],
)
def test_local_servers_are_free_and_need_no_key(url: str, local: bool) -> None:
    spec = read_spec(f"openai:m@{url}")
    assert spec.local is local
    if local:
        asyncio.run(open_model(spec, environ={}).aclose())
        assert spec_price(spec, {}, needed=True) == FREE
        assert spec_price(spec, {"m": "1/2"}, needed=True) == Price(1, 2)
    else:
        with pytest.raises(ConfigError, match="set the environment variable OPENAI_API_KEY"):
            open_model(spec, environ={})
        with pytest.raises(ConfigError, match="--price m=IN/OUT"):
            spec_price(spec, {}, needed=True)
        assert spec_price(spec, {}, needed=False) == FREE


def test_a_named_variable_holds_the_key() -> None:
    spec = read_spec("openai:gpt-4o-mini")
    with pytest.raises(ConfigError, match="MY_KEY"):
        open_model(spec, environ=KEY, key_env="MY_KEY")
    model = open_model(spec, environ={"MY_KEY": "sk-other"}, key_env="MY_KEY")
    assert "sk-other" not in repr(model) + model.name
    asyncio.run(model.aclose())


def test_models_in_this_process_answer(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    script.write_text(json.dumps(["hello"]))

    async def text(name: str) -> str:
        model = open_model(read_spec(name), environ={}, answer_book=AnswerBook(()))
        reply = await model.complete(question())
        await model.aclose()
        return reply.choices[0].text

    assert asyncio.run(text(f"scripted:{script}")) == "hello"
    assert "def solver" in asyncio.run(text("grammar"))
    assert asyncio.run(text("simulated"))


def test_the_simulated_executor_needs_an_answer_book() -> None:
    with pytest.raises(ConfigError, match="answers for a task"):
        open_model(read_spec("simulated"), environ={})


def test_an_unknown_profile_is_named() -> None:
    with pytest.raises(ConfigError, match="nobody"):
        open_model(read_spec("simulated:nobody"), environ={}, answer_book=AnswerBook(()))


async def one_only(request: web.Request, body: Body) -> web.StreamResponse:
    return said([text_of(body)])


@pytest.mark.parametrize(("habit", "calls"), [(answers, 20), (one_only, 60)])
def test_a_run_that_goes_on_asks_for_nothing_twice(
    tmp_path: Path, habit: Habit, calls: int
) -> None:
    async def run(url: str) -> list[list[str]]:
        spec = read_spec(f"openai:m@{url}")
        ledger = Ledger(tmp_path / "ledger.sqlite")
        model = wrap_model(
            open_model(spec, environ={}),
            spec,
            role="executor",
            budget=Budget(caps(), ledger),
            price=Price(1, 1),
            rng=random.Random(0),
            replies=tmp_path / "replies.sqlite",
        )
        requests = [question(str(i), n=3) for i in range(20)]
        replies = await asyncio.gather(*(model.complete(r) for r in requests))
        await model.aclose()
        totals = ledger.totals["executor"]
        ledger.close()
        assert totals.calls == calls
        return [[c.text for c in reply.choices] for reply in replies]

    async def main() -> None:
        async with endpoint(habit) as served:
            first = await run(served.url)
            assert len(served.bodies) == calls
            assert await run(served.url) == first
            assert len(served.bodies) == calls

    asyncio.run(main())
    ledger = Ledger(tmp_path / "ledger.sqlite")
    assert ledger.totals["executor"].cached == calls
    ledger.close()


def test_models_in_this_process_are_counted_but_not_kept(tmp_path: Path) -> None:
    async def main() -> None:
        ledger = Ledger(tmp_path / "ledger.sqlite")
        spec = read_spec("grammar")
        model = wrap_model(
            open_model(spec, environ={}),
            spec,
            role="meta-agent",
            budget=Budget(caps(max_usd=0), ledger),
            price=spec_price(spec, {}, needed=True),
            rng=random.Random(0),
            replies=tmp_path / "replies.sqlite",
        )
        await model.complete(question())
        assert ledger.totals["meta-agent"].calls == 1
        assert ledger.totals["meta-agent"].completion_tokens > 0
        assert not (tmp_path / "replies.sqlite").exists()
        await model.aclose()
        ledger.close()

    asyncio.run(main())
