"""The scorers that every task may use, and a user's own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from w4s.errors import ConfigError
from w4s.tasks.scorers import JUDGES, check_user_function, natural, number_within, user_judge
from w4s.types import JSON, Score


@pytest.mark.parametrize(
    ("scorer", "target", "answer", "value"),
    [
        ("exact", "Paris", " Paris\n", 1),
        ("exact", "Paris", "paris", 0),
        ("exact", 5, "5", 1),
        ("exact", True, "true", 1),
        ("number", "1,000", "It is $1000.00", 1),
        ("number", 0.5, "1/2", 1),
        ("number", "7", "seven", 0),
        ("choice", "c", "The answer is (C).", 1),
        ("choice", "C", "D", 0),
        ("choice", "C", "", 0),
        ("contains", "Blue Whale", "the blue whale, I think", 1),
        ("contains", "whale", "a shark", 0),
    ],
)
def test_named_scorers(scorer: str, target: JSON, answer: str, value: float) -> None:
    score = JUDGES[scorer](target, answer)
    assert score.value == value
    assert score.reason


def test_a_tolerance_is_absolute() -> None:
    judge = number_within(0.1)
    assert judge(100.0, "100.1").value == 1
    assert judge(100.0, "100.11").value == 0


@given(st.sampled_from(sorted(JUDGES)), st.text(), st.text())
def test_named_scorers_never_raise(scorer: str, target: str, answer: str) -> None:
    assert JUDGES[scorer](target, answer).value in (0, 1)


@pytest.mark.parametrize("scorer", sorted(JUDGES))
def test_reasons_do_not_tell_the_target(scorer: str) -> None:
    score = JUDGES[scorer]("8675309", "wrong")
    assert "8675309" not in score.reason + score.extracted


@pytest.mark.parametrize(("target", "text"), [("a", "a"), (2.50, "2.5"), (7, "7"), ([1], "[1]")])
def test_natural_form(target: JSON, text: str) -> None:
    assert natural(target) == text


def test_a_users_function_may_return_bool_number_or_score() -> None:
    assert user_judge(lambda answer, target: answer == target, "f")("a", "a").value == 1
    assert user_judge(lambda answer, target: 0.25, "f")("a", "a").value == 0.25
    own = Score(1.0, "x", "because")
    assert user_judge(lambda answer, target: own, "f")("a", "a") is own


def test_a_users_function_that_raises_scores_nothing_and_is_named() -> None:
    def strict(answer: str, target: JSON) -> float:
        return float(int(answer) == target)

    score = user_judge(strict, "strict")(5, "five")
    assert score.value == 0
    assert score.reason == "strict raised ValueError"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (2, "returned 2"),
        (-1, "returned -1"),
        (None, "returned None"),
        (float("nan"), "nan"),
        (Score(80.0), "returned Score"),
    ],
)
def test_a_users_function_that_returns_no_score_is_found_on_the_gold_answers(
    value: object, message: str
) -> None:
    with pytest.raises(ConfigError, match=f"f raised TypeError: .*{message}.* facts.csv line 2"):
        check_user_function(lambda answer, target: value, "f", [("a", "a", "facts.csv line 2")])


def test_an_async_scorer_is_refused() -> None:
    async def late(answer: str, target: JSON) -> float:
        return 1.0

    with pytest.raises(ConfigError, match="async"):
        check_user_function(late, "late", [])
