"""A whole stack of wrappers over HTTP, killed again and again: nothing is paid for twice."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from pathlib import Path

import pytest
from aiohttp import web

from endpoints import Body, answers, endpoint, question
from w4s.models.metering.ledger import Ledger

CALLS = 300
KILLS = 10

RUN = """
import asyncio, json, random, sys
from pathlib import Path
from endpoints import caps, question
from w4s.models.metering.budget import Budget
from w4s.models.metering.ledger import Ledger
from w4s.models.metering.prices import Price
from w4s.models.specs import open_model, read_spec, wrap_model


async def main(url, folder, calls):
    spec = read_spec(f"openai:m@{url}")
    ledger = Ledger(folder / "ledger.sqlite")
    model = wrap_model(
        open_model(spec, environ={}),
        spec,
        role="executor",
        budget=Budget(caps(max_usd=100), ledger),
        price=Price(1, 1),
        rng=random.Random(0),
        replies=folder / "replies.sqlite",
    )
    places = asyncio.Semaphore(16)

    async def ask(number):
        async with places:
            return (await model.complete(question(str(number)))).choices[0].text

    texts = await asyncio.gather(*(ask(number) for number in range(calls)))
    await model.aclose()
    (folder / "result.json").write_text(json.dumps(texts))


asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
"""


@pytest.mark.long
def test_a_run_killed_again_and_again_ends_as_if_undisturbed(tmp_path: Path) -> None:
    rng = random.Random(5)
    tests = str(Path(__file__).parent.parent)
    script = tmp_path / "run.py"
    script.write_text(RUN)

    async def takes_a_moment(request: web.Request, body: Body) -> web.StreamResponse:
        await asyncio.sleep(0.02)
        return await answers(request, body)

    async def run(url: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, str(script), url, str(tmp_path), str(CALLS)),
            env=os.environ | {"PYTHONPATH": tests},
        )

    async def main() -> None:
        async with endpoint(takes_a_moment) as served:
            for _ in range(KILLS):
                before = len(served.bodies)
                process = await run(served.url)
                goal = before + rng.randrange(1, CALLS // KILLS)
                while len(served.bodies) < goal and process.returncode is None:
                    await asyncio.sleep(0.001)
                process.send_signal(signal.SIGKILL)
                await process.wait()
            process = await run(served.url)
            assert await process.wait() == 0

            ledger = Ledger(tmp_path / "ledger.sqlite")
            total = ledger.total
            ledger.close()
            # Whatever was sent beyond the undisturbed run was in flight at a kill, and the
            # ledger knows of each such call (and of those written down and not yet sent).
            assert 0 < total.unknown <= KILLS * 16
            assert len(served.bodies) - CALLS <= total.unknown
            # A call may be settled and its reply not yet kept at the moment of a kill.
            assert CALLS <= total.calls - total.unknown <= CALLS + KILLS
            assert total.usd_unknown > 0

    asyncio.run(main())
    texts = json.loads((tmp_path / "result.json").read_text())
    assert texts == [f"{i} -> {question(str(i)).seed}" for i in range(CALLS)]
