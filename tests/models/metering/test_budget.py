"""The budget: spent and reserved never exceed a limit together, under any order of events."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endpoints import caps
from w4s.config import Limits
from w4s.errors import BudgetExceeded
from w4s.models.metering.budget import Budget
from w4s.models.metering.ledger import Ledger, Spending
from w4s.types import Usage


class Watched(Budget):
    """Checks the promise at every change."""

    def check(self, limits: Limits) -> None:
        both = self.spent + self.reserved
        assert limits.max_calls is None or both.calls <= limits.max_calls
        assert limits.max_tokens is None or both.tokens <= limits.max_tokens
        assert limits.max_usd is None or both.usd <= limits.max_usd + 1e-9


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with closing(Ledger(tmp_path / "l.sqlite")) as opened:
        yield opened


def worst(tokens: int) -> Spending:
    return Spending(1, tokens, tokens / 1000)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    max_calls=st.none() | st.integers(0, 40),
    max_tokens=st.none() | st.integers(0, 4000),
    max_usd=st.none() | st.floats(0, 4),
)
def test_spent_and_reserved_never_exceed_a_limit(
    seed: int, max_calls: int | None, max_tokens: int | None, max_usd: float | None
) -> None:
    limits = caps(max_calls=max_calls, max_tokens=max_tokens, max_usd=max_usd)
    rng = random.Random(seed)

    async def call(budget: Watched) -> bool:
        await asyncio.sleep(rng.random() * 1e-3)
        try:
            entry = await budget.reserve("r", "m", worst(rng.randrange(1, 300)))
        except BudgetExceeded:
            return False
        budget.check(limits)
        await asyncio.sleep(rng.random() * 1e-3)
        used = rng.randrange(0, entry.worst.tokens + 1)
        match rng.randrange(4):
            case 0:
                budget.settle_failed(entry)
            case 1:
                budget.settle_unknown(entry)
            case _:
                budget.settle_done(entry, Usage(1, 0, used, 0, used / 1000))
        budget.check(limits)
        return True

    async def main(path: Path) -> None:
        ledger = Ledger(path)
        budget = Watched(limits, ledger)
        granted = await asyncio.gather(*(call(budget) for _ in range(60)))
        assert budget.reserved == Spending()
        assert budget.spent.calls == sum(granted)
        if max_calls is max_tokens is max_usd is None:
            assert all(granted)
        ledger.close()
        again = Ledger(path)
        assert again.total.spent.calls == budget.spent.calls
        assert again.total.spent.usd == pytest.approx(budget.spent.usd)
        again.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(Path(folder) / "l.sqlite"))


def test_what_does_not_fit_waits_for_what_is_in_flight(ledger: Ledger) -> None:
    async def main() -> None:
        budget = Budget(caps(max_usd=1), ledger)
        first = await budget.reserve("r", "m", worst(800))
        waiting = asyncio.create_task(budget.reserve("r", "m", worst(700)))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        budget.settle_done(first, Usage(1, 0, 100, 0, 0.1))
        second = await waiting
        # 0.1 is spent and 0.7 in flight: 0.95 can never fit, and says so at once.
        with pytest.raises(BudgetExceeded, match=r"--max-usd 1 reached.*a higher --max-usd"):
            await budget.reserve("r", "m", worst(950))
        budget.settle_unknown(second)
        with pytest.raises(BudgetExceeded, match=r"unknown outcome.*\$0\.7"):
            await budget.reserve("r", "m", worst(300))
        await budget.reserve("r", "m", worst(200))

    asyncio.run(main())


def test_a_stopped_waiter_leaves_the_queue_in_order(ledger: Ledger) -> None:
    async def main() -> None:
        budget = Budget(caps(max_tokens=1000), ledger)
        first = await budget.reserve("r", "m", worst(900))
        waiting = [asyncio.create_task(budget.reserve("r", "m", worst(200))) for _ in range(3)]
        await asyncio.sleep(0.01)
        waiting[0].cancel()
        await asyncio.sleep(0.01)
        budget.settle_failed(first)
        await asyncio.gather(*waiting[1:])
        assert budget.reserved.tokens == 400

    asyncio.run(main())


def test_what_earlier_processes_spent_counts(tmp_path: Path) -> None:
    async def main() -> None:
        ledger = Ledger(tmp_path / "l.sqlite")
        budget = Budget(caps(max_calls=3), ledger)
        budget.settle_failed(await budget.reserve("r", "m", worst(1)))
        await budget.reserve("r", "m", worst(1))  # and the process ends here
        ledger.close()
        with closing(Ledger(tmp_path / "l.sqlite")) as reopened:
            again = Budget(caps(max_calls=3), reopened)
            assert again.spent == Spending(2, 1, 0.001)
            await again.reserve("r", "m", worst(1))
            with pytest.raises(BudgetExceeded, match="--max-calls 3 reached"):
                await again.reserve("r", "m", worst(1))

    asyncio.run(main())


def test_a_limit_of_nothing_grants_nothing(ledger: Ledger) -> None:
    async def main() -> None:
        budget = Budget(caps(max_calls=0), ledger)
        with pytest.raises(BudgetExceeded):
            await budget.reserve("r", "m", worst(1))

    asyncio.run(main())


def test_the_limit_on_minutes_is_the_process_s_own(ledger: Ledger) -> None:
    now = 1000.0

    async def main() -> None:
        nonlocal now
        budget = Budget(caps(max_minutes=2), ledger, clock=lambda: now)
        await budget.reserve("r", "m", worst(1))
        now += 119
        assert budget.seconds_left == 1
        await budget.reserve("r", "m", worst(1))
        now += 1
        with pytest.raises(BudgetExceeded, match="--max-minutes 2 reached"):
            await budget.reserve("r", "m", worst(1))
        await Budget(caps(max_minutes=2), ledger, clock=lambda: now).reserve("r", "m", worst(1))

    asyncio.run(main())
