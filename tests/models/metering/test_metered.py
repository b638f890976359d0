"""Metered: what is repeated, what it costs, and when it ends."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from endpoints import (
    Body,
    Endpoint,
    Habit,
    always,
    answers,
    caps,
    cuts,
    drops,
    endpoint,
    in_turn,
    question,
    refused,
    said,
)
from w4s.config import Limits
from w4s.errors import (
    AccessDenied,
    BudgetExceeded,
    Overloaded,
    ProviderDown,
    Rejected,
    ServerFault,
    W4sError,
)
from w4s.models.endpoint.http import HttpModel
from w4s.models.metering.breaker import Breaker
from w4s.models.metering.budget import Budget
from w4s.models.metering.ledger import Ledger, Totals
from w4s.models.metering.metered import Metered
from w4s.models.metering.prices import Price

PRICE = Price(prompt=1000.0, completion=10_000.0)
"""Dear, so that sums are easy to read: 0.001 and 0.01 dollars a token."""


class Bench:
    """A metered model of one server, its ledger, and the pauses it made."""

    def __init__(self, served: Endpoint, folder: Path, limits: Limits, **options: Any) -> None:
        self.served = served
        self.ledger = Ledger(folder / "ledger.sqlite")
        self.budget = Budget(limits, self.ledger)
        self.pauses: list[float] = []
        self.http = HttpModel("m", served.url, "", timeout_seconds=60)
        options = {"sleep": self._pause} | options
        self.model = Metered(
            self.http,
            role="executor",
            budget=self.budget,
            price=PRICE,
            rng=random.Random(0),
            **options,
        )

    @property
    def totals(self) -> Totals:
        return self.ledger.totals["executor"]

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(0.001)


@asynccontextmanager
async def bench(
    habit: Habit, folder: Path, limits: Limits | None = None, **options: Any
) -> AsyncIterator[Bench]:
    async with endpoint(habit) as served:
        it = Bench(served, folder, limits or caps(), **options)
        try:
            yield it
        finally:
            await it.model.aclose()
            it.ledger.close()


fails = always(lambda: refused(500, "The server had an error"))
overloaded = always(lambda: refused(429, "slow down"))


# --- Repetition ----------------------------------------------------------------------------


def test_every_passing_fault_is_repeated_with_the_same_request(tmp_path: Path) -> None:
    async def main() -> None:
        habit = in_turn(overloaded, fails, drops, cuts, answers)
        async with bench(habit, tmp_path) as b:
            reply = await b.model.complete(question())
            assert reply.choices[0].text == f"2 + 2? -> {question().seed}"
            assert len(b.served.bodies) == 5
            assert all(body == b.served.bodies[0] for body in b.served.bodies)

    asyncio.run(main())


def test_the_ledger_knows_every_attempt_and_the_reply_only_itself(tmp_path: Path) -> None:
    async def main() -> None:
        habit = in_turn(overloaded, fails, drops, cuts, answers)
        async with bench(habit, tmp_path) as b:
            reply = await b.model.complete(question(max_tokens=100))
            assert reply.usage.calls == 1
            assert reply.usage.usd == pytest.approx(0.011 + 0.07)
            totals = b.totals
            assert (totals.calls, totals.failed, totals.unknown) == (5, 2, 2)
            assert totals.usd == pytest.approx(0.081)
            # The dropped and the cut one may have been billed: they stay spent at their worst.
            assert totals.usd_unknown >= 2 * 100 * 0.01
            assert totals.unknown_tokens >= 2 * 100

    asyncio.run(main())


def test_faults_change_no_reply(tmp_path: Path) -> None:
    """About a fifth of all attempts fail, and two hundred replies are those of a calm day."""
    weather = random.Random(1)

    async def stormy(request: web.Request, body: Body) -> web.StreamResponse:
        draw = weather.random()
        for share, habit in ((0.10, overloaded), (0.15, fails), (0.17, drops), (0.19, cuts)):
            if draw < share:
                return await habit(request, body)
        return await answers(request, body)

    async def texts(habit: Habit, folder: Path) -> list[str]:
        folder.mkdir()
        async with bench(habit, folder) as b:
            requests = [question(str(i)) for i in range(200)]
            replies = await asyncio.gather(*(b.model.complete(r) for r in requests))
            return [reply.choices[0].text for reply in replies]

    calm = asyncio.run(texts(answers, tmp_path / "calm"))
    assert asyncio.run(texts(stormy, tmp_path / "stormy")) == calm


def test_refused_features_are_no_failed_attempts_and_need_no_pause(tmp_path: Path) -> None:
    async def bare(request: web.Request, body: Body) -> web.StreamResponse:
        for parameter in ("seed", "temperature", "top_p", "max_tokens"):
            if parameter in body:
                return refused(400, f"Unsupported parameter: '{parameter}'", param=parameter)
        return said(["fine"])

    async def main() -> None:
        async with bench(bare, tmp_path, attempts=1) as b:
            assert (await b.model.complete(question())).choices[0].text == "fine"
            assert b.pauses == []
            assert (b.totals.calls, b.totals.failed) == (5, 4)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("habit", "error", "attempts"),
    [
        (fails, ServerFault, 12),
        (drops, ServerFault, 12),
        (always(lambda: refused(400, "Invalid 'messages'")), Rejected, 1),
    ],
)
def test_it_gives_up_where_that_is_due(
    tmp_path: Path, habit: Habit, error: type[W4sError], attempts: int
) -> None:
    async def main() -> None:
        async with bench(habit, tmp_path) as b:
            with pytest.raises(error):
                await b.model.complete(question())
            assert len(b.served.bodies) == attempts

    asyncio.run(main())


def test_pauses_grow_and_spread(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(fails, tmp_path) as b:
            with pytest.raises(ServerFault):
                await b.model.complete(question())
            assert len(b.pauses) == 11
            assert 0.25 <= b.pauses[0] <= 0.75
            assert 10 <= b.pauses[-1] <= 30
            assert 90 < sum(b.pauses) < 200

    asyncio.run(main())


def test_a_wish_for_patience_is_granted(tmp_path: Path) -> None:
    async def main() -> None:
        wish = always(lambda: refused(429, "slow down", {"Retry-After": "42"}))
        async with bench(in_turn(wish, answers), tmp_path) as b:
            await b.model.complete(question())
            assert 42 <= b.pauses[0] <= 51

    asyncio.run(main())


def test_a_429_is_waited_out_longer_than_a_fault(tmp_path: Path) -> None:
    """It says that others are being served."""

    async def main() -> None:
        async with bench(in_turn(*[overloaded] * 30, answers), tmp_path) as b:
            await b.model.complete(question())
            assert b.totals.failed == 30

    asyncio.run(main())


# --- The end of a provider -----------------------------------------------------------------


def test_a_provider_that_dies_ends_all_callers_soon(tmp_path: Path) -> None:
    """Two hundred callers, each with attempts left for minutes, end with the first who knows."""

    async def main() -> None:
        breaker = Breaker(patience_seconds=1.0)
        async with endpoint(answers) as served:
            b = Bench(served, tmp_path, caps(), breaker=breaker, sleep=asyncio.sleep)
            await b.model.complete(question())
        start = time.monotonic()
        results = await asyncio.gather(
            *(b.model.complete(question(str(i))) for i in range(200)), return_exceptions=True
        )
        assert {type(r) for r in results} == {ProviderDown}
        assert time.monotonic() - start < 30
        assert "no connection to 127.0.0.1" in str(results[0])
        with pytest.raises(ProviderDown):
            await b.model.complete(question())
        assert b.budget.reserved.calls == 0
        await b.model.aclose()

    asyncio.run(main())


def test_calls_in_flight_end_with_the_provider_and_count_as_unknown(tmp_path: Path) -> None:
    async def half_dead(request: web.Request, body: Body) -> web.StreamResponse:
        if body["messages"][-1]["content"] == "hangs":
            await asyncio.sleep(30)
        return await fails(request, body)

    async def main() -> None:
        breaker = Breaker(patience_seconds=0.0)
        async with bench(half_dead, tmp_path, breaker=breaker) as b:
            hanging = asyncio.create_task(b.model.complete(question("hangs")))
            await asyncio.sleep(0.05)
            with pytest.raises(ProviderDown):
                await asyncio.gather(*(b.model.complete(question(str(i))) for i in range(20)))
            with pytest.raises(ProviderDown):
                await hanging
            totals = b.totals
            assert totals.unknown >= 1
            assert totals.failed + totals.unknown == totals.calls
            assert b.budget.reserved.calls == 0

    asyncio.run(main())


def test_a_slow_provider_with_early_faults_is_not_dead(tmp_path: Path) -> None:
    """A tenth of the calls fail at once, and the first answer comes long after."""

    async def slow(request: web.Request, body: Body) -> web.StreamResponse:
        if int(body["messages"][-1]["content"]) % 10 == 0:
            return await fails(request, body)
        await asyncio.sleep(1.0)
        return await answers(request, body)

    async def main() -> None:
        breaker = Breaker(patience_seconds=0.1)
        async with bench(slow, tmp_path, breaker=breaker, sleep=asyncio.sleep) as b:
            requests = [question(str(i)) for i in range(1, 100) if i % 10]
            doomed = [asyncio.create_task(b.model.complete(question(str(i)))) for i in (0, 10, 20)]
            replies = await asyncio.gather(*(b.model.complete(r) for r in requests))
            assert len(replies) == 90
            for task in doomed:
                task.cancel()
            await asyncio.gather(*doomed, return_exceptions=True)

    asyncio.run(main())


def test_a_bad_key_ends_everything_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        habit = always(lambda: refused(401, "Incorrect API key"))
        async with bench(habit, tmp_path) as b:
            results = await asyncio.gather(
                *(b.model.complete(question(str(i))) for i in range(50)), return_exceptions=True
            )
            assert {type(r) for r in results} == {AccessDenied}
            sent = len(b.served.bodies)
            with pytest.raises(AccessDenied):
                await b.model.complete(question("late"))
            assert len(b.served.bodies) == sent

    asyncio.run(main())


def test_a_quota_of_tomorrow_is_not_waited_for(tmp_path: Path) -> None:
    async def main() -> None:
        habit = always(lambda: refused(429, "daily limit", {"Retry-After": "36000"}))
        async with bench(habit, tmp_path) as b:
            with pytest.raises(ProviderDown, match="asks to wait 36000 seconds"):
                await b.model.complete(question())
            assert b.pauses == []

    asyncio.run(main())


# --- Limits --------------------------------------------------------------------------------


@pytest.mark.parametrize("limits", [caps(max_calls=17), caps(max_usd=2.0), caps(max_tokens=900)])
def test_a_limit_stops_a_crowd_of_callers_in_time(tmp_path: Path, limits: Limits) -> None:
    async def main() -> None:
        async with bench(in_turn(drops, fails, answers), tmp_path, limits) as b:
            results = await asyncio.gather(
                *(b.model.complete(question(str(i), max_tokens=20)) for i in range(100)),
                return_exceptions=True,
            )
            failed = [r for r in results if isinstance(r, BaseException)]
            assert {type(r) for r in failed} == {BudgetExceeded}
            assert len(failed) < 100
            spent = b.ledger.total.spent
            assert spent.calls <= (limits.max_calls or 1000)
            assert spent.usd <= (limits.max_usd or 1000)
            assert spent.tokens <= (limits.max_tokens or 100_000)
            assert spent.calls == len(b.served.bodies)

    asyncio.run(main())


def test_a_pause_does_not_outlast_the_minutes(tmp_path: Path) -> None:
    async def main() -> None:
        wish = always(lambda: refused(429, "slow down", {"Retry-After": "30"}))
        limits = caps(max_minutes=0.01)
        async with bench(wish, tmp_path, limits, sleep=asyncio.sleep) as b:
            start = time.monotonic()
            with pytest.raises(BudgetExceeded, match="--max-minutes"):
                await b.model.complete(question())
            assert time.monotonic() - start < 15

    asyncio.run(main())


def test_a_stopped_call_counts_as_unknown_and_frees_its_place(tmp_path: Path) -> None:
    async def hangs(request: web.Request, body: Body) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    async def main() -> None:
        async with bench(hangs, tmp_path) as b:
            task = asyncio.create_task(b.model.complete(question()))
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert b.totals.unknown == 1
            assert b.budget.reserved.calls == 0

    asyncio.run(main())


def test_two_roles_share_one_budget(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(answers, tmp_path, caps(max_calls=2)) as b:
            other = Metered(
                b.http, role="meta-agent", budget=b.budget, price=PRICE, rng=random.Random(0)
            )
            await b.model.complete(question("1"))
            await other.complete(question("2"))
            for model in (b.model, other):
                with pytest.raises(BudgetExceeded):
                    await model.complete(question("3"))
            assert {role: t.calls for role, t in b.ledger.totals.items()} == {
                "executor": 1,
                "meta-agent": 1,
            }

    asyncio.run(main())


def test_an_overloaded_server_is_asked_less_and_yet_serves_all(tmp_path: Path) -> None:
    """It refuses whatever goes beyond ten at a time; no call is lost, and few are refused."""
    now = 0
    highest = 0

    async def ten_at_a_time(request: web.Request, body: Body) -> web.StreamResponse:
        nonlocal now, highest
        if now >= 10:
            return refused(429, "slow down")
        now += 1
        highest = max(highest, now)
        try:
            await asyncio.sleep(0.005)
        finally:
            now -= 1
        return await answers(request, body)

    async def pause(seconds: float) -> None:
        await asyncio.sleep(seconds / 50)

    async def main() -> None:
        async with bench(ten_at_a_time, tmp_path, sleep=pause) as b:
            requests = [question(str(i)) for i in range(300)]
            replies = await asyncio.gather(*(b.model.complete(r) for r in requests))
            assert len(replies) == 300
            assert highest == 10
            assert b.totals.failed < 800

    asyncio.run(main())


def test_overload_for_good_ends_as_overload(tmp_path: Path) -> None:
    """The patience for 429 is in minutes; a breaker without it ends the run instead."""

    async def main() -> None:
        now = 0.0

        async def pause(seconds: float) -> None:
            nonlocal now
            now += seconds

        breaker = Breaker(clock=lambda: now)
        async with bench(overloaded, tmp_path, breaker=breaker, sleep=pause) as b:
            with pytest.raises((ProviderDown, Overloaded)):
                await b.model.complete(question())
            assert 500 < now < 700

    asyncio.run(main())
