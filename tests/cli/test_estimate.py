"""What a command will take, said before, and held against the truth afterwards."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from command_line import SMALL, TASK, CommandLine

SEARCH = (TASK, "--turns", "2", "--samples", "3", *SMALL)
PAID = ("--executor", "openai:gpt-4o-mini", "--meta-agent", "openai:gpt-4o")


def truths(report: dict[str, Any], part: str) -> dict[str, dict[str, Any]]:
    return {row["quantity"]: row for row in report["foreseen"] if row["part"] == part}


def total(w4s: CommandLine, *words: str) -> dict[str, Any]:
    done = w4s("estimate", *words, "--json")
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)["total"]
    return told


def width(span: dict[str, float]) -> float:
    return span["high"] / span["low"]


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_dry_run_needs_no_key_and_leaves_nothing_behind(w4s: CommandLine) -> None:
    done = w4s("search", *SEARCH, *PAID, "--run", "r", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "candidates" in done.stdout
    assert "$" in done.stdout
    assert "assumptions" in done.stdout
    assert files(w4s.folder) == []


def test_a_dry_run_calls_nobody(w4s: CommandLine) -> None:
    with w4s.serving(TASK) as server:
        done = w4s("search", *SEARCH, "--executor", server.executor, "--run", "r", "--dry-run")
        assert done.returncode == 0, done.stderr
        assert server.stats()["routes"] == {"/stats": 1}


def test_the_estimate_stands_in_the_run_and_is_held_against_the_truth(w4s: CommandLine) -> None:
    assert w4s("search", *SEARCH, "--run", "r").returncode == 0
    assert w4s("test", "r", "--baselines").returncode == 0
    report = json.loads(w4s("report", "r", "--format", "json").stdout)
    search, test = truths(report, "search"), truths(report, "test")
    spent = report["search_cost"]
    assert search["calls"]["truth"] == spent["executor"]["calls"] + spent["meta_agent"]["calls"]
    assert search["seconds"]["truth"] == pytest.approx(spent["seconds"])
    assert all(row["within"] for row in (search["calls"], search["tokens"], test["calls"]))
    assert "dollars" not in search  # nothing here has a price
    for form in ("terminal", "markdown"):
        shown = w4s("report", "r", "--format", form).stdout
        assert "Estimate against truth" in shown
        assert "search: tokens" in shown


def test_calls_of_known_workflows_are_foreseen_to_the_last(w4s: CommandLine) -> None:
    assert w4s("search", *SEARCH, "--run", "r", "--max-calls", "60").returncode == 0
    expected = total(w4s, "test", "r", "--workflow", "self_consistency")["calls"]
    test = ("test", "r", "--workflow", "self_consistency")
    assert w4s(*test).returncode == 0
    report = json.loads(w4s("report", "r", "--format", "json").stdout)
    assert expected["low"] == expected["high"] == truths(report, "test")["calls"]["truth"] == 20
    assert (
        "Nothing is left" in w4s("estimate", "test", "r", "--workflow", "self_consistency").stdout
    )


@pytest.mark.long
def test_an_earlier_run_makes_the_range_narrower(w4s: CommandLine) -> None:
    assert w4s("search", *SEARCH, "--turns", "8", "--run", "before").returncode == 0
    assumed = total(w4s, "search", *SEARCH, "--seed", "3")
    measured = total(w4s, "search", *SEARCH, "--seed", "3", "--like", "before", "--run", "r")
    assert width(measured["calls"]) < width(assumed["calls"])
    assert width(measured["tokens"]) < width(assumed["tokens"])
    assert "measured in before" in measured["source"]
    # The search goes by the better estimate, which was kept for it.
    assert w4s("search", *SEARCH, "--seed", "3", "--run", "r").returncode == 0
    report = json.loads(w4s("report", "r", "--format", "json").stdout)
    assert truths(report, "search")["calls"]["source"] == measured["source"]
    assert truths(report, "search")["calls"]["within"]


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_probe_is_paid_for_once_and_says_so(w4s: CommandLine) -> None:
    with w4s.serving(TASK) as server:
        words = (*SEARCH, "--executor", server.executor, "--price", "simulated=1/2", "--run", "r")
        first = w4s("estimate", "search", *words, "--probe", "4")
        assert first.returncode == 0, first.stderr
        asked = server.stats()["calls"]
        assert 20 < asked < 400
        assert "r-probe4" in first.stderr
        assert "the probe took" in first.stderr
        assert w4s("estimate", "search", *words, "--probe", "4").returncode == 0
        assert server.stats()["calls"] == asked
        assert w4s("search", *words).returncode == 0
    report = json.loads(w4s("report", "r", "--format", "json").stdout)
    rows = truths(report, "search")
    assert "measured in r-probe4" in rows["dollars"]["source"]
    assert rows["dollars"]["truth"] == pytest.approx(report["search_cost"]["executor"]["usd"])
    assert rows["calls"]["within"]


def test_an_unknown_price_is_said_to_be_unknown(w4s: CommandLine) -> None:
    unknown = ("--executor", "openai:nobody-knows-it")
    assert total(w4s, "search", *SEARCH, *unknown)["usd"] is None
    assert "--price" in w4s("estimate", "search", *SEARCH, *unknown).stdout
    given = total(w4s, "search", *SEARCH, *unknown, "--price", "nobody-knows-it=1/2")["usd"]
    assert 0 < given["low"] < given["likely"] < given["high"]


def test_a_limit_ends_it_there(w4s: CommandLine) -> None:
    told = total(w4s, "search", *SEARCH, "--max-calls", "90")
    assert told["calls"]["likely"] == pytest.approx(90)
    assert told["calls"]["high"] <= 90 + 1e-6
    assert told["ends_at"] == "--max-calls 90"
    done = w4s("search", *SEARCH, "--run", "r", "--max-calls", "90")
    assert done.returncode == 0, done.stderr
    report = json.loads(w4s("report", "r", "--format", "json").stdout)
    assert report["search_cost"]["executor"]["calls"] <= 90


@pytest.mark.parametrize(
    ("limit", "quantity", "most"),
    [
        (("--max-calls", "1000"), "calls", 1000),
        (("--max-tokens", "90000"), "tokens", 90_000),
        (("--max-minutes", "0.1"), "seconds", 6),
    ],
)
def test_a_limit_holds_for_all_parts_of_a_command_together(
    w4s: CommandLine, limit: tuple[str, str], quantity: str, most: float
) -> None:
    done = w4s("estimate", "collect", TASK, "toy_primes", "toy_rates", *limit, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["total"][quantity]["likely"] == pytest.approx(most)
    assert told["total"][quantity]["high"] <= most + 1e-6
    assert told["total"]["ends_at"] == " ".join(limit)
    if quantity == "calls":
        parts = [estimate["calls"]["likely"] for estimate in told["estimates"]]
        assert all(part > most / 10 for part in parts)  # nobody's work is left out


def test_a_limit_of_a_test_holds_for_all_its_workflows_together(w4s: CommandLine) -> None:
    assert w4s("search", *SEARCH, "--run", "r", "--max-calls", "60").returncode == 0
    told = total(w4s, "test", "r", "--baselines", "--max-calls", "10")
    assert told["calls"]["likely"] == pytest.approx(10)
    dry = w4s("test", "r", "--baselines", "--max-calls", "10", "--dry-run")
    assert "all of it is likely to end at --max-calls 10" in dry.stdout


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("method", ["random", "adas", "aflow"])
def test_other_methods_ask_otherwise(w4s: CommandLine, method: str) -> None:
    words = (TASK, "--method", method, "--turns", "2", "--samples", "2", *SMALL)
    assert w4s("search", *words, "--run", "r").returncode == 0
    report = json.loads(w4s("report", "r", "--format", "json").stdout)
    rows = truths(report, "search")
    assert rows["calls"]["within"], rows


@pytest.mark.parametrize("words", [("collect", "--run", "r", "--dry-run"), ("estimate", "collect")])
@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ((TASK, "--private", "100000"), "has 200 training problems"),
        ((TASK, TASK), "named twice; give --episodes"),
    ],
)
def test_what_cannot_be_collected_is_not_estimated(
    w4s: CommandLine, words: tuple[str, ...], settings: tuple[str, ...], says: str
) -> None:
    done = w4s(*words, *settings)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.skipif("W4S_DATA" not in os.environ, reason="needs GSM-Plus in W4S_DATA")
def test_an_estimate_goes_by_the_sets_that_are_collected_on(w4s: CommandLine) -> None:
    words = ("estimate", "collect", "gsm_plus", "--private", "2000")
    assert "has 920 training problems" in w4s(*words).stderr
    assert "has 1272 training problems" in w4s(*words, "--split", "paper").stderr


def test_collections_and_comparisons(w4s: CommandLine) -> None:
    collect = ("collect", TASK, "--private", "8", "--public", "2")
    one = total(w4s, *collect, "--episodes", "1")["calls"]["likely"]
    four = total(w4s, *collect, "--episodes", "4")["calls"]["likely"]
    assert four == pytest.approx(4 * one)
    assert w4s(*collect, "--episodes", "1", "--run", "c", "--dry-run").returncode == 0
    (w4s.folder / "c.toml").write_text(
        f'tasks = ["{TASK}"]\nmethods = ["w4s", "random"]\nbaselines = ["direct"]\nseeds = 3\n'
        "each_calls = 100\n[search]\nprivate = 8\npublic = 2\ntest = 10\n"
    )
    dry = w4s("compare", "c.toml", "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert f"random on {TASK}" in dry.stdout
    assert "100" in dry.stdout
    told = json.loads(w4s("estimate", "compare", "c.toml", "--json").stdout)
    direct = next(e for e in told["estimates"] if e["title"] == f"direct on {TASK}")
    assert direct["calls"]["likely"] == 30
    assert files(w4s.folder) == ["c.toml"]


@pytest.mark.long
def test_a_collection_is_held_against_its_estimate(w4s: CommandLine) -> None:
    words = (TASK, "--episodes", "1", "--samples", "2", "--private", "8", "--public", "2")
    done = w4s("collect", *words, "--run", "c")
    assert done.returncode == 0, done.stderr
    assert "expected: calls" in done.stderr
    assert "collect: tokens" in done.stdout
    assert len((w4s.folder / "c" / "estimates.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("search", TASK, "--like", "nothing"), "holds no run"),
        (("search", TASK, "--like", "nothing", "--probe", "2"), "give one of them"),
        (("search", "nothing"), "unknown task"),
        (("search", TASK, "--executor", "gpt"), "unknown model"),
        (("test", "nothing"), "holds no run"),
        (("compare", "nothing.toml"), "nothing.toml"),
    ],
)
def test_mistakes_get_one_line(w4s: CommandLine, words: tuple[str, ...], what: str) -> None:
    done = w4s("estimate", *words)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert what in line
    assert files(w4s.folder) == []


@pytest.mark.long
@pytest.mark.timeout(600)
def test_most_ranges_hold(w4s: CommandLine) -> None:
    rows = []
    for task in (TASK, "toy_report", "toy_strings"):
        for seed in ("0", "1"):
            words = (task, "--turns", "3", "--samples", "4", *SMALL, "--seed", seed)
            run = f"{task}{seed}"
            assert w4s("search", *words, "--run", run).returncode == 0
            report = json.loads(w4s("report", run, "--format", "json").stdout)
            rows += [r for r in report["foreseen"] if r["quantity"] != "seconds"]
    assert sum(row["within"] for row in rows) >= 0.8 * len(rows), rows
