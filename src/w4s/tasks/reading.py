"""Questions on a passage: DROP.

In: the public development set as openai/simple-evals converts it. Out: a Task scored by token F1.
References with several spans are flat in that file (`Pakistanis and Filipinos`), so a reference
is always one bag of tokens, as simple-evals scores it.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from w4s.models.answer_book import AnswerKey
from w4s.tasks import data
from w4s.tasks.about import About, Drawn, Row, assemble, keyed
from w4s.tasks.answers import read_number
from w4s.tasks.base import Sizes, Task
from w4s.tasks.keys import reading_key
from w4s.tasks.scorers import SHOWN, Judged
from w4s.tasks.splits import deal, drawn, pooled, shuffled
from w4s.types import JSON, Problem, Score

DROP = About(
    name="drop",
    family="reading",
    description="Answer a question about a passage (football reports, history, census figures). "
    "The answer is a number, a date, or one or several spans copied from the passage; it often "
    "needs counting, comparing, adding or subtracting facts of the passage. The answer must be "
    "that number, date or span alone, as short as possible; several spans are joined by ` and `.",
    metric="token F1",
    rule="F1 of normalised tokens (lower case, no articles, no punctuation, numbers by value) "
    "against the best reference, 0 when the reference has numbers and the answer shares none; "
    "rounded to hundredths. Rule of drop_eval.py in allenai/allennlp-reading-comprehension, as "
    "openai/simple-evals applies it.",
    sets="Passages dealt with seed 0, so that no passage is in two sets: 800 test, 128 "
    "validation, 200 public, the rest for training. Paper: ADAS's, the first and last row "
    "dropped, shuffled with seed 0, 128 validation, 800 test.",
    licence="CC BY-SA 4.0 (data); conversion MIT",
    source="drop_v0_dev.jsonl of openai/simple-evals, from ucinlp/drop",
    files=("drop/drop_v0_dev.jsonl.gz",),
    rows=9536,
    sizes=Sizes(private=128, public=10, training=8349, test=800),
)

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def load_drop(seed: int = 0, sizes: Sizes | None = None, split: str = "default") -> Task:
    file = data.load(DROP.files[0])
    rows = file.records()
    passages: dict[str, int] = {}
    problems = [_problem(file, i, row, passages) for i, row in enumerate(rows)]
    if split == "paper":
        pools = pooled(shuffled(problems[1:-1], 0), private=128, test=800, public=200)
    else:
        pools = deal(problems, Sizes(private=128, public=200, test=800), seed=0)
    return assemble(
        DROP,
        drawn(DROP.name, pools, sizes, seed),
        Judged(judge_f1),
        keyed(problems, rows, _key),
        Drawn(split, seed, sizes, (file.sha256,)),
        answer=_first_reference,
    )


def judge_f1(target: JSON, answer: str) -> Score:
    """Best F1 over the references, by the rule in `DROP`."""
    predicted = _tokens(answer)
    references = [str(r) for r in target] if isinstance(target, Sequence) else []
    best = max((_f1(predicted, _gold_tokens(r)) for r in references if r.strip()), default=0.0)
    value = round(best, 2)
    extracted = " ".join(answer.split())[:SHOWN]
    if value == 1:
        return Score(1.0, extracted, "same tokens")
    return Score(value, extracted, f"F1 {value:.2f}" if value else "nothing in common")


def _f1(predicted: frozenset[str], gold: frozenset[str]) -> float:
    numbers = {token for token in gold if _is_number(token)}
    if numbers and not numbers & predicted:
        return 0.0
    shared = len(gold & predicted)
    precision = shared / len(predicted) if predicted else 1.0
    recall = shared / len(gold) if gold else 1.0
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _tokens(text: str) -> frozenset[str]:
    parts = (_normal(token) for token in re.split(" |-", text))
    return frozenset(word for part in parts for word in part.split())


@lru_cache(maxsize=20_000)
def _gold_tokens(text: str) -> frozenset[str]:
    return _tokens(text)


def _normal(token: str) -> str:
    token = token.lower()
    if not _is_number(token):
        token = token.translate(_NO_PUNCTUATION)
    if _is_number(token):
        token = str(float(token))
    return _ARTICLES.sub(" ", token)


def _is_number(token: str) -> bool:
    try:
        float(token)
    except ValueError:
        return False
    return True


def _problem(file: data.DataFile, row_number: int, row: Row, passages: dict[str, int]) -> Problem:
    context = file.field(row, "context", str, row_number)
    passage = context.partition("\nQuestion:")[0]
    origin = passages.setdefault(passage, row_number)
    references = file.field(row, "ref_text", str, row_number).split("|")
    return Problem(
        id=f"drop/{row_number}",
        origin=f"drop/passage/{origin}",
        question=context,
        target=references,
    )


def _first_reference(problem: Problem) -> str:
    assert isinstance(problem.target, Sequence)
    return str(problem.target[0])


def _key(problem: Problem, row: Row) -> AnswerKey:
    answer = _first_reference(problem)
    passage = problem.question.partition("\nQuestion:")[0]
    key = reading_key(problem.question, passage, answer, numeric=read_number(answer) is not None)
    wrong = (slip for slip in key.slips if judge_f1(problem.target, slip).value < 1)
    return replace(key, slips=tuple(wrong))
