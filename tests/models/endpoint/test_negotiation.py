"""The whole stack against the simulated server, whatever that refuses or silently ignores."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from endpoints import caps, question
from w4s.models.base import Choice
from w4s.models.faults import Faults, Feature
from w4s.models.metering.budget import Budget
from w4s.models.metering.ledger import Ledger, Totals
from w4s.models.metering.prices import Price
from w4s.models.sampler import InProcess, Sampling
from w4s.models.simulated_server import running_server
from w4s.models.specs import open_model, read_spec, wrap_model
from w4s.types import Message

REQUESTS = [question(str(i), n=1 + i % 3, json_mode=i % 2 == 0) for i in range(60)]


class Telling:
    """A response that tells all it depends on, but for what servers may lack."""

    name = "telling"

    def sample(self, messages: Sequence[Message], sampling: Sampling) -> Choice:
        text = " ".join(m.content for m in messages)
        return Choice(f"{text.split()[-1]} {sampling.seed} {sampling.max_tokens}")


async def texts_and_totals(
    folder: Path,
    *,
    faults: Faults | None = None,
    reject: frozenset[Feature] = frozenset(),
    ignore: frozenset[Feature] = frozenset(),
) -> tuple[list[list[str]], Totals]:
    async with running_server(
        Telling(), faults=faults or Faults(), reject=reject, ignore=ignore
    ) as server:
        spec = read_spec(f"openai:telling@{server.url}")
        ledger = Ledger(folder / "ledger.sqlite")
        model = wrap_model(
            open_model(spec, environ={}),
            spec,
            role="executor",
            budget=Budget(caps(), ledger),
            price=Price(1, 1),
            rng=random.Random(0),
            replies=folder / "replies.sqlite",
        )
        replies = await asyncio.gather(*(model.complete(request) for request in REQUESTS))
        await model.aclose()
        total = ledger.total
        ledger.close()
        assert total.calls == server.stats()["calls"]
        return [[c.text for c in reply.choices] for reply in replies], total


def expected() -> list[list[str]]:
    model = InProcess(Telling())

    async def main() -> list[list[str]]:
        replies = [await model.complete(request) for request in REQUESTS]
        return [[c.text for c in reply.choices] for reply in replies]

    return asyncio.run(main())


REFUSED = [
    frozenset({feature})
    for feature in Feature
    if feature is not Feature.SEED and feature is not Feature.DEVELOPER_ROLE
]


@pytest.mark.parametrize(
    "reject",
    [*REFUSED, frozenset({Feature.N, Feature.JSON_MODE, Feature.TEMPERATURE, Feature.MAX_TOKENS})],
    ids=lambda features: "+".join(sorted(features)),
)
def test_what_a_server_refuses_changes_no_reply(tmp_path: Path, reject: frozenset[Feature]) -> None:
    texts, _ = asyncio.run(texts_and_totals(tmp_path, reject=reject))
    assert texts == expected()


@pytest.mark.parametrize("ignore", [Feature.N, Feature.JSON_MODE])
def test_what_a_server_ignores_changes_no_reply(tmp_path: Path, ignore: Feature) -> None:
    texts, _ = asyncio.run(texts_and_totals(tmp_path, ignore=frozenset({ignore})))
    assert texts == expected()


def test_a_server_without_seeds_answers_too(tmp_path: Path) -> None:
    reject = frozenset({Feature.SEED})
    texts, total = asyncio.run(texts_and_totals(tmp_path, reject=reject))
    assert [len(t) for t in texts] == [r.n for r in REQUESTS]
    assert 0 < total.failed <= 120


def test_faults_of_every_kind_change_no_reply(tmp_path: Path) -> None:
    faults = Faults(
        overloaded=0.10,
        server_error=0.05,
        dropped=0.03,
        cut_body=0.03,
        malformed=0.03,
        retry_after_seconds=0.05,
    )
    texts, total = asyncio.run(texts_and_totals(tmp_path, faults=faults))
    assert texts == expected()
    assert total.failed > 0
    assert total.unknown > 0
