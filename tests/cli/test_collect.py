"""`w4s collect` and `w4s dataset` as a user has them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from command_line import TASK, CommandLine, Done
from w4s.commands.collecting import Collection, read_collection
from w4s.tasks.registry import load_task
from w4s.training.collect import Collected
from w4s.training.dataset import read_examples

COLLECT = ("collect", TASK, "toy_dates", "--isolation", "batch", "--samples", "2")
SMALL = ("--private", "6", "--public", "2", "--episodes", "1")


def collected(w4s: CommandLine, *more: str, run: str = "c") -> tuple[Done, Collection]:
    done = w4s(*COLLECT, *SMALL, "--run", run, *more)
    assert done.returncode == 0, done.stderr
    return done, read_collection(w4s.folder / run)


@pytest.fixture(scope="module")
def w4s(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """One folder for all tests here, with a collection `c` in it."""
    w4s = CommandLine(tmp_path_factory.mktemp("collect"))
    collected(w4s)
    return w4s


def test_episodes_on_training_problems(w4s: CommandLine) -> None:
    collection = read_collection(w4s.folder / "c")
    assert {c.trajectory.task for c in collection.episodes} == {TASK, "toy_dates"}
    for one in collection.episodes:
        assert len(one.trajectory.turns) == 2
        training = {problem.id for problem in load_task(one.trajectory.task).training}
        for turn in one.trajectory.turns:
            assert len(turn.attempts) + len(turn.dropped) == 2
            for attempt in turn.attempts:
                assert {o.problem for o in attempt.evaluation.outcomes} <= training
                assert {o.problem for o in attempt.public.outcomes} <= training


def test_no_problem_of_a_search_enters_a_prompt(w4s: CommandLine) -> None:
    """The example of the task, too, is a training problem."""
    for one in read_collection(w4s.folder / "c").episodes:
        search = load_task(one.trajectory.task).search
        said = "\n".join(
            message.content
            for turn in one.trajectory.turns
            for attempt in turn.attempts
            for message in attempt.proposal.prompt
        )
        assert not any(p.question in said for p in (*search.private, *search.public))


def test_it_says_what_came_of_it(w4s: CommandLine) -> None:
    done, _ = collected(w4s)
    assert re.search(r"toy_dates +1 +\d", done.stdout)
    assert "w4s dataset c --out" in done.stdout
    assert "2 of 2 episodes" in done.stderr
    again, _ = collected(w4s, run="fresh")
    lines = [line for line in again.stderr.splitlines() if "mean reward" in line]
    assert len(lines) == 2
    assert "left; " in lines[0]


def test_a_finished_collection_goes_on_when_more_is_asked_for(w4s: CommandLine) -> None:
    before = read_collection(w4s.folder / "c").episodes
    collected(w4s, run="more")
    _, more = collected(w4s, "--episodes", "2", run="more")
    assert len(more.episodes) == 4
    first = {(c.trajectory.task, c.number): _replies(c) for c in more.episodes}
    assert all(first[c.trajectory.task, c.number] == _replies(c) for c in before)


def _replies(one: Collected) -> list[list[str]]:
    return [[a.proposal.reply for a in turn.attempts] for turn in one.trajectory.turns]


@pytest.mark.parametrize("reward", ["margin", "continuous", "advantage"])
def test_other_rewards(w4s: CommandLine, reward: str) -> None:
    """They change what an action earned, and nothing of what happened."""
    _, other = collected(w4s, "--reward", reward, "--noise", "0.3", run=reward)
    plain = {c.trajectory.task: c for c in read_collection(w4s.folder / "c").episodes}
    for one in other.episodes:
        assert _replies(one) == _replies(plain[one.trajectory.task])
    earned = [a.reward for c in other.episodes for t in c.trajectory.turns for a in t.attempts]
    if reward == "margin":
        assert set(earned) <= {0.0, 0.5, 1.0}
    else:
        assert any(r not in (0.0, 0.5, 1.0) for r in earned)


def test_other_settings_are_refused(w4s: CommandLine) -> None:
    done = w4s(*COLLECT, *SMALL, "--run", "c", "--seed", "5")
    assert done.returncode == 2
    assert "seed was 0, is 5" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_limit_ends_it_in_good_order(w4s: CommandLine) -> None:
    done = w4s(*COLLECT, *SMALL, "--run", "poor", "--max-calls", "30")
    assert done.returncode == 0
    assert "Ended at a limit: --max-calls 30" in done.stdout
    assert read_collection(w4s.folder / "poor").episodes == ()
    _, whole = collected(w4s, run="poor")
    assert len(whole.episodes) == 2


def test_a_data_set_of_several_runs(w4s: CommandLine) -> None:
    collected(w4s, "--seed", "3", run="other")
    done = w4s("dataset", "c", "other", "c", "--out", "set", "--temperature", "0.5")
    assert done.returncode == 0, done.stderr
    examples = list(read_examples(w4s.folder / "set" / "examples.jsonl"))
    assert len({e.trajectory for e in examples}) == 4, "a run that is named twice counts once"
    assert f"{len(examples)} of 4 episodes" in done.stdout
    assert "reward 0" in done.stdout
    assert "w4s train set --model" in done.stdout
    card = (w4s.folder / "set" / "README.md").read_text()
    assert "- `temperature`: 0.5" in card
    assert (w4s.folder / "set" / "rewards.svg").exists()


def test_the_data_set_library_reads_it(w4s: CommandLine) -> None:
    datasets = pytest.importorskip("datasets", reason="pip install 'w4s[data]'")
    w4s("dataset", "c", "--out", "read")
    path = w4s.folder / "read" / "examples.jsonl"
    rows = datasets.load_dataset(
        "json", data_files=str(path), split="train", cache_dir=str(w4s.folder / "cache")
    )
    assert len(rows) == len(path.read_text().splitlines())
    assert {"prompt", "reply", "weight", "reward"} <= set(rows.column_names)


def test_filters(w4s: CommandLine) -> None:
    words = ("--tasks", TASK, "--turns", "2", "--selection", "best", "--weighting", "one")
    done = w4s("dataset", "c", "--out", "few", *words)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(x) for x in (w4s.folder / "few" / "examples.jsonl").read_text().splitlines()]
    assert [(row["task"], row["turn"], row["weight"]) for row in rows] == [(TASK, 1, 1.0)]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("collect", "--run", "r"), "tasks is missing"),
        (("collect", TASK), "run is missing"),
        (("collect", "toy_ledgr", "--run", "r"), "did you mean 'toy_ledger'"),
        (("collect", TASK, TASK, "--run", "r"), "named twice; give --episodes"),
        (("collect", TASK, "--run", "r", "--private", "900"), "has 200 training problems"),
        (("collect", TASK, "--run", "r", "--reward", "high"), "reward=high"),
        (("collect", TASK, "--run", "r", "--meta-agent", "small:none"), "no checkpoint at none"),
        (("collect", TASK, "--run", "r", "--meta-agent", "local"), "write local:CHECKPOINT"),
        (("collect", TASK, "--run", "r", "--meta-agent", "local:c"), "holds no checkpoint"),
        (("search", TASK, "--run", "r", "--meta-agent", "small", "--method", "adas"), "small"),
        (("dataset", "--out", "s"), "which runs?"),
        (("dataset", "c"), "out is missing"),
        (("dataset", "none", "--out", "s"), "none holds no run"),
        (("dataset", "c", "--out", "s", "--selection", "bst"), "selection=bst"),
        (("dataset", "c", "--out", "s", "--tasks", "none"), "nothing to learn from"),
        (("train", "s", "--model", "c", "--run", "r"), "holds no checkpoint"),
        (("train", "s", "--model", "small:x", "--run", "r"), "no checkpoint at small:x"),
        (("train", "s", "--run", "r"), "model is missing"),
    ],
)
def test_one_clear_line(w4s: CommandLine, words: tuple[str, ...], says: str) -> None:
    done = w4s(*words)
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert not (w4s.folder / "r").exists()


def test_a_search_is_no_collection(w4s: CommandLine, tmp_path: Path) -> None:
    (w4s.folder / "searched").mkdir(exist_ok=True)
    (w4s.folder / "searched" / "config.toml").write_text('task = "toy_ledger"\nrun = "searched"\n')
    done = w4s("dataset", "searched", "--out", "s")
    assert done.returncode == 2
    assert "holds a search, not a collection" in done.stderr
