"""Calls follow from a method's structure."""

from __future__ import annotations

from typing import Any

import pytest

from w4s.estimates.rates import Rate, Rates
from w4s.estimates.span import Span
from w4s.estimates.work import SearchSize, Work, repeated, search_work
from w4s.methods import PUBLISHED
from w4s.reports.run import Role
from w4s.tasks.base import Interface

ONE = Span.exactly(1.0)
EVERYTHING_ONCE = Rates({}, Rate(ONE, ONE, ONE), ONE, ONE, Span.exactly(0.0), ONE, "made up")
"""Every solver call makes one call, everything runs, nothing is repaired."""


def work(method: str, **more: int) -> Work:
    settings: dict[str, Any] = {
        "turns": 4,
        "samples": 3,
        "trials": 1,
        "private": 20,
        "public": 5,
    } | more
    examples = PUBLISHED[method].examples(Interface.ANSWER)
    return search_work(SearchSize(method, **settings, examples=examples), EVERYTHING_ONCE)


def calls(work: Work, role: Role) -> float:
    return sum(part.calls.likely for part in work.parts if part.role is role)


@pytest.mark.parametrize(
    ("method", "executor", "meta_agent"),
    [
        # examples on 25 problems, then 12 candidates on one and on 25
        ("w4s", 3 * 25 + 12 * 26, 4),
        ("random", 3 * 25 + 12 * 26, 4),
        # one draft a turn for all, two reflections for each
        ("adas", 7 * 25 + 12 * 26, 4 + 24),
    ],
)
def test_a_search_asks_as_often_as_its_method_says(
    method: str, executor: int, meta_agent: int
) -> None:
    planned = work(method)
    assert calls(planned, Role.EXECUTOR) == pytest.approx(executor)
    assert calls(planned, Role.META_AGENT) == pytest.approx(meta_agent)


def test_trials_and_finalists_are_measured_too() -> None:
    more = calls(work("w4s", trials=2, finalists=3), Role.EXECUTOR)
    assert more == pytest.approx(3 * 45 + 12 * 46 + 3 * 20)


def test_aflow_may_end_before_its_last_turn() -> None:
    part = next(p for p in work("aflow", turns=20, samples=1).parts if p.name == "candidates")
    assert part.calls.low == pytest.approx(6 * 25)
    assert part.calls.high == pytest.approx(20 * 25)


def test_gepa_scores_as_many_answers_as_turns_have() -> None:
    scored = next(p for p in work("gepa", samples=1).parts if p.name == "scored answers")
    assert scored.calls.ordered.holds(4 * 20)


def test_episodes_side_by_side_take_turns() -> None:
    one = work("w4s")
    many = repeated(one, 10, side_by_side=4)
    assert calls(many, Role.EXECUTOR) == pytest.approx(10 * calls(one, Role.EXECUTOR))
    assert many.stages[0].times.likely == pytest.approx(3)
    assert many.stages[0].solver_calls.likely == pytest.approx(
        4 * one.stages[0].solver_calls.likely
    )
