"""`w4s collect` and `w4s dataset` as a user has them."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from command_line import TASK, CommandLine, Done
from w4s.commands.collecting import read_collection
from w4s.tasks.registry import load_task
from w4s.training.collect import Collected
from w4s.training.dataset import read_examples

COLLECT = ("collect", TASK, "toy_dates", "--samples", "2", "--episodes", "1")
SMALL = ("--private", "4", "--public", "1", "--isolation", "batch")


def collected(w4s: CommandLine, *words: str) -> Done:
    done = w4s(*words, *SMALL)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def w4s(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """One folder for all tests here."""
    return CommandLine(tmp_path_factory.mktemp("collect"))


@pytest.fixture(scope="module", autouse=True)
def first(w4s: CommandLine) -> Done:
    """A collection, `c`."""
    return collected(w4s, *COLLECT, "--run", "c")


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


def test_it_says_what_came_of_it(w4s: CommandLine, first: Done) -> None:
    assert re.search(r"toy_dates +1 +\d", first.stdout)
    assert "w4s dataset c --out" in first.stdout
    lines = [line for line in first.stderr.splitlines() if "mean reward" in line]
    assert len(lines) == 2
    assert "1 of 2 episodes, about" in lines[0]


def test_a_finished_collection_goes_on_when_more_is_asked_for(w4s: CommandLine) -> None:
    shutil.copytree(w4s.folder / "c", w4s.folder / "more")
    done = collected(w4s, *COLLECT, "--episodes", "2", "--run", "more")
    assert "going on behind 2 of 4 episodes" in done.stderr
    before, after = (read_collection(w4s.folder / run).episodes for run in ("c", "more"))
    assert after[: len(before)] == before
    assert len(after) == 4
    merged = w4s("dataset", "c", "more", "c", "--out", "merged", "--temperature", "0.5")
    assert merged.returncode == 0, merged.stderr
    examples = list(read_examples(w4s.folder / "merged" / "examples.jsonl"))
    assert len({e.trajectory for e in examples}) == 4, "an episode counts once"
    assert f"{len(examples)} of 4 episodes" in merged.stdout
    assert "reward 0" in merged.stdout
    assert "w4s train merged --model" in merged.stdout
    assert "- `temperature`: 0.5" in (w4s.folder / "merged" / "README.md").read_text()
    assert (w4s.folder / "merged" / "rewards.svg").exists()


def test_episodes_beyond_those_asked_for_are_told_as_such(w4s: CommandLine) -> None:
    some = (TASK, "--samples", "1", "--turns", "1", "--run", "beyond")
    collected(w4s, "collect", *some, "--episodes", "3")
    fewer = collected(w4s, "collect", *some, "--episodes", "1")
    assert "3 episodes are here already, 2 beyond the 1 asked for" in fewer.stderr
    assert "beyond: 3 episodes, more than the 1 asked for" in fewer.stdout
    assert "3 of 1" not in fewer.stdout + fewer.stderr
    assert len(read_collection(w4s.folder / "beyond").episodes) == 3


def test_an_episode_that_is_missing_among_them_is_played(w4s: CommandLine) -> None:
    some = (TASK, "--samples", "1", "--turns", "1", "--run", "gap")
    collected(w4s, "collect", *some, "--episodes", "3", "--side-by-side", "1")
    journal = w4s.folder / "gap" / "episodes.jsonl"
    header, _, *rest = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join([header, *rest]))
    again = collected(w4s, "collect", *some, "--episodes", "2")
    assert "2 episodes are here already, 1 beyond the 2 asked for" in again.stderr
    assert "2 of 2 episodes, about" in again.stderr
    assert len(read_collection(w4s.folder / "gap").episodes) == 3


def test_folders_whose_names_have_a_space_are_quoted_where_they_are_to_be_typed(
    w4s: CommandLine,
) -> None:
    shutil.copytree(w4s.folder / "c", w4s.folder / "my episodes")
    again = collected(w4s, *COLLECT, "--run", "my episodes")
    assert "w4s dataset 'my episodes' --out" in again.stdout
    made = w4s("dataset", "my episodes", "--out", "my data")
    assert "w4s train 'my data' --model" in made.stdout


def test_equal_settings_give_the_same_data_set_in_whatever_order_episodes_end(
    w4s: CommandLine,
) -> None:
    for run, words in (("abreast", ()), ("in_turn", ("--side-by-side", "1"))):
        collected(w4s, *COLLECT, "--episodes", "2", "--run", run, *words)
        assert w4s("dataset", run, "--out", f"{run}_data").returncode == 0
    abreast, in_turn = (
        (w4s.folder / f"{run}_data" / "examples.jsonl").read_bytes()
        for run in ("abreast", "in_turn")
    )
    assert abreast == in_turn


def test_what_is_clearly_above_its_task_can_be_learned_from_alone(w4s: CommandLine) -> None:
    plain = w4s("dataset", "c", "--out", "plain")
    few = w4s("dataset", "c", "--out", "top", "--reward", "task_advantage", "--reward-above", "0.5")
    assert few.returncode == 0, few.stderr
    found = list(read_examples(w4s.folder / "top" / "examples.jsonl"))
    assert found
    assert all(0.5 < e.reward <= 2 for e in found)
    assert len(found) < len(list(read_examples(w4s.folder / "plain" / "examples.jsonl")))
    assert "weight on rewards of 0 and less   0%" in re.sub(" +", lambda m: m[0][:3], few.stdout)
    assert "Much of the weight imitates" in plain.stdout
    assert "Much of the weight imitates" not in few.stdout


def test_another_reward_changes_what_was_earned_alone(w4s: CommandLine) -> None:
    collected(w4s, *COLLECT, "--run", "advantage", "--reward", "advantage")
    plain = {c.trajectory.task: c for c in read_collection(w4s.folder / "c").episodes}
    other = read_collection(w4s.folder / "advantage").episodes
    for one in other:
        assert _replies(one) == _replies(plain[one.trajectory.task])
    turns = [turn for one in other for turn in one.trajectory.turns]
    for turn in turns:
        assert sum(a.reward for a in turn.attempts) == pytest.approx(0.0, abs=1e-9)
    assert any(a.reward > 0 for turn in turns for a in turn.attempts)


def _replies(one: Collected) -> list[list[str]]:
    return [[a.proposal.reply for a in turn.attempts] for turn in one.trajectory.turns]


def test_other_settings_are_refused(w4s: CommandLine) -> None:
    done = w4s(*COLLECT, *SMALL, "--run", "c", "--seed", "5")
    assert done.returncode == 2
    assert "seed was 0, is 5" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_limit_ends_it_in_good_order(w4s: CommandLine) -> None:
    done = collected(w4s, *COLLECT, "--run", "poor", "--max-calls", "10")
    assert "Ended at a limit: --max-calls 10" in done.stdout
    assert read_collection(w4s.folder / "poor").episodes == ()


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
        (("collect", "--run", "r"), "which tasks? w4s collect TASK… --run FOLDER"),
        (("collect", TASK), "where to? add --run FOLDER"),
        (("collect", "toy_ledgr", "--run", "r"), "did you mean 'toy_ledger'"),
        (("collect", TASK, TASK, "--run", "r"), "named twice; give --episodes"),
        (("collect", TASK, "--run", "r", "--private", "900"), "has 200 training problems"),
        (("collect", TASK, "--run", "r", "--reward", "high"), "reward=high"),
        (("collect", TASK, "--run", "r", "--meta-agent", "small:none"), "no checkpoint at none"),
        (("collect", TASK, "--run", "r", "--meta-agent", "local"), "write local:CHECKPOINT"),
        (("collect", TASK, "--run", "r", "--meta-agent", "local:c"), "holds no checkpoint"),
        (("search", TASK, "--run", "r", "--meta-agent", "small", "--method", "adas"), "small"),
        (("dataset", "--out", "s"), "which runs? w4s dataset RUN… --out FOLDER"),
        (("dataset", "c"), "where to? add --out FOLDER"),
        (("dataset", "none", "--out", "s"), "none holds no run"),
        (("dataset", "c", "--out", "s", "--selection", "bst"), "selection=bst"),
        (("dataset", "c", "--out", "s", "--tasks", "toy_ledgr"), "did you mean 'toy_ledger'"),
        (("dataset", "c", "--out", "s", "--turns", "0"), "greater than or equal to 1"),
        (("dataset", "c", "--out", "s", "--turns", "3"), "the longest has 2"),
        (("dataset", "c", "--out", "s", "--reward-above", "5"), "nothing to learn from"),
        (("dataset", "c", "--out", "s", "--max-tokens", "9"), "add --model CHECKPOINT"),
        (("dataset", "c", "--out", "s", "--replay", "0.3"), "leave out --replay"),
        (("dataset", "c", "--out", "c/config.toml"), "name another --out FOLDER"),
        (("dataset", "c", "--out", "c/config.toml/s"), "name another --out FOLDER"),
        (("train", "s", "--model", "c", "--run", "r"), "holds no checkpoint"),
        (("train", "s", "--model", "small:x", "--run", "r"), "no checkpoint at small:x"),
        (
            ("train", "nosuch", "--model", "small", "--run", "r"),
            "no data set at nosuch: No such file or directory; w4s dataset makes one",
        ),
        (("train", "s", "--run", "r"), "which model? add --model CHECKPOINT"),
        (("train", "--model", "c", "--run", "r"), "which data set? w4s train FOLDER --model"),
    ],
)
def test_one_clear_line(w4s: CommandLine, words: tuple[str, ...], says: str) -> None:
    done = w4s(*words)
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert not (w4s.folder / "r").exists()


def test_a_data_set_replaces_nobody_elses_card(w4s: CommandLine) -> None:
    (w4s.folder / "project").mkdir()
    (w4s.folder / "project" / "README.md").write_text("mine")
    done = w4s("dataset", "c", "--out", "project")
    assert done.returncode == 2
    assert "project holds a README.md of its own" in done.stderr
    assert [path.name for path in (w4s.folder / "project").iterdir()] == ["README.md"]
    assert w4s("dataset", "c", "--out", "own").returncode == 0
    assert w4s("dataset", "c", "--out", "own").returncode == 0, "it replaces its own"


def test_a_search_is_no_collection(w4s: CommandLine, tmp_path: Path) -> None:
    (w4s.folder / "searched").mkdir(exist_ok=True)
    (w4s.folder / "searched" / "config.toml").write_text('task = "toy_ledger"\nrun = "searched"\n')
    done = w4s("dataset", "searched", "--out", "s")
    assert done.returncode == 2
    assert "holds a search, not a collection" in done.stderr
