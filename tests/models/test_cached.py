"""Cached: what is on disk is never asked for again, and nothing else is taken for it."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from endpoints import question
from w4s.errors import ServerFault, StoreError
from w4s.models.base import Choice, Identity, Purpose, Reply, Request
from w4s.models.cached import Cached, request_key
from w4s.types import Message, Usage


class Counting:
    """Answers with a number that goes up, after a moment."""

    name = "counting"

    def __init__(self, failures: int = 0) -> None:
        self.calls = 0
        self.failures = failures

    async def complete(self, request: Request) -> Reply:
        self.calls += 1
        number = self.calls
        await asyncio.sleep(0.02)
        if number <= self.failures:
            raise ServerFault(f"failure {number}")
        choice = Choice(f"reply {number} ☃", "length", (1, 2))
        return Reply((choice,), Usage(1, 0, 10, 20, 0.5), (3,))

    async def aclose(self) -> None:
        pass


REQUEST = question("one", temperature=0.5, top_p=0.9, max_tokens=10)
IDENTITY = REQUEST.identity


def test_a_reply_comes_back_whole_and_free_from_another_process(tmp_path: Path) -> None:
    async def main() -> None:
        model = Counting()
        cached = Cached(model, tmp_path / "c.sqlite")
        first = await cached.complete(REQUEST)
        await cached.aclose()
        hits = 0

        def count() -> None:
            nonlocal hits
            hits += 1

        again = Cached(model, tmp_path / "c.sqlite", on_hit=count)
        second = await again.complete(REQUEST)
        await again.aclose()
        assert first.usage == Usage(1, 0, 10, 20, 0.5)
        told = Usage(cached=1, saved_tokens=30, saved_usd=0.5)
        assert second == replace(first, usage=told)
        assert (model.calls, hits) == (1, 1)

    asyncio.run(main())


@pytest.mark.parametrize(
    "other",
    [
        replace(REQUEST, messages=(Message("user", "one"),)),
        replace(REQUEST, messages=(*REQUEST.messages[:1], Message("assistant", "one"))),
        replace(REQUEST, temperature=0.6),
        replace(REQUEST, top_p=0.8),
        replace(REQUEST, max_tokens=11),
        replace(REQUEST, n=2),
        replace(REQUEST, first_choice=1),
        replace(REQUEST, json_mode=True),
        replace(REQUEST, identity=replace(IDENTITY, seed=1)),
        replace(REQUEST, identity=replace(IDENTITY, purpose=Purpose.TEST)),
        replace(REQUEST, identity=replace(IDENTITY, workflow="v")),
        replace(REQUEST, identity=replace(IDENTITY, problem="p")),
        replace(REQUEST, identity=replace(IDENTITY, trial=1)),
        replace(REQUEST, identity=replace(IDENTITY, occurrence=1)),
    ],
)
def test_whatever_differs_makes_it_another_call(other: Request) -> None:
    assert request_key("m", other) != request_key("m", REQUEST)


def test_another_model_is_another_call() -> None:
    assert request_key("m@a", REQUEST) != request_key("m@b", REQUEST)


def test_texts_do_not_run_into_one_another() -> None:
    one = replace(REQUEST, messages=(Message("user", "ab"), Message("user", "c")))
    two = replace(REQUEST, messages=(Message("user", "a"), Message("user", "bc")))
    assert request_key("m", one) != request_key("m", two)


def test_equal_requests_under_way_share_one_call(tmp_path: Path) -> None:
    async def main() -> None:
        model = Counting()
        cached = Cached(model, tmp_path / "c.sqlite")
        replies = await asyncio.gather(*(cached.complete(REQUEST) for _ in range(5)))
        assert model.calls == 1
        assert {r.choices[0].text for r in replies} == {"reply 1 ☃"}
        assert sorted(r.usage.calls for r in replies) == [0, 0, 0, 0, 1]
        await cached.aclose()

    asyncio.run(main())


def test_who_shares_a_call_survives_the_end_of_the_one_who_made_it(tmp_path: Path) -> None:
    async def main() -> None:
        model = Counting()
        cached = Cached(model, tmp_path / "c.sqlite")
        first, *others = [asyncio.create_task(cached.complete(REQUEST)) for _ in range(4)]
        await asyncio.sleep(0.005)
        first.cancel()
        others[0].cancel()
        results = await asyncio.gather(first, *others, return_exceptions=True)
        assert isinstance(results[0], asyncio.CancelledError)
        assert isinstance(results[1], asyncio.CancelledError)
        assert [r.choices[0].text for r in results[2:] if isinstance(r, Reply)] == ["reply 2 ☃"] * 2
        await cached.aclose()

    asyncio.run(main())


def test_failures_are_shared_but_not_kept(tmp_path: Path) -> None:
    async def main() -> None:
        model = Counting(failures=1)
        cached = Cached(model, tmp_path / "c.sqlite")
        results = await asyncio.gather(
            *(cached.complete(REQUEST) for _ in range(3)), return_exceptions=True
        )
        assert [str(r) for r in results] == ["failure 1"] * 3
        assert (await cached.complete(REQUEST)).choices[0].text == "reply 2 ☃"
        await cached.aclose()

    asyncio.run(main())


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from endpoints import question
from w4s.models.cached import Cached
from w4s.models.scripted import Scripted

async def main():
    model = Scripted(lambda request: "paid for", name="counting")
    cached = Cached(model, Path(sys.argv[1]))
    for number in range(20):
        await cached.complete(question(str(number)))
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def test_a_reply_that_was_returned_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    tests = str(Path(__file__).parent.parent)
    process = subprocess.run(
        [sys.executable, "-c", KILLED, str(path)], env=os.environ | {"PYTHONPATH": tests}
    )
    assert process.returncode == -signal.SIGKILL

    async def main() -> None:
        model = Counting()
        cached = Cached(model, path)
        for number in range(20):
            reply = await cached.complete(question(str(number)))
            assert reply.choices[0].text == "paid for"
        assert model.calls == 0
        await cached.aclose()

    asyncio.run(main())


def _garbage(path: Path) -> None:
    path.write_bytes(b"not a database, but long enough to look at" * 100)


def _half_a_reply(path: Path) -> None:
    asyncio.run(_fill(path))
    with sqlite3.connect(path) as sqlite:
        sqlite.execute("UPDATE replies SET reply = substr(reply, 1, 20)")
    sqlite.close()


def _overwritten_pages(path: Path) -> None:
    asyncio.run(_fill(path, 200))
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)


async def _fill(path: Path, count: int = 1) -> None:
    cached = Cached(Counting(), path)
    await asyncio.gather(*(cached.complete(question(str(i))) for i in range(count)))
    await cached.aclose()


@pytest.mark.parametrize("damage", [_garbage, _half_a_reply, _overwritten_pages])
def test_a_damaged_file_is_named(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    path = tmp_path / "c.sqlite"
    damage(path)

    async def main() -> None:
        cached = Cached(Counting(), path)
        try:
            await cached.complete(question("0"))
        finally:
            await cached.aclose()

    with pytest.raises(StoreError, match=r"c\.sqlite.*move (it|the file) away"):
        asyncio.run(main())


def test_identities_without_content_are_equal_only_to_themselves() -> None:
    """The digest that the key holds must not depend on how its parts are cut."""
    one = Identity(0, Purpose.TEST, workflow="a", problem="bc")
    two = Identity(0, Purpose.TEST, workflow="ab", problem="c")
    assert one.digest != two.digest
