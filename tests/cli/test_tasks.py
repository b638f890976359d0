"""`w4s tasks`: the list in any width, one task with its rules, headroom, confidential tasks."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest
from rich.console import Console

from command_line import TASK, CommandLine
from w4s.cli.tasks import list_tasks
from w4s.tasks.registry import task_names

FEW = ("--private", "8")


@pytest.mark.parametrize(("width", "licences"), [(80, False), (120, True)])
def test_the_list_names_every_task_whole(width: int, licences: bool) -> None:
    console = Console(file=io.StringIO(), width=width)
    list_tasks(console)
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert not any("…" in line for line in lines)
    first_words = [line.split()[0] for line in lines if line.strip()]
    assert [word for word in first_words if word in task_names()] == task_names()
    assert ("licence" in lines[1]) == licences
    gsm_hard = next(line for line in lines if line.split()[:1] == ["gsm_hard"])
    assert "128/10/491/500" in gsm_hard


def test_a_task_tells_its_rule_and_how_its_sets_were_made(
    w4s: CommandLine, confidential: dict[str, str]
) -> None:
    done = w4s("tasks", "gpqa", environ=confidential)
    assert done.returncode == 0, done.stderr
    text = " ".join(done.stdout.split())
    assert "scoring The letter (A to D) read out of the answer is the gold letter." in text
    assert "TIGER-AI-Lab/MMLU-Pro" in text
    assert "sets Diamond. Shuffled with seed 0: 32 validation" in text
    assert "note confidential: show no problem in public" in text
    assert "overlaps" not in text


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("toy_ledger", "scoring The number in the answer's last box, else its last number,"),
        ("toy_choice/3", "scoring The letter in `answer is (X)`"),
        ("toy_dates", "scoring Where a date is asked for, the last date of the answer"),
        ("toy_lists", "scoring 1 when the function gives the expected value"),
    ],
)
def test_a_toy_task_tells_them_too(w4s: CommandLine, name: str, rule: str) -> None:
    text = " ".join(w4s("tasks", name).stdout.split())
    assert rule in text
    assert "sets Made from the seed, as many as are asked for." in text


def test_the_paper_split_shows_what_its_sets_share(w4s: CommandLine) -> None:
    done = w4s("tasks", TASK, "--split", "paper")
    assert "none: no two of its sets share an origin" in done.stdout
    assert w4s("tasks", TASK, "--split", "papr").returncode == 2
    if "W4S_DATA" in os.environ:
        shared = w4s("tasks", "gsm_plus", "--split", "paper").stdout
        assert "overlaps    private and public share" in shared
        assert "training and test share 291 origins" in shared


@pytest.mark.long
def test_headroom_goes_on_where_a_limit_ended_it(w4s: CommandLine) -> None:
    with w4s.serving(TASK, *FEW) as server:
        words = ("tasks", TASK, "--headroom", "--executor", server.executor, *FEW)
        key = {"OPENAI_API_KEY": "none"}
        cut = w4s(*words, "--max-calls", "12", environ=key)
        assert cut.returncode == 0, cut.stderr
        assert "1 of 3 workflows are measured, so there is no verdict yet" in cut.stdout
        assert server.stats()["answered"] == 12
        whole = w4s(*words, environ=key)
        assert whole.returncode == 0, whole.stderr
        answered = server.stats()["answered"]
        again = w4s(*words, environ=key)
        assert server.stats()["answered"] == answered
    assert again.stdout == whole.stdout
    assert {line.split()[0] for line in whole.stdout.splitlines() if " to " in line} >= {
        "direct",
        "chain_of_thought",
        "self_consistency",
    }
    assert (w4s.folder / "runs" / f"headroom-{TASK}" / "replies.sqlite").exists()


def test_headroom_on_code_and_in_a_folder_of_ones_own(w4s: CommandLine) -> None:
    done = w4s("tasks", "toy_lists", "--headroom", "--run", "there", "private=3")
    assert done.returncode == 0, done.stderr
    assert "code_self_consistency" in done.stdout
    assert (w4s.folder / "there" / "config.toml").exists()
    assert not (w4s.folder / "runs").exists()
    refused = w4s("tasks", "toy_lists", "--headroom", "--run", "there", "private=4")
    assert refused.returncode == 2
    assert "private was 3, is 4" in refused.stderr


def test_headroom_needs_a_task(w4s: CommandLine) -> None:
    done = w4s("tasks", "--headroom")
    assert done.returncode == 2
    assert "which task? w4s tasks NAME --headroom" in done.stderr


# --- Confidential tasks --------------------------------------------------------------------


@pytest.fixture
def confidential(tmp_path: Path) -> dict[str, str]:
    """An environment with rows of our own in the form of GPQA's."""
    rows = [
        {
            "Question": f"Which of these is number {i}?",
            "Correct Answer": f"right {i}",
            **{f"Incorrect Answer {k}": f"wrong {i} {k}" for k in (1, 2, 3)},
        }
        for i in range(198)
    ]
    file = tmp_path / "data" / "gpqa" / "gpqa_diamond.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text("\n".join(map(json.dumps, rows)))
    return {"W4S_DATA": str(tmp_path / "data"), "W4S_CACHE": str(tmp_path / "cache")}


def quoting(folder: Path) -> list[Path]:
    """Files that hold a question of the confidential task."""
    return [p for p in folder.rglob("*") if p.is_file() and b"Which of these" in p.read_bytes()]


def test_runs_on_a_confidential_task_lie_in_the_cache_alone(
    w4s: CommandLine, confidential: dict[str, str]
) -> None:
    search = ("search", "gpqa", "--turns", "1", "--samples", "1", *FEW, "public=2", "test=4")
    refused = w4s(*search, "--run", "r", environ=confidential)
    assert refused.returncode == 2
    inside = f"{confidential['W4S_CACHE']}/runs/r"
    assert f"--run {inside}" in refused.stderr
    assert not (w4s.folder / "r").exists()
    before = set(quoting(w4s.folder))
    assert w4s(*search, "--run", inside, environ=confidential).returncode == 0
    assert w4s("test", inside, environ=confidential).returncode == 0
    headroom = w4s("tasks", "gpqa", "--headroom", "private=4", environ=confidential)
    assert headroom.returncode == 0, headroom.stderr
    cache = Path(confidential["W4S_CACHE"])
    assert (cache / "runs" / "headroom-gpqa").is_dir()
    quoted = set(quoting(w4s.folder)) - before
    assert quoted
    assert all(path.is_relative_to(cache) for path in quoted)


def test_a_folder_whose_name_has_a_space_is_quoted_where_it_is_to_be_typed(
    w4s: CommandLine, confidential: dict[str, str]
) -> None:
    refused = w4s("search", "gpqa", "--run", "my run", *FEW, "test=4", environ=confidential)
    assert f"--run '{confidential['W4S_CACHE']}/runs/my run'" in refused.stderr


def test_a_link_out_of_the_cache_is_no_way_out(
    w4s: CommandLine, confidential: dict[str, str]
) -> None:
    cache = Path(confidential["W4S_CACHE"])
    cache.mkdir()
    (w4s.folder / "outside").mkdir()
    (cache / "link").symlink_to(w4s.folder / "outside")
    words = ("tasks", "gpqa", "--headroom", "--run", f"{cache}/link/r")
    done = w4s(*words, environ=confidential)
    assert done.returncode == 2
    assert "confidential" in done.stderr
