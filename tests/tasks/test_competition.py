"""MATH and GPQA on rows of our own: their files come from the hub alone."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from w4s.errors import ConfigError
from w4s.sandbox.base import HostCall, Job, Result
from w4s.tasks import symbolic
from w4s.tasks.base import Sizes
from w4s.tasks.competition import normalised, score_math, stated
from w4s.tasks.registry import load_task
from w4s.types import Problem, Score


class NoSandbox:
    """Nothing is executed to score an expression."""

    async def run(self, job: Job, host: HostCall | None = None) -> Result:
        raise AssertionError("nothing to run")

    async def aclose(self) -> None: ...


def scored(gold: str, answer: str) -> Score:
    return asyncio.run(score_math(Problem("m", "m", "q", gold), answer, NoSandbox()))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (r"\dfrac{1}{2}", r"\frac{1}{2}"),
        (r"\frac12", r"\frac{1}{2}"),
        ("1/2", r"\frac{1}{2}"),
        ("-3/4", r"-\frac{3}{4}"),
        ("x = 5", "5"),
        ("10,080", "10080"),
        (r"\left( 1, 2 \right)", "(1,2)"),
        (r"90^\circ", "90"),
        (r"5\text{ cm}", "5"),
        (r"\text{Evelyn}", "Evelyn"),
        (r"\$36", "36"),
        (r"15\%", "15"),
        (".5", "0.5"),
        ("7.0", "7"),
        ("12.", "12"),
    ],
)
def test_two_spellings_of_one_expression(first: str, second: str) -> None:
    assert normalised(first) == normalised(second)


@pytest.mark.parametrize(("first", "second"), [("12", "13"), ("(1,2)", "(2,1)"), ("x^2", "x2")])
def test_other_expressions_stay_apart(first: str, second: str) -> None:
    assert normalised(first) != normalised(second)


def test_the_last_box_states_the_answer() -> None:
    assert stated(r"First \boxed{1}. Then $\boxed{\sqrt{2}}$.") == r"\sqrt{2}"
    assert stated(" $7$ ") == "7"


def test_string_equality_needs_no_symbols() -> None:
    score = scored(r"\frac{3}{4}", r"So \boxed{\dfrac{3}{4}}.")
    assert (score.value, score.upstream, score.reason) == (1, 1, "the same expression")
    assert scored("5", "  ").reason == "no answer"


def test_symbolic_equality_counts_for_us_and_not_for_the_string_rule() -> None:
    pytest.importorskip("math_verify")
    score = scored(r"2\sqrt{3}", r"\boxed{\sqrt{12}}")
    assert (score.value, score.upstream, score.reason) == (1, 0, "an equal expression")
    assert scored("5", "6").value == 0


@pytest.mark.long
def test_a_comparison_that_takes_too_long_is_cut_off(caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("math_verify")
    assert asyncio.run(symbolic.equal("5", "x" * 100_000)) is False

    async def main() -> list[bool | None]:
        return [await symbolic.equal("5", answer) for answer in ("9^{9^{9^{9}}}", "5.0")]

    assert asyncio.run(main()) == [None, True]
    # The worker that asyncio watches lives on: only a copy of it was killed.
    assert not caplog.records


def write(folder: Path, name: str, rows: list[dict[str, object]]) -> None:
    path = folder / name
    path.parent.mkdir(parents=True)
    path.write_text("\n".join(map(json.dumps, rows)))


def test_math_loads_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("math_verify")
    rows: list[dict[str, object]] = [
        {"problem": f"What is {i}+1?", "answer": str(i + 1), "level": 1 + i % 5} for i in range(500)
    ]
    write(tmp_path, "math/math500.jsonl", rows)
    monkeypatch.setenv("W4S_DATA", str(tmp_path))
    task = load_task("math", sizes=Sizes(private=20))
    assert (len(task.search.private), len(task.training), task.sealed.size) == (20, 100, 250)
    key = task.answer_keys(task.example)
    assert key is not None
    assert key.answer == task.example_answer
    assert key.slips


def test_math_without_math_verify_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'w4s\[math\]'"):
        load_task("math")


def gpqa_rows() -> list[dict[str, object]]:
    return [
        {
            "Question": f"Q{i}?",
            "Correct Answer": f"right {i}\n",
            **{f"Incorrect Answer {k}": f"wrong {i} {k}" for k in (1, 2, 3)},
        }
        for i in range(198)
    ]


def test_gpqa_options_are_shuffled_by_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "gpqa/gpqa_diamond.jsonl", gpqa_rows())
    monkeypatch.setenv("W4S_DATA", str(tmp_path))
    first, again, other = (load_task("gpqa", seed=seed) for seed in (0, 0, 1))
    assert first.search.private == again.search.private
    assert first.search.private != other.search.private
    letters = {problem.target for problem in first.sealed.open()}
    assert letters == {"A", "B", "C", "D"}
    for problem in first.sealed.open():
        [line] = [x for x in problem.question.splitlines() if x[3:].startswith("right")]
        assert line[0] == problem.target


def test_gpqa_paper_split_is_adas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "gpqa/gpqa_diamond.jsonl", gpqa_rows())
    monkeypatch.setenv("W4S_DATA", str(tmp_path))
    task = load_task("gpqa", split="paper")
    searched = {p.id for p in (*task.search.private, *task.search.public)}
    assert searched == {f"gpqa/{i}" for i in range(32)}
    assert {p.id for p in task.sealed.open()} == {f"gpqa/{i}" for i in range(32, 198)}
