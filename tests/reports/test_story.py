"""A story tells where every candidate came from and what came of it, and keeps what is private."""

from __future__ import annotations

import json
import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from told_run import PRIVATE_WORD, PROBLEMS, SEALED_WORD, TARGET_WORD, write_run
from w4s.cli.options import takes
from w4s.config import SearchConfig
from w4s.methods.choosing import Finalist
from w4s.reports.candidates import Standing, duel
from w4s.reports.command import search_command
from w4s.reports.html.page import html_page
from w4s.reports.run import FINAL, Final, final_text, read_run
from w4s.reports.story import Going, Story, tell
from w4s.reports.story_text import side_by_side, stories_json, stories_markdown
from w4s.store import RunFolder, is_held


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return tell(read_run(write_run(tmp_path / "run")))


def test_every_candidate_has_its_standing_parent_and_change(story: Story) -> None:
    told = [(c.id, c.standing, c.parent, c.compared) for c in story.candidates]
    assert told == [
        ("e1", Standing.EXAMPLE, "", ""),
        ("e2", Standing.EXAMPLE, "", ""),
        ("t1c1", Standing.ADVANCED, "e1", "e1"),
        ("t1c2", Standing.MEASURED, "e1", "e1"),
        ("t2c1", Standing.ADVANCED, "t1c1", "t1c1"),
        ("t2c2", Standing.DROPPED, "t1c1", ""),
    ]
    changes = [c.change for c in story.candidates]
    assert changes == [
        None,
        None,
        pytest.approx(0.25),
        pytest.approx(-1 / 6),
        pytest.approx(-0.25),
        None,
    ]


def test_a_diff_turns_the_parent_into_the_child(story: Story) -> None:
    third = story.by_id["t2c1"]
    added = [x[1:] for x in third.diff.splitlines()[2:] if x.startswith("+")]
    assert added == ["# third"]
    assert story.by_id["t1c1"].analysis.startswith("</script>")
    assert "```" not in story.by_id["t1c1"].analysis


def test_errors_are_counted_by_kind(story: Story) -> None:
    """Three candidates, one failing problem each; the name of an exception that could quote the
    problem is left out."""
    assert story.errors == [("raised", 3, 3)]


def test_won_and_lost_between_two_candidates(story: Story) -> None:
    fought = duel(story.by_id["t2c1"], story.by_id["t1c1"])
    assert (fought.won, fought.lost) == ((7, 8, 9), ())
    assert (fought.right, fought.wrong) == (6, PROBLEMS - 9)


def test_the_sealed_test_is_told_in_pairs(story: Story) -> None:
    direct, other = story.pairs
    assert (direct.second, direct.won, direct.lost, direct.equal) == ("direct", 4, 0, 6)
    assert direct.difference.value == pytest.approx(0.4)
    assert direct.difference.p == 0.125  # McNemar: four to none
    assert other.won == 3


def test_stretches_are_told_by_themselves(story: Story) -> None:
    told = [(s.seconds, s.executor.calls, round(s.executor.usd, 4)) for s in story.stretches]
    assert told == [(30.0, 24, 0.25), (95.0, 76, 0.75), (40.0, 30, 0.25), (7.0, 20, 0.5)]


def test_nothing_private_or_sealed_is_in_a_story(story: Story) -> None:
    for text in (stories_json([story]), stories_markdown([story])):
        assert PRIVATE_WORD not in text
        assert SEALED_WORD not in text
        assert TARGET_WORD not in text
    assert [p.question for p in story.public][1] == "How many legs has a spider?"


def test_a_story_says_whether_the_run_goes_on(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run")
    assert tell(read_run(folder)).going is Going.STOPPED
    with RunFolder(folder):
        assert is_held(folder)
        assert tell(read_run(folder), working=is_held(folder)).going is Going.RUNNING
    assert not is_held(folder)
    assert tell(read_run(write_run(tmp_path / "done", turns=2))).going is Going.FINISHED
    assert not is_held(tmp_path / "nothing")


def test_finalists_are_told_with_both_measurements(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run")
    first, second = (a.workflow for a in read_run(folder).turns[0].attempts)
    final = Final(
        (Finalist(first, 0.75, (1.0, 0.0), 9.0), Finalist(second, 0.5, (1.0, 1.0), 3.0)),
        second.digest,
    )
    (folder / FINAL).write_text(final_text(final))
    story = tell(read_run(folder))
    told = [(f.name, f.validated, f.fresh, f.chosen) for f in story.finalists]
    assert told == [("turn 1, sample 1", 0.75, 0.5, False), ("turn 1, sample 2", 0.5, 1.0, True)]
    assert story.best == story.by_id["t1c2"]
    assert "turn 1, sample 2 (chosen)" in stories_markdown([story])
    assert "Finalists, measured again" in html_page([story], written_at=datetime.now(UTC))


def test_a_run_that_has_only_begun_can_be_told(tmp_path: Path) -> None:
    config = SearchConfig.resolve({"task": "sums", "run": tmp_path, "turns": 3})
    with RunFolder(tmp_path) as folder:
        folder.settle(config, {"private": PROBLEMS})
    story = tell(read_run(tmp_path))
    assert story.candidates == ()
    assert story.best is None
    assert "toy" not in stories_markdown([story])


def test_json_holds_the_summary_and_the_rest(story: Story) -> None:
    told = json.loads(stories_json([story]))
    assert told["tests"][0]["name"] == "direct"
    assert told["candidates"][2]["reward"] == 1.0
    assert told["command"] == story.command
    assert len(json.loads(stories_json([story, story]))["runs"]) == 2


def test_several_runs_stand_side_by_side(story: Story) -> None:
    sheet = side_by_side([story, story])
    assert len(sheet.rows) == 2
    assert "75.0 % [46.8, 91.1]" in sheet.rows[0]
    assert stories_markdown([story, story]).startswith("# 2 runs side by side")


def test_text_cannot_leave_its_fence_in_markdown(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", analysis="`````\n# heading of the model\n`````")
    lines = stories_markdown([tell(read_run(folder))]).splitlines()
    at = lines.index("# heading of the model")
    before = next(line for line in reversed(lines[:at]) if line.startswith("``````"))
    assert before == "``````text"
    assert "``````" in lines[at:]


@pytest.mark.parametrize(
    "settings",
    [
        {"task": "toy_ledger", "run": "a folder/r"},
        {
            "task": "my tasks/own.csv:answer=gold",
            "run": "r",
            "executor": "openai:a=b@http://localhost:8000/v1",
            "meta_agent": "openai:c",
            "turns": 4,
            "economy": True,
            "temperature": 0.8,
            "max_usd": 2.5,
            "prices": {"a=b": "1/2", "c": "0/0.5"},
        },
    ],
)
def test_the_command_makes_the_same_run(settings: dict[str, object]) -> None:
    config = SearchConfig.resolve(settings)
    app = typer.Typer()
    seen: list[SearchConfig] = []
    app.command()(takes(SearchConfig, "task")(seen.append))
    words = shlex.split(search_command(config))
    assert words[:2] == ["w4s", "search"]
    result = CliRunner().invoke(app, words[2:])
    assert result.exit_code == 0, result.output
    assert seen == [config]


def test_the_command_leaves_out_a_list_of_prices_but_for_its_models() -> None:
    prices = {"gpt-4o": "2.5/10", "grammar": "1/2"}
    settings = {"task": "toy_ledger", "run": "r", "prices": prices}
    command = search_command(SearchConfig.resolve(settings))
    assert command == "w4s search toy_ledger --run r --price grammar=1/2"
