"""A user's own task: files that work, and one clear line for each that does not."""

from __future__ import annotations

import asyncio
import csv
import json
from pathlib import Path

import pytest

from w4s.errors import ConfigError
from w4s.sandbox.base import HostCall, Job, Result
from w4s.tasks.base import Sizes
from w4s.tasks.own_python import NEW_TASK_TEMPLATE
from w4s.tasks.registry import load_task


class NoSandbox:
    """Own tasks never run code."""

    async def run(self, job: Job, host: HostCall | None = None) -> Result:
        raise AssertionError("nothing to run")

    async def aclose(self) -> None: ...


def write_csv(folder: Path, rows: int = 20, name: str = "sums.csv") -> Path:
    path = folder / name
    lines = ["question,answer", *(f'"What is {i}, plus 1?",{i + 1}' for i in range(rows))]
    path.write_text("\n".join(lines))
    return path


def write_python(folder: Path, text: str) -> Path:
    """A task file beside `sums.csv`."""
    write_csv(folder)
    path = folder / "mine.py"
    path.write_text(text)
    return path


def test_a_csv_file_becomes_a_task(tmp_path: Path) -> None:
    task = load_task(f"{write_csv(tmp_path)}:scorer=number")
    assert task.name == "sums"
    assert task.family == "own"
    assert (len(task.search.private), len(task.search.public)) == (6, 2)
    assert (task.sealed.size, len(task.training)) == (8, 4)
    assert task.example in task.search.public
    score = asyncio.run(task.scorer(task.example, f"= {task.example_answer}.0", NoSandbox()))
    assert score.value == 1
    key = task.answer_keys(task.example)
    assert key is not None
    assert key.answer == task.example_answer


@pytest.mark.parametrize("digits", [30, 5000])
def test_an_answer_may_be_a_very_long_number(tmp_path: Path, digits: int) -> None:
    path = tmp_path / "long.csv"
    path.write_text("question,answer\n" + "\n".join(f"q{i} 7?,{i}{'1' * digits}" for i in range(9)))
    task = load_task(f"{path}:scorer=number")
    key = task.answer_keys(task.example)
    assert key is not None
    assert key.answer == task.example_answer
    assert key.answer not in key.slips


def test_a_cell_may_be_very_long(tmp_path: Path) -> None:
    path = tmp_path / "books.csv"
    book = "word " * 50_000
    path.write_text("question,answer\n" + "\n".join(f'"{i}? {book}",{i}' for i in range(5)))
    limit = csv.field_size_limit()
    assert book in load_task(str(path)).example.question
    assert csv.field_size_limit() == limit


def test_the_same_file_and_seed_give_the_same_task(tmp_path: Path) -> None:
    path = str(write_csv(tmp_path))
    assert load_task(path, seed=4).search == load_task(path, seed=4).search
    assert load_task(path, seed=4).search != load_task(path, seed=5).search
    before = load_task(path).variant
    Path(path).write_text(Path(path).read_text() + '\n"And 9?",9')
    assert load_task(path).variant != before


def test_a_file_may_begin_like_the_name_of_a_toy_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write_csv(tmp_path, name="toy_sums.csv").parent)
    assert load_task("toy_sums.csv").name == "toy_sums"


@pytest.mark.parametrize(
    ("name", "separator"), [("SUMS.CSV", ","), ("Sums.Tsv", "\t"), ("SUMS.JSONL", "")]
)
def test_a_suffix_may_be_in_capitals(tmp_path: Path, name: str, separator: str) -> None:
    cells = [(f"What is {i} plus 1?", str(i + 1)) for i in range(9)]
    lines = [separator.join(row) for row in (("question", "answer"), *cells)]
    if not separator:
        lines = [json.dumps({"question": question, "answer": answer}) for question, answer in cells]
    (tmp_path / name).write_text("\n".join(lines))
    assert load_task(str(tmp_path / name)).source == name
    task = load_task(f"{tmp_path / name}:scorer=number")
    assert task.metric == "share of answers whose last number is the gold number"


def test_a_python_file_and_its_data_may_be_in_capitals(tmp_path: Path) -> None:
    write_csv(tmp_path, name="SUMS.CSV")
    (tmp_path / "MINE.PY").write_text('DESCRIPTION = "Sums."\nDATA = "SUMS.CSV"\n')
    assert load_task(str(tmp_path / "MINE.PY")).name == "MINE"


def test_sizes_are_kept(tmp_path: Path) -> None:
    path = str(write_csv(tmp_path))
    task = load_task(path, sizes=Sizes(private=3, public=1, training=2, test=5))
    assert [len(task.search.private), len(task.search.public)] == [3, 1]
    assert [len(task.training), task.sealed.size] == [2, 5]
    with pytest.raises(ConfigError, match="20 rows: too few"):
        load_task(path, sizes=Sizes(test=19))


def test_jsonl_with_columns_of_other_names(tmp_path: Path) -> None:
    rows = [
        {"prompt": f"Capital {i}?", "gold": f"City{i}", "key": f"k{i}", "set": kind}
        for i, kind in enumerate(["train", "valid", "valid", "valid", "test", "test"])
    ]
    path = tmp_path / "capitals.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "about.md").write_text("Name the city.")
    about = tmp_path / "about.md"
    task = load_task(f"{path}:question=prompt,answer=gold,id=key,split=set,description={about}")
    assert task.description == "Name the city."
    assert {p.id for p in task.sealed.open()} == {"capitals/k4", "capitals/k5"}
    assert len(task.search.private) + len(task.search.public) == 3
    assert [p.id for p in task.training] == ["capitals/k0"]


def test_rows_with_the_same_question_stay_together(tmp_path: Path) -> None:
    path = tmp_path / "twice.csv"
    path.write_text("question,answer\n" + "\n".join(f"q{i // 2},a" for i in range(40)))
    task = load_task(str(path))
    test = {p.origin for p in task.sealed.open()}
    search = {p.origin for p in (*task.search.private, *task.search.public)}
    assert not test & search


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "question,answer\nq1,1\nq2\n", "a.csv line 3: 1 cells, but the header has 2"),
        ("a.csv", 'question,answer\n"q\n1",1\nq2,\n', "a.csv line 4: the column 'answer' is empty"),
        ("a.csv", "frage,answer\nq,1\n", "a.csv line 2: no column 'question'; there are 'frage'"),
        (
            "a.csv",
            "question;answer\nq;1\n",
            "line 1: only one column, 'question;answer'; cells must",
        ),
        ("a.tsv", "question,answer\nq,1\n", "must be parted by commas .or tabs in a .tsv"),
        ("a.csv", "question,question\nq,1\n", "line 1: every column needs a name"),
        ("a.csv", 'question,answer\n"q,1\nr,2\n', 'a.csv line 2: a quote .". is opened and not'),
        ("a.csv", "question,answer\n", "holds no rows"),
        ("a.csv", "question,answer\nq,1\nr,2\n", "has no public problems|too few"),
        ("a.jsonl", '{"question": "q", "answer": 1}\n{"question"', "a.jsonl line 2: not JSON"),
        (
            "a.jsonl",
            f'{{"question": "q", "answer": {"1" * 5000}}}',
            "a.jsonl line 1: a number has too many digits; write it as text, in quotes$",
        ),
        ("a.jsonl", "[1]", "a.jsonl line 1: a row must be a JSON object"),
        ("a.jsonl", '{"question": 5, "answer": 1}', "line 1: the question must be text"),
        ("a.jsonl", '{"question": "q", "answer": null}', "line 1: the column 'answer' is empty"),
        ("a.csv", "question,answer\n\udcff,1\n", "cannot read .*; save it as UTF-8"),
    ],
)
def test_bad_files_are_named_with_their_line(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError, match=message):
        load_task(str(path))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("scorer=numbr", "unknown scorer 'numbr'; there are exact, number, choice, contains"),
        ("scorer=choice", "sums.csv line 2: the gold answer '1' does not score 1"),
        ("scorr=number", "cannot read 'scorr=number'"),
        ("id=answer,split=answer", "is no set"),
        ("description=none.md", "cannot be read"),
    ],
)
def test_bad_settings(tmp_path: Path, settings: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_task(f"{write_csv(tmp_path)}:{settings}")


def test_marked_sets_may_not_share_an_origin(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("question,answer,split\nq,1,test\nr,1,valid\nq,1,valid\n")
    with pytest.raises(ConfigError, match="line 4: a private problem shares its origin"):
        load_task(f"{path}:split=split")


def test_a_python_file_with_a_scorer_of_its_own(tmp_path: Path) -> None:
    path = write_python(
        tmp_path,
        'DESCRIPTION = "Sums."\nDATA = "sums.csv"\n'
        "def score(answer, target):\n    return abs(float(answer) - float(target)) < 1\n",
    )
    task = load_task(str(path))
    assert task.name == "mine"
    assert asyncio.run(task.scorer(task.example, "x", NoSandbox())).reason.endswith("ValueError")
    assert asyncio.run(task.scorer(task.example, task.example_answer, NoSandbox())).value == 1


def test_an_edited_scorer_makes_another_task(tmp_path: Path) -> None:
    path = write_csv(tmp_path)
    scorer = tmp_path / "s.py"
    variants = []
    for value in (0, 1):
        scorer.write_text(f"def score(answer, target):\n    return {value}\n")
        variants.append(load_task(f"{path}:scorer={scorer}:score").variant)
    assert variants[0] != variants[1]


def test_a_python_file_with_rows(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        'DESCRIPTION = "Doubles."\nSCORER = "number"\nNAME = "doubles"\n'
        'def rows():\n    return ({"question": f"2*{i}?", "answer": 2 * i} for i in range(9))\n'
    )
    assert load_task(str(path)).search.public[0].id.startswith("doubles/")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def f(:\n", "mine.py: .*line 1"),
        ("\nboom()\n", "mine.py line 2: NameError: name 'boom'"),
        ('DATA = "sums.csv"\n', "needs DESCRIPTION"),
        ('DESCRIPTION = "x"\n', "needs DATA"),
        ('DESCRIPTION = "x"\nDATA = "gone.csv"\n', "there is no file .*gone.csv"),
        ('DESCRIPTION = "x"\ndef rows():\n    return [1]\n', "row 1: rows\\(\\) must return dicts"),
        ('DESCRIPTION = "x"\ndef rows():\n    return 1 / 0\n', "mine.py line 3: ZeroDivisionError"),
        ("def task(seed, sizes):\n    return 5\n", "must return a w4s.tasks.base.Task"),
        ('SCORRER = "number"\n', "mine.py: unknown setting 'SCORRER'; did you mean 'SCORER'"),
        ("SCORER = 7\n", "mine.py: SCORER must be a text, not 7"),
        ("NAME = 7\n", "mine.py: NAME must be a text, not 7"),
        ("score = 5\n", r"mine.py: score must be a function \(answer, target\)"),
        ("rows = [1]\n", r"mine.py: rows must be a function \(\)"),
        (
            'DESCRIPTION = "x"\ndef rows():\n    return 5\n',
            r"mine.py: rows\(\) must return a list of dicts, not 5",
        ),
        ("import sys\nsys.exit(3)\n", "mine.py line 2: SystemExit: 3 .put what the script does"),
        (
            'DESCRIPTION = "x"\ndef rows():\n    raise SystemExit(4)\n',
            "mine.py line 3: SystemExit: 4",
        ),
        (
            'DESCRIPTION = "x"\nDATA = "sums.csv"\ndef score(a, b):\n    raise SystemExit(5)\n',
            "the scorer 'score' raised SystemExit: 5 on the gold answer of sums.csv line 2",
        ),
        (
            'DESCRIPTION = "x"\nDATA = "sums.csv"\ndef score(answer, target):\n    return {}[0]\n',
            "the scorer 'score' raised KeyError.* on the gold answer of sums.csv line 2",
        ),
    ],
)
def test_bad_python_files(tmp_path: Path, text: str, message: str) -> None:
    path = write_python(tmp_path, text)
    with pytest.raises(ConfigError, match=message):
        load_task(str(path))


def test_a_scorer_that_exits_on_an_answer_ends_nothing(tmp_path: Path) -> None:
    path = write_python(
        tmp_path,
        'DESCRIPTION = "Sums."\nDATA = "sums.csv"\n'
        "import sys\ndef score(answer, target):\n    return answer == target or sys.exit(3)\n",
    )
    task = load_task(str(path))
    score = asyncio.run(task.scorer(task.example, "x", NoSandbox()))
    assert (score.value, score.reason) == (0, "the scorer 'score' raised SystemExit")


def test_a_python_file_may_have_constants_of_its_own(tmp_path: Path) -> None:
    path = write_python(
        tmp_path,
        'DESCRIPTION = "Sums."\nDATA = "sums.csv"\nDATE = "today"\nANSWERS = ["1"]\n'
        "SPLIT = None\nSCORER = None\n",
    )
    assert load_task(str(path)).metric == "share of answers that are exactly the gold text"


def test_the_template_is_a_working_task(tmp_path: Path) -> None:
    write_csv(tmp_path, name="questions.csv")
    path = tmp_path / "mytask.py"
    path.write_text(NEW_TASK_TEMPLATE.format(file=path))
    assert load_task(str(path)).metric == "share of answers whose last number is the gold number"
    assert len(NEW_TASK_TEMPLATE.splitlines()) <= 30


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        (Sizes(private=15, public=15, test=15), "has 10 public problems; 15 were asked for"),
        (Sizes(private=5, public=5, training=25, test=5), "has 20 training problems"),
    ],
)
def test_related_rows_never_leave_a_set_smaller_than_was_asked_for(
    tmp_path: Path, sizes: Sizes, message: str
) -> None:
    path = tmp_path / "families.csv"
    path.write_text("question,answer\n" + "\n".join(f"q{i // 10},a" for i in range(50)))
    with pytest.raises(ConfigError, match=message):
        load_task(str(path), sizes=sizes)
