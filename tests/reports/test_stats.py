"""The interval agrees with scipy's, and covers as often as it says."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest  # type: ignore[import-untyped]

from w4s.reports.stats import Interval, wilson


@given(st.integers(1, 5000), st.data(), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_agrees_with_scipy(count: int, data: st.DataObject, confidence: float) -> None:
    successes = data.draw(st.integers(0, count))
    ours = wilson(successes, count, confidence)
    theirs = binomtest(successes, count).proportion_ci(confidence, method="wilson")
    assert ours.low == pytest.approx(theirs.low, abs=1e-9)
    assert ours.high == pytest.approx(theirs.high, abs=1e-9)


def test_without_problems_nothing_is_known() -> None:
    assert wilson(0, 0) == Interval(0.0, 1.0)


def test_partial_scores_lie_between_whole_ones() -> None:
    assert wilson(3, 10).low < wilson(3.5, 10).low < wilson(4, 10).low


@pytest.mark.parametrize(("successes", "count"), [(-1, 3), (4, 3), (float("nan"), 3)])
def test_impossible_counts_are_refused(successes: float, count: int) -> None:
    with pytest.raises(ValueError, match="successes in 3 trials"):
        wilson(successes, count)


def test_covers_the_truth_as_often_as_it_says() -> None:
    rng = random.Random(0)
    truth, count, rounds = 0.7, 60, 2000
    covered = 0
    for _ in range(rounds):
        interval = wilson(sum(rng.random() < truth for _ in range(count)), count)
        covered += interval.low <= truth <= interval.high
    assert covered / rounds == pytest.approx(0.95, abs=0.02)
