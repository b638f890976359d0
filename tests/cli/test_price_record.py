"""What was paid stands in the run, whatever the prices are when its report is made."""

from __future__ import annotations

import json

from command_line import TASK, CommandLine

SEARCH = ("search", TASK, "--private", "4", "--public", "1", "--test", "4", "--turns", "1")
TINY = (*SEARCH, "--samples", "1", "--run", "r")


def test_a_changed_price_is_recorded_beside_the_first(w4s: CommandLine) -> None:
    with w4s.serving(TASK) as server:
        executor = ("--executor", server.executor)
        assert w4s(*TINY, *executor, "--price", "simulated=1/2").returncode == 0
        more = (*TINY[:9], "2", *TINY[10:], *executor, "--price", "simulated=3/4")
        done = w4s(*more)
        assert done.returncode == 0, done.stderr
    report = json.loads(w4s("report", "r", "--format", "json").stdout)
    paid = [(p["role"], p["prompt"], p["completion"], p["source"]) for p in report["prices"]]
    assert paid == [
        ("executor", 1.0, 2.0, "given"),
        ("meta_agent", 0.0, 0.0, "free"),
        ("executor", 3.0, 4.0, "given"),
    ]
    assert report["search_cost"]["executor"]["usd"] > 0
    markdown = w4s("report", "r", "--format", "markdown").stdout
    assert "simulated" in markdown
    assert "$1/2 per million tokens in/out (given)" in markdown


def test_an_unknown_price_is_no_zero(w4s: CommandLine) -> None:
    from w4s.models.specs import quote, read_spec

    assert quote(read_spec("openai:nobody-knows-it"), {}).price is None
    known = quote(read_spec("openai:gpt-4o-mini"), {})
    assert known.source.startswith("table of 20")
    assert quote(read_spec("simulated"), {}).source == "free"
