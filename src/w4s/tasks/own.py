"""The user's own task, from rows of questions and answers.

In: a CSV or JSONL file (or rows from a Python file, see `own_python`), the names of its columns,
and a scorer. Out: a Task. Gold answers are scored here, at load time, so that a wrong column or
a scorer that raises is found before anything is spent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from w4s.errors import ConfigError
from w4s.models.answer_book import AnswerKey
from w4s.tasks.base import Sealed, SearchSet, Sizes, Task
from w4s.tasks.keys import text_key
from w4s.tasks.own_rows import Row, read_rows
from w4s.tasks.scorers import (
    JUDGES,
    Judge,
    Judged,
    UserFunction,
    check_user_function,
    natural,
    user_judge,
)
from w4s.tasks.splits import Sets, deal, shuffled
from w4s.types import JSON, Problem

_ANSWER_FORMATS = {
    "exact": "The answer must be exactly the expected text, without anything around it.",
    "number": "The answer must end with the number asked for.",
    "choice": "The answer must be the letter of the right option.",
    "contains": "The answer must contain the expected text.",
}

_METRICS = {
    "exact": "share of answers that are exactly the gold text",
    "number": "share of answers whose last number is the gold number",
    "choice": "share of answers with the right letter",
    "contains": "share of answers that contain the gold text",
}

_DIVISIONS = {
    True: "Rows with the same origin stay together; origins dealt by the seed: four tenths for the "
    "test (500 at most), three for validation (128 at most), one public (10 at most), the rest "
    "for training.",
    False: "As the split column says.",
}

_SET_NAMES = {
    "train": "training",
    "training": "training",
    "private": "private",
    "validation": "private",
    "valid": "private",
    "dev": "private",
    "public": "public",
    "test": "test",
}


@dataclass(frozen=True, slots=True)
class Options:
    """How to read a user's rows."""

    question: str = "question"
    """Column of the question."""
    answer: str = "answer"
    """Column of the gold answer."""
    id: str | None = None
    """Column of a unique id; without one the line names the problem."""
    split: str | None = None
    """Column that says `training`, `validation`, `public` or `test`; without one, rows are dealt
    by the seed."""
    origin: str | None = None
    """Column that is equal in related rows, which then never part between sets; without one,
    rows with the same question are related."""
    scorer: str | UserFunction = "exact"
    """`exact`, `number`, `choice`, `contains`, or a function of answer and target."""
    description: str = ""
    """What the meta-agent reads about the task."""


def load_own_file(path: Path, options: Options, seed: int = 0, sizes: Sizes | None = None) -> Task:
    """A task out of a CSV or JSONL file."""
    rows, sha256 = read_rows(path)
    return own_task(
        path.stem, rows, options, source=path.name, sha256=sha256, seed=seed, sizes=sizes
    )


def own_task(
    name: str,
    rows: Sequence[Row],
    options: Options,
    *,
    source: str,
    sha256: str,
    seed: int = 0,
    sizes: Sizes | None = None,
) -> Task:
    """A task out of rows; ConfigError for everything that is wrong with them."""
    problems = [_problem(name, row, options) for row in rows]
    _unique_ids(problems, rows)
    judge = _judge(problems, rows, options)
    if options.split is None:
        sets = deal(problems, _default_sizes(name, len(problems), sizes), seed)
    else:
        sets = _as_marked(name, problems, rows, options.split, seed)
    _all_filled(name, sets)
    sets = sets.sized(name, sizes)
    scorer_name = options.scorer if isinstance(options.scorer, str) else "own function"
    return Task(
        name=name,
        family="own",
        description=options.description.strip()
        or f"Answer the questions of {source}. {_ANSWER_FORMATS.get(scorer_name, '')}".strip(),
        example=sets.public[0],
        example_answer=natural(sets.public[0].target),
        metric=_METRICS.get(scorer_name, "mean of the task's own score"),
        scorer=Judged(judge),
        search=SearchSet(sets.private, sets.public),
        training=sets.training,
        sealed=Sealed(lambda: sets.test, len(sets.test)),
        source=source,
        rule=_ANSWER_FORMATS.get(scorer_name, "The task's own function decides."),
        division=_DIVISIONS[options.split is None],
        answer_keys=_keys(problems),
        variant={"seed": seed, "sha256": sha256, "scorer": _identity(options.scorer)},
    )


def _problem(name: str, row: Row, options: Options) -> Problem:
    question = row.value(options.question, "question")
    if not isinstance(question, str):
        raise ConfigError(f"{row.where}: the question must be text, not {question!r:.40}")
    number = row.number if options.id is None else row.value(options.id, "id")
    origin = question.strip() if options.origin is None else row.value(options.origin, "origin")
    return Problem(
        id=f"{name}/{number}",
        origin=f"{name}/{origin}",
        question=question,
        target=row.value(options.answer, "answer"),
    )


def _unique_ids(problems: Sequence[Problem], rows: Sequence[Row]) -> None:
    seen: dict[str, Row] = {}
    for problem, row in zip(problems, rows, strict=True):
        if problem.id in seen:
            first = seen[problem.id].where
            raise ConfigError(f"{row.where}: the id {problem.id!r} stands already in {first}")
        seen[problem.id] = row


def _judge(problems: Sequence[Problem], rows: Sequence[Row], options: Options) -> Judge:
    golds = [
        (natural(p.target), p.target, row.where) for p, row in zip(problems, rows, strict=True)
    ]
    if isinstance(options.scorer, str):
        return _named_judge(options.scorer, golds)
    name = f"the scorer {getattr(options.scorer, '__name__', 'function')!r}"
    check_user_function(options.scorer, name, golds)
    return user_judge(options.scorer, name)


def _named_judge(scorer: str, golds: Sequence[tuple[str, JSON, str]]) -> Judge:
    judge = JUDGES.get(scorer)
    if judge is None:
        raise ConfigError(
            f"unknown scorer {scorer!r}; there are {', '.join(JUDGES)}, "
            "and FILE.py:FUNCTION for one of your own"
        )
    for answer, target, where in golds:
        score = judge(target, answer)
        if score.value < 1:
            raise ConfigError(
                f"{where}: the gold answer {answer!r:.60} does not score 1 "
                f"with the scorer {scorer!r} ({score.reason})"
            )
    return judge


def _default_sizes(name: str, count: int, sizes: Sizes | None) -> Sizes:
    """Four tenths for the test, three for private validation, one public, the rest training."""
    asked = sizes or Sizes()
    test = min(500, max(1, round(0.4 * count))) if asked.test is None else asked.test
    private = min(128, max(1, round(0.3 * count))) if asked.private is None else asked.private
    public = min(10, max(1, round(0.1 * count))) if asked.public is None else asked.public
    if test + private + public + (asked.training or 0) > count:
        raise ConfigError(
            f"{name} has {count} rows: too few for {test} test, {private} validation, "
            f"{public} public and {asked.training or 0} training problems"
        )
    return Sizes(private=private, public=public, training=asked.training, test=test)


def _as_marked(
    name: str, problems: Sequence[Problem], rows: Sequence[Row], column: str, seed: int
) -> Sets:
    """Sets as the split column says; public problems come out of validation if none is marked."""
    sets: dict[str, list[Problem]] = {"private": [], "public": [], "training": [], "test": []}
    home: dict[str, tuple[str, Row]] = {}
    for problem, row in zip(problems, rows, strict=True):
        mark = str(row.value(column, "split")).strip().lower()
        if mark not in _SET_NAMES:
            raise ConfigError(
                f"{row.where}: {mark!r} is no set; write training, validation, public or test"
            )
        kind = _SET_NAMES[mark]
        first_kind, first_row = home.setdefault(problem.origin, (kind, row))
        if first_kind != kind:
            raise ConfigError(
                f"{row.where}: a {kind} problem shares its origin with {first_row.where} "
                f"({first_kind}); related rows must stand in one set"
            )
        sets[kind].append(problem)
    if not sets["public"] and len(sets["private"]) > 1:
        size = min(10, max(1, len(sets["private"]) // 5))
        divided = deal(sets["private"], Sizes(test=size), seed)
        sets["public"], sets["private"] = list(divided.test), list(divided.private)
    return Sets(**{kind: tuple(shuffled(found, seed)) for kind, found in sets.items()})


def _all_filled(name: str, sets: Sets) -> None:
    found = {"validation": sets.private, "public": sets.public, "test": sets.test}
    empty = [kind for kind, problems in found.items() if not problems]
    if empty:
        raise ConfigError(
            f"{name} has no {' and no '.join(empty)} problems; a task needs at least three rows "
            "with different questions"
        )


def _identity(scorer: str | UserFunction) -> str:
    """Its name, or of a user's own the checksum of its file: an edited one may judge otherwise."""
    if isinstance(scorer, str):
        return scorer
    code = getattr(scorer, "__code__", None)
    try:
        text = Path(code.co_filename).read_bytes() if code is not None else b""
    except OSError:  # typed into a console
        text = b""
    return f"own function {hashlib.sha256(text).hexdigest()[:16]}"


def _keys(problems: Sequence[Problem]) -> Callable[[Problem], AnswerKey | None]:
    known = frozenset(problem.id for problem in problems)

    def key(problem: Problem) -> AnswerKey | None:
        if problem.id not in known:
            return None
        return text_key(problem.question, natural(problem.target))

    return key
