"""`w4s compare` from a TOML file to a report, on a toy task and the simulated executor."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from command_line import CommandLine
from threaded import JsonHandler, served_by

FILE = """
tasks = ["toy_ledger"]
methods = ["w4s"]
baselines = ["direct"]
seeds = 1
each_calls = 110

[search]
private = 6
public = 2
test = 8

[contestants.thrifty]
method = "random"
economy = true
turns = 1
samples = 2
"""


def test_one_command_runs_resumes_and_reports(w4s: CommandLine) -> None:
    (w4s.folder / "small.toml").write_text(FILE)
    first = w4s("compare", "small.toml")
    assert first.returncode == 0, first.stderr
    assert "1 of 3: w4s on toy_ledger, seed 0" in first.stderr
    folder = w4s.folder / "runs" / "small"
    report = json.loads((folder / "comparison.json").read_text())
    assert report["contestants"] == ["w4s", "thrifty", "direct"]
    assert len(report["sealed_reads"]) == 3
    assert all(read[4].startswith("20") for read in report["sealed_reads"])
    for costs in report["costs"]:
        assert costs["search"]["calls"] <= 110
    for name in ("comparison.md", "comparison.tex", "comparison.html", "accuracy_by_cost.svg"):
        assert "thrifty" in (folder / name).read_text()

    # Other settings, another budget too, would pass the old numbers off as those of the new ones.
    for words, said in {
        ("search={private=9,public=2,test=8}",): "private was 6, is 9",
        ("each_calls=111",): "max_calls was 110, is 111",
    }.items():
        other = w4s("compare", "small.toml", *words)
        assert other.returncode == 2
        assert said in other.stderr
        assert "w4s compare FILE run=FOLDER" in other.stderr
    dry = w4s("compare", "small.toml", "each_calls=111", "--dry-run")
    assert dry.returncode == 2
    assert "max_calls was 110, is 111" in dry.stderr

    written = {path: path.read_bytes() for path in folder.rglob("tests.jsonl")}
    assert len(written) == 3
    again = w4s("compare", "small.toml")
    assert again.returncode == 0
    assert "of 3:" not in again.stderr
    assert again.stdout == first.stdout
    assert {path: path.read_bytes() for path in folder.rglob("tests.jsonl")} == written


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (['methods=["w5s"]'], "unknown method 'w5s'; did you mean 'w4s'?"),
        (['baselines=["directly"]'], "unknown baseline 'directly'; did you mean 'direct'?"),
        (["reference=adas"], "reference='adas' is no contestant"),
        (['tasks=["toy_leger"]'], "toy_ledger"),
        (["tasks=toy_ledger"], 'tasks: write a list, tasks = ["toy_ledger"]'),
        (["tasks=[]"], "which tasks? name at least one"),
        (["contestants={x={turnz=1}}"], "turnz"),
        (["contestants={x={test=4}}"], "contestant 'x' has a test of its own"),
        (['tasks=["toy_ledger","toy_ledger"]'], "toy_ledger is named twice; give seeds"),
        (['methods=["w4s","w4s"]'], "w4s is named twice; give seeds"),
        (['contestants={w4s={method="random"}}'], "contestant 'w4s' has the name of one of the"),
        (["contestants={direct={samples=2}}"], "or leave direct out of baselines"),
        (["search={seed=3}"], "[search] has a seed of its own"),
        (['search={task="toy_rates"}'], "take it out, and give tasks above the tables"),
        (['contestants={x={run="here"}}'], "contestant 'x' has a run of its own"),
        (["contestants={x={workflow=3}}"], "contestant 'x' has workflow=3, which is no name"),
        (['contestants={x={workflow="no_such.py"}}'], "no file and no baseline 'no_such.py'"),
        (["seeds=0"], "seeds=0"),
    ],
)
def test_what_cannot_be_compared_is_said_before_anything_runs(
    w4s: CommandLine, words: list[str], said: str
) -> None:
    (w4s.folder / "small.toml").write_text(FILE)
    done = w4s("compare", "small.toml", *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert not (w4s.folder / "runs").exists()


MINE = """
tasks = ["toy_ledger"]
methods = []
baselines = []
seeds = 1

[search]
private = 4
public = 2
test = 4

[contestants.mine]
workflow = "one/mine.py"
"""


def test_another_workflow_of_the_same_name_does_not_pass_for_the_one_that_was_measured(
    w4s: CommandLine,
) -> None:
    for folder in ("one", "two"):
        (w4s.folder / folder).mkdir()
        code = f"def solver(agent, task):\n    return {{'answer': '{folder}'}}\n"
        (w4s.folder / folder / "mine.py").write_text(code)
    (w4s.folder / "mine.toml").write_text(MINE)
    first = w4s("compare", "mine.toml")
    assert first.returncode == 0, first.stderr

    def refused(*words: str) -> None:
        done = w4s("compare", "mine.toml", *words)
        assert done.returncode == 2, done.stdout
        assert "mine on toy_ledger, seed 0 was run with another workflow mine" in done.stderr
        assert "w4s compare FILE run=FOLDER" in done.stderr

    refused('contestants={mine={workflow="two/mine.py"}}')
    file = w4s.folder / "one" / "mine.py"
    old = file.read_text()
    file.write_text(old.replace("one", "another"))
    refused()
    refused("--dry-run")
    assert w4s("compare", "mine.toml", "run=new").returncode == 0
    file.write_text(old)
    again = w4s("compare", "mine.toml")
    assert again.returncode == 0, again.stderr
    assert again.stdout == first.stdout


@pytest.mark.parametrize("checkpoint", ["made", "training/model"])
def test_a_checkpoint_that_was_trained_again_is_another_meta_agent(
    w4s: CommandLine, checkpoint: str
) -> None:
    folder = w4s.folder / checkpoint
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    weights = folder / "model.safetensors"
    weights.write_bytes(b"first")
    (w4s.folder / "mine.toml").write_text(MINE.partition("[contestants")[0])
    meta_agent = f'meta_agent="small:{checkpoint}"'
    compare = (
        *("compare", "mine.toml", 'baselines=["direct"]'),
        f"search={{private=4, public=2, test=4, {meta_agent}}}",
    )
    first = w4s(*compare)
    assert first.returncode == 0, first.stderr
    run = "runs/mine/toy_ledger/direct/seed0"

    weights.write_bytes(b"second")
    for words in (compare, (*compare, "--dry-run"), ("test", run, "--workflow", "self_refine")):
        other = w4s(*words)
        assert other.returncode == 2, other.stdout
        assert "weights: other ones). Put data and checkpoints back as they were" in other.stderr

    # Results can be looked at without it.
    shutil.rmtree(w4s.folder / checkpoint.partition("/")[0])
    assert w4s(*compare).stdout == first.stdout
    assert w4s("report", run).returncode == 0


def test_a_contest_that_was_begun_and_not_tested_is_left_to_do(w4s: CommandLine) -> None:
    (w4s.folder / "direct.toml").write_text(FILE.partition("[contestants")[0])
    words = ("compare", "direct.toml", "methods=[]")
    contest = w4s.folder / "runs" / "direct" / "toy_ledger" / "direct" / "seed0"
    contest.mkdir(parents=True)  # a machine that could not hold the sandbox leaves it empty
    assert "test direct" in w4s(*words, "--dry-run").stdout
    assert w4s(*words).returncode == 0
    assert "Nothing is left to do." in w4s(*words, "--dry-run").stdout
    tests = contest / "tests.jsonl"
    header, _, _ = tests.read_text().partition("\n")
    tests.write_text(f"{header}\n")
    assert "test direct" in w4s(*words, "--dry-run").stdout
    assert w4s(*words).returncode == 0


def test_a_budget_that_measures_nothing_is_named(w4s: CommandLine) -> None:
    (w4s.folder / "small.toml").write_text(FILE)
    done = w4s("compare", "small.toml", "each_calls=3")
    assert done.returncode == 2
    assert "w4s on toy_ledger, seed 0: the budget ended before" in done.stderr


@pytest.mark.parametrize("command", [("compare",), ("estimate", "compare")])
def test_a_missing_file_is_named(w4s: CommandLine, command: tuple[str, ...]) -> None:
    done = w4s(*command, "nowhere.toml")
    assert done.returncode == 2
    assert "no file nowhere.toml; w4s compare takes a TOML file" in done.stderr
    assert "--config" not in done.stderr


@pytest.mark.long
@pytest.mark.parametrize(
    ("budget", "field", "least"),
    [("each_usd=0.01", "usd", 0.007), ("each_tokens=40000", "tokens", 28_000)],
)
def test_a_budget_in_dollars_or_tokens_is_equal_for_all(
    w4s: CommandLine, budget: str, field: str, least: float
) -> None:
    (w4s.folder / "equal.toml").write_text(EQUAL)
    done = w4s("compare", "equal.toml", budget)
    assert done.returncode == 0, done.stderr
    report = json.loads((w4s.folder / "runs" / "equal" / "comparison.json").read_text())
    spent = {costs["contestant"]: costs["search"][field] for costs in report["costs"]}
    limit = float(budget.partition("=")[2])
    assert all(least <= amount <= limit for amount in spent.values()), spent
    assert any(costs["on_front"] for costs in report["costs"])


EQUAL = """
tasks = ["toy_ledger"]
methods = ["w4s", "random"]
baselines = []
seeds = 1

[search]
private = 4
public = 2
test = 4
isolation = "batch"
executor_tokens = 400
reply_tokens = 1000

[search.prices]
simulated = "0.15/0.60"
grammar = "0.05/0.10"
"""


class BothRoles(JsonHandler):
    """A model that writes workflows when it is asked for one, and else answers 7."""

    def answer(self, body: Any) -> tuple[int, dict[str, Any]]:
        designing = "designing agentic systems" in body["messages"][0]["content"]
        text = f"Seven.\n```python\n{SEVEN}```" if designing else '{"answer": "7"}'
        message = {"role": "assistant", "content": text}
        choices = [{"index": k, "message": message} for k in range(body.get("n", 1))]
        usage = {"prompt_tokens": 10, "completion_tokens": 5}
        return 200, {"choices": choices, "usage": usage}


SEVEN = "def solver(agent, task):\n    return {'answer': '7'}\n"


@pytest.mark.long
def test_the_weak_model_alone_and_a_model_as_its_own_meta_agent(w4s: CommandLine) -> None:
    with served_by(BothRoles) as url:
        model = f"openai:weak@{url}"
        (w4s.folder / "arms.toml").write_text(
            f"""
            tasks = ["toy_ledger"]
            methods = []
            baselines = ["direct"]
            seeds = 1
            [search]
            private = 4
            public = 2
            test = 4
            turns = 1
            samples = 1
            [contestants.weak-for-strong]
            meta_agent = "{model}"
            [contestants.weak-alone]
            executor = "{model}"
            workflow = "direct"
            [contestants.for-itself]
            executor = "{model}"
            meta_agent = "{model}"
            """
        )
        done = w4s("compare", "arms.toml")
    assert done.returncode == 0, done.stderr
    folder = w4s.folder / "runs" / "arms"
    report = json.loads((folder / "comparison.json").read_text())
    assert report["contestants"] == ["weak-for-strong", "weak-alone", "for-itself", "direct"]
    costs = {each["contestant"]: each for each in report["costs"]}
    assert costs["weak-alone"]["use"]["tokens"] == 15
    assert costs["weak-alone"]["search"]["calls"] == 0
    for name in ("weak-for-strong", "for-itself"):
        turns = (folder / "toy_ledger" / name / "seed0" / "turns.jsonl").read_text()
        assert json.dumps(SEVEN)[1:-1] in turns


@pytest.mark.long
def test_a_small_meta_agent_is_a_contestant_like_any_other(w4s: CommandLine) -> None:
    pytest.importorskip("transformers", reason="needs the extra `train`")
    (w4s.folder / "small.toml").write_text(
        """
        tasks = ["toy_ledger"]
        methods = []
        baselines = ["direct"]
        seeds = 1
        [search]
        private = 4
        public = 2
        test = 4
        turns = 1
        samples = 2
        [contestants.w4s-small]
        meta_agent = "small"
        [contestants.random-small]
        meta_agent = "small"
        method = "random"
        """
    )
    done = w4s("compare", "small.toml")
    assert done.returncode == 0, done.stderr
    folder = w4s.folder / "runs" / "small" / "toy_ledger"
    for name in ("w4s-small", "random-small"):
        [turn] = (folder / name / "seed0" / "turns.jsonl").read_text().splitlines()[1:]
        assert "def solver" in turn


@pytest.mark.long
def test_several_at_a_time_come_to_the_same(w4s: CommandLine) -> None:
    (w4s.folder / "small.toml").write_text(FILE)
    one = w4s("compare", "small.toml", "run=one")
    two = w4s("compare", "small.toml", "run=two", "jobs=2")
    assert "3 of 3 done" in two.stderr
    reports = [
        json.loads((w4s.folder / name / "comparison.json").read_text()) for name in ("one", "two")
    ]
    assert one.returncode == two.returncode == 0
    assert reports[0]["rows"] == reports[1]["rows"]
    assert reports[0]["by_task"] == reports[1]["by_task"]
