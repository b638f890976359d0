"""Every benchmark on upstream's files, where they are at hand: rows, sets, golds, answer keys."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from w4s.models.answer_book import AnswerKey
from w4s.tasks import data
from w4s.tasks.base import Interface, Sizes, Task
from w4s.tasks.choice import letter_judge
from w4s.tasks.competition import normalised, stated
from w4s.tasks.gsm_hard import judge as judge_gsm_hard
from w4s.tasks.mathematics import LANGUAGES, judge_gsm_plus, judge_number_string
from w4s.tasks.reading import judge_f1
from w4s.tasks.registry import BENCHMARKS, load_task
from w4s.tasks.scorers import Judged
from w4s.tasks.splits import overlaps
from w4s.types import JSON, Problem, Score

Judge = Callable[[JSON, str], Score]

AT_HAND = [
    "gsm8k", "gsm_hard", "gsm_plus", "svamp", "mgsm", "drop", "mmlu_pro", "humaneval", "mbpp",
]  # fmt: skip
"""The benchmarks whose files may lie in W4S_DATA; MATH and GPQA come from the hub only."""
ANSWERED = [name for name in AT_HAND if BENCHMARKS[name].about.interface is Interface.ANSWER]

JUDGES: dict[str, tuple[Judge, JSON]] = {
    "gsm_hard": (judge_gsm_hard, -9867630.0),
    "string rule": (judge_number_string, "2125"),
    "gsm_plus": (judge_gsm_plus, "1/4"),
    "gsm_plus none": (judge_gsm_plus, "None"),
    "drop": (judge_f1, ["4034", "three of the dogs"]),
    "letter": (letter_judge("ABCDEFGHIJ"), "C"),
}


@cache
def loaded(name: str, split: str = "default") -> Task:
    return load_task(name, split=split)


def every_problem(task: Task) -> list[Problem]:
    return [*task.search.private, *task.search.public, *task.training, *task.sealed.open()]


def judge_of(task: Task) -> Judge:
    assert isinstance(task.scorer, Judged)
    return task.scorer.judge


def key_of(task: Task, problem: Problem) -> AnswerKey:
    key = task.answer_keys(problem)
    assert key is not None
    return key


@pytest.mark.usefixtures("benchmark_data")
@pytest.mark.parametrize("name", AT_HAND)
def test_row_counts_are_upstreams(name: str) -> None:
    about = BENCHMARKS[name].about
    count = 0
    for file_name in about.files:
        file = data.load(file_name)
        if ".tsv" in file_name:
            count += len(file.text.splitlines())
        else:
            count += len(file.document() if ".json." in file_name else file.records())
    assert count == about.rows


@pytest.mark.usefixtures("benchmark_data")
@pytest.mark.parametrize("name", AT_HAND)
def test_sets_are_filled_and_disjoint(name: str) -> None:
    task = loaded(name)
    assert overlaps([task]) == []
    assert task.search.private
    assert task.sealed.size == len(task.sealed.open()) > 0
    assert task.example in task.search.public
    found = (len(task.search.private), len(task.search.public), len(task.training))
    assert Sizes(*found, task.sealed.size) == BENCHMARKS[name].about.sizes
    problems = every_problem(task)
    assert len({problem.id for problem in problems}) == len(problems)
    assert task.description
    assert task.licence


@pytest.mark.usefixtures("benchmark_data")
def test_no_benchmark_trains_or_searches_on_what_another_tests() -> None:
    assert overlaps([loaded(name) for name in AT_HAND]) == []


@pytest.mark.usefixtures("benchmark_data")
def test_published_splits_overlap_and_the_overlap_is_reported() -> None:
    found = overlaps([loaded("gsm8k", "paper"), loaded("mgsm", "paper")])
    pairs = {(overlap.first, overlap.second): len(overlap.origins) for overlap in found}
    assert pairs["gsm8k test", "mgsm training"] > 50
    assert pairs["mgsm training", "mgsm test"] > 200


@pytest.mark.usefixtures("benchmark_data")
@pytest.mark.parametrize("name", ANSWERED)
def test_every_gold_answer_scores_1_and_the_slips_score_less(name: str) -> None:
    task = loaded(name)
    hold_golds(task, [*task.search.private, *task.search.public, *task.sealed.open()])


@pytest.mark.long
@pytest.mark.usefixtures("benchmark_data")
@pytest.mark.parametrize("name", ANSWERED)
def test_every_gold_answer_of_the_training_set_scores_1(name: str) -> None:
    hold_golds(loaded(name), loaded(name).training)


def hold_golds(task: Task, problems: Sequence[Problem]) -> None:
    judge = judge_of(task)
    for problem in problems:
        key = key_of(task, problem)
        assert judge(problem.target, key.answer).value == 1, problem.id
        if key.slips:
            assert judge(problem.target, key.slips[0]).value < 1, problem.id


@pytest.mark.usefixtures("benchmark_data")
@pytest.mark.parametrize("name", ANSWERED)
def test_a_wrong_answer_scores_0_and_its_reason_keeps_the_target(name: str) -> None:
    task = loaded(name)
    judge = judge_of(task)
    for problem in every_problem(task)[:500]:
        score = judge(problem.target, "zzz qqq")
        assert score.value == 0
        assert score.reason


@pytest.mark.usefixtures("benchmark_data")
@pytest.mark.parametrize("name", AT_HAND)
def test_every_answer_key_fits_its_problem(name: str) -> None:
    task = loaded(name)
    for problem in (*task.search.private, *task.search.public):
        key = key_of(task, problem)
        assert key.question == problem.question
        assert 0 <= key.load <= 1
        assert key.steps >= 1
        assert key.slips or key.broken


@pytest.mark.usefixtures("benchmark_data")
@pytest.mark.parametrize("name", ["gsm_plus", "svamp", "mbpp"])
def test_the_same_seed_gives_the_same_task_and_slices_are_kept(name: str) -> None:
    sizes = Sizes(private=5, public=3, training=4, test=6)
    first, second = (load_task(name, seed=7, sizes=sizes) for _ in range(2))
    assert first.search == second.search
    assert first.sealed.open() == second.sealed.open()
    assert (len(first.search.private), len(first.search.public)) == (5, 3)
    assert (len(first.training), first.sealed.size) == (4, 6)
    assert load_task(name, seed=8, sizes=sizes).search.public != first.search.public
    assert load_task(name, seed=8, sizes=sizes).search.private == first.search.private


# --- Published splits, worked out again without the code under test -----------------------


def lines(path: Path) -> list[str]:
    return gzip.decompress(path.read_bytes()).decode().rstrip("\n").split("\n")


def shuffled(rows: Sequence[str]) -> list[str]:
    copy = list(rows)
    random.Random(0).shuffle(copy)
    return copy


def test_adas_splits_of_gsm8k_mgsm_and_drop(benchmark_data: Path) -> None:
    gsm8k = [json.loads(x)["question"] for x in lines(benchmark_data / "gsm8k/test.jsonl.gz")]
    mgsm = [
        line.split("\t")[0].strip()
        for language in LANGUAGES
        for line in lines(benchmark_data / f"mgsm/mgsm_{language}.tsv.gz")
    ]
    drop = [json.loads(x)["context"] for x in lines(benchmark_data / "drop/drop_v0_dev.jsonl.gz")]
    for name, rows in [("gsm8k", gsm8k), ("mgsm", mgsm), ("drop", drop[1:-1])]:
        task, order = loaded(name, "paper"), shuffled(rows)
        assert [p.question for p in task.search.private] == order[:128]
        assert [p.question for p in task.sealed.open()] == order[128:928]


@pytest.mark.parametrize(("name", "sizes"), [("humaneval", (33, 131)), ("mbpp", (86, 341))])
def test_w4s_splits_of_the_code_tasks(
    benchmark_data: Path, name: str, sizes: tuple[int, int]
) -> None:
    ids = json.loads((benchmark_data / name / "split_w4s.json").read_text())
    task = loaded(name, "paper")
    validation = {p.id for p in (*task.search.private, *task.search.public)}
    assert validation == {f"{name}/{str(i).rpartition('/')[2]}" for i in ids["validate"]}
    assert [p.id for p in task.sealed.open()] == [
        f"{name}/{str(i).rpartition('/')[2]}" for i in ids["test"]
    ]
    assert (len(validation), task.sealed.size) == sizes


# --- Known faults of the data -------------------------------------------------------------


@pytest.mark.usefixtures("benchmark_data")
def test_golds_with_thousands_commas_are_whole() -> None:
    golds = [str(p.target) for p in every_problem(loaded("gsm8k"))]
    assert not any("," in gold for gold in golds)
    assert "2125" in [str(p.target) for p in every_problem(loaded("gsm8k", "paper"))] + golds


@pytest.mark.usefixtures("benchmark_data")
def test_the_row_whose_letter_and_index_disagree_goes_by_its_letter() -> None:
    found = [p for p in every_problem(loaded("mmlu_pro")) if p.id == "mmlu_pro/3983"]
    assert all(problem.target == "C" for problem in found)


@pytest.mark.usefixtures("benchmark_data")
def test_every_language_has_its_rows() -> None:
    languages = {p.id.split("/")[1] for p in every_problem(loaded("mgsm"))}
    assert languages == set(LANGUAGES)


# --- Rules --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "value"),
    [("2125", 1), ("2,125", 1), ("2125.00", 1), ("2125.", 1), ("$2125", 0), (" 2125", 0), ("", 0)],
)
def test_the_string_rule(answer: str, value: float) -> None:
    assert judge_number_string("2125", answer).value == value


def test_the_string_rule_says_when_a_forgiving_one_would_pass() -> None:
    assert "stands in the text" in judge_number_string("18", "It is $18.").reason
    assert "stands in the text" not in judge_number_string("18", "It is $19.").reason


@pytest.mark.parametrize(
    ("target", "answer", "value"),
    [
        ("1/4", "0.25", 1),
        ("1/4", "#### 1/4, checked in 3 ways", 1),
        ("4.33", "so 4.33 inches", 1),
        ("4.33", "4.34", 0),
        ("18", "no idea", 0),
        ("None", "None", 1),
        ("None", "The question does not specify the price.", 1),
        ("None", "I can\N{RIGHT SINGLE QUOTATION MARK}t determine the price.", 1),
        ("None", "We cannot determine it", 1),
        ("None", "18", 0),
    ],
)
def test_gsm_plus(target: str, answer: str, value: float) -> None:
    assert judge_gsm_plus(target, answer).value == value


@pytest.mark.parametrize(
    ("references", "answer", "value"),
    [
        (["4034"], "4,034", 1),
        (["4034"], "4034.0", 1),
        (["The Packers"], "packers!", 1),
        (["10 yards"], "yards", 0),
        (["10 yards"], "10", 0.67),
        (["Tom Brady"], "Brady", 0.67),
        (["Pakistanis and Filipinos"], "Filipinos and Pakistanis", 1),
        (["Pakistanis and Filipinos"], "Filipinos", 0.5),
        (["8", "7"], "7", 1),
        (["24-year-old"], "24 year old", 1),
        (["x"], "", 0),
    ],
)
def test_drop_f1(references: list[str], answer: str, value: float) -> None:
    assert judge_f1(list(references), answer).value == value


def test_letters_beyond_the_options_are_not_read() -> None:
    assert letter_judge("ABCD")("D", "E, no: D").value == 1


@pytest.mark.parametrize("name", sorted(JUDGES))
@settings(max_examples=60)
@given(
    answer=st.text()
    | st.text("0123456789.,/-+eE %$#\\{}boxedfracNaInf \n\u0660\u0967\u200f", max_size=120)
    | st.floats().map(str)
)
def test_no_text_makes_a_scorer_raise(name: str, answer: str) -> None:
    judge, target = JUDGES[name]
    score = judge(target, answer)
    assert 0 <= score.value <= 1
    assert len(score.extracted) <= 200
    normalised(stated(answer))


@pytest.mark.parametrize("name", sorted(JUDGES))
@pytest.mark.parametrize("piece", ["9", "1,", "a", "-", "(", "\\boxed{", "\N{BENGALI DIGIT FIVE}"])
def test_huge_answers_are_scored_too(name: str, piece: str) -> None:
    judge, target = JUDGES[name]
    assert judge(target, piece * (100_000 // len(piece))).value in (0, 1)


def test_scorers_are_awaited_without_a_sandbox() -> None:
    problem = Problem("a", "a", "q", "C")
    score = asyncio.run(Judged(letter_judge("ABCD"))(problem, "(C)", None))  # type: ignore[arg-type]
    assert score.value == 1


def test_the_documentation_names_every_benchmark_with_its_sets_and_files() -> None:
    page = (Path(__file__).parents[2] / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    rows = [line.replace(",", "") for line in page.splitlines() if line.startswith("| `")]
    for name, benchmark in BENCHMARKS.items():
        sizes = benchmark.about.sizes
        [row] = [r for r in rows if r.startswith(f"| `{name}` | {sizes.private} |")]
        assert f"| {sizes.training} | {sizes.test} |" in row
        if name != "mgsm":
            assert all(f"`{file}`" in page for file in benchmark.about.files)
