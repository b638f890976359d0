"""The ledger: what was sent is never forgotten, whatever became of the process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from w4s.models.metering.ledger import Ledger, Spending, Totals

WORST = Spending(1, 1000, 0.25)


def test_totals_are_kept_by_role_and_by_fate(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.sqlite")
    ledger.done(
        ledger.open("executor", "m", WORST), prompt_tokens=10, completion_tokens=5, usd=0.01
    )
    ledger.failed(ledger.open("executor", "m", WORST))
    ledger.unknown(ledger.open("executor", "m", WORST))
    ledger.count_cached("executor")
    ledger.done(
        ledger.open("meta-agent", "m", WORST), prompt_tokens=1, completion_tokens=2, usd=0.5
    )
    ledger.open("meta-agent", "m", WORST)
    expected = {
        "executor": Totals(3, 1, 1, 1, 10, 5, 0.01, 1000, 0.25),
        "meta-agent": Totals(calls=1, prompt_tokens=1, completion_tokens=2, usd=0.5),
    }
    assert ledger.totals == expected
    assert ledger.total.spent == Spending(4, 1018, 0.76)
    ledger.close()

    again = Ledger(tmp_path / "l.sqlite")
    # The call that nobody settled counts at its worst from now on.
    expected["meta-agent"] += Totals(calls=1, unknown=1, unknown_tokens=1000, usd_unknown=0.25)
    assert again.totals == expected
    again.close()


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
import random
from w4s.config import Limits
from w4s.models.base import Choice, Identity, Purpose, Reply, Request
from w4s.models.metering.budget import Budget
from w4s.models.metering.ledger import Ledger
from w4s.models.metering.metered import Metered
from w4s.models.metering.prices import Price
from w4s.types import Message, Usage


class Hanging:
    name = "hanging"

    async def complete(self, request):
        if request.messages[0].content == "hang":
            await asyncio.sleep(60)
        return Reply((Choice("done"),), Usage(1, 0, 100, 10))

    async def aclose(self):
        pass


async def main():
    budget = Budget(Limits(max_usd=10), Ledger(Path(sys.argv[1])))
    model = Metered(
        Hanging(), role="executor", budget=budget, price=Price(1.0, 2.0), rng=random.Random(0)
    )

    def request(text):
        identity = Identity(0, Purpose.TEST)
        return Request((Message("user", text),), identity, max_tokens=1000, n=2)

    for _ in range(3):
        await model.complete(request("answer"))
    hanging = [asyncio.create_task(model.complete(request("hang"))) for _ in range(5)]
    await asyncio.sleep(0.2)
    os.kill(os.getpid(), signal.SIGKILL)


asyncio.run(main())
"""


def test_calls_in_flight_at_kill_9_count_as_spent_at_their_worst(tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite"
    process = subprocess.run([sys.executable, "-c", KILLED, str(path)], env=dict(os.environ))
    assert process.returncode == -signal.SIGKILL
    for _ in range(2):  # opening twice must not count twice
        ledger = Ledger(path)
        total = ledger.total
        ledger.close()
        assert (total.calls, total.unknown) == (8, 5)
        assert total.usd == pytest.approx(3 * (100 * 1.0 + 10 * 2.0) / 1e6)
        # Two responses of a thousand tokens each, and the prompt.
        assert total.usd_unknown >= 5 * 2000 * 2.0 / 1e6
        assert total.unknown_tokens >= 5 * 2000


SPENDING = """
import sys, time
from pathlib import Path
from w4s.models.metering.ledger import Ledger, Spending

ledger = Ledger(Path(sys.argv[1]))
while True:
    entry = ledger.open("executor", "m", Spending(1, 10, 0.0))
    time.sleep(0.02)
    ledger.done(entry, prompt_tokens=1, completion_tokens=1, usd=0.0)
    print(ledger.seconds, flush=True)
"""


def test_the_time_of_a_killed_sitting_is_kept(tmp_path: Path) -> None:
    path, told = tmp_path / "l.sqlite", 0.0
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-c", SPENDING, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        while told < 2.2:
            told = float(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        process.communicate()
        ledger = Ledger(path)
        assert told - 1.2 < ledger.seconds < told + 1.0
        told = ledger.seconds - 1.5
        ledger.close()
