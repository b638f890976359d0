"""A summary says what the folder holds, and nothing that it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from w4s.errors import ConfigError, StoreError
from w4s.reports.run import TURNS, read_run
from w4s.reports.stats import wilson
from w4s.reports.summary import accuracy_of, summarise
from w4s.types import Evaluation, Outcome, Score, Status, Workflow


def test_the_search_turn_by_turn(run_folder: Path) -> None:
    summary = summarise(read_run(run_folder))
    assert [e.name for e in summary.examples] == ["chain|of_thought", "vote"]
    one, two = summary.turns
    assert [c.accuracy.value for c in one.candidates] == [0.3, 0.8]
    assert one.chosen is not None
    assert (one.turn, one.chosen.name, one.best, one.dropped) == (1, "found", 0.8, 0)
    assert (two.turn, two.best, two.dropped) == (2, 0.8, 1)
    assert not summary.finished


def test_the_best_is_the_earliest_of_equals(run_folder: Path) -> None:
    best = summarise(read_run(run_folder)).best
    assert best is not None
    assert (best.name, best.accuracy.value) == ("found", 0.8)
    assert best.accuracy.interval == wilson(8, 10)


def test_unscored_problems_stand_apart(run_folder: Path) -> None:
    found, direct = summarise(read_run(run_folder)).tests
    assert found.accuracy.value == pytest.approx(7 / 9)
    assert (found.accuracy.problems, found.accuracy.unscored) == (9, 1)
    assert found.accuracy.interval == wilson(7, 9)
    assert found.statuses == (("scored", 9), ("unscored", 1))
    assert (direct.origin, direct.accuracy.value) == ("baseline", 0.4)


def test_cost_of_search_and_test_stand_apart(run_folder: Path) -> None:
    summary = summarise(read_run(run_folder))
    assert (summary.search_cost.executor.calls, summary.search_cost.seconds) == (100, 125.0)
    assert (summary.test_cost.executor.calls, summary.test_cost.seconds) == (40, 7.0)
    assert summary.search_cost.usd == 0.5
    assert summary.test_cost.usd == 0.25
    assert summary.tested == 2


def test_upstreams_score_is_told_where_it_differs() -> None:
    outcomes = (
        Outcome("a", Status.SCORED, Score(1.0, upstream=0.0)),
        Outcome("b", Status.SCORED, Score(1.0)),
    )
    accuracy = accuracy_of(Evaluation(Workflow(""), outcomes))
    assert (accuracy.value, accuracy.upstream) == (1.0, 0.5)
    assert accuracy_of(Evaluation(Workflow(""), outcomes[1:])).upstream is None


def test_a_run_without_a_finished_turn(run_folder: Path) -> None:
    (run_folder / TURNS).unlink()
    (run_folder / "begin.json").unlink()
    summary = summarise(read_run(run_folder))
    assert summary.best is None
    assert summary.examples == ()


def test_a_folder_without_a_run(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no run"):
        read_run(tmp_path / "nothing")


@pytest.mark.parametrize("damaged", ["{}", '{"turn": 0', ""])
def test_a_broken_file_is_named(run_folder: Path, damaged: str) -> None:
    (run_folder / "begin.json").write_text(damaged)
    with pytest.raises(StoreError, match=r"/begin\.json: no valid State: "):
        read_run(run_folder)


def test_a_broken_folder_names_the_file_and_line(run_folder: Path) -> None:
    file = run_folder / TURNS
    file.write_text(file.read_text().replace('"attempts"', '"tries"'))
    with pytest.raises(StoreError, match=r"turns\.jsonl, line 2: "):
        read_run(run_folder)
