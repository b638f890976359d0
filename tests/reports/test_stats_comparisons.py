"""The tests and intervals of comparisons agree with scipy's, and err as often as they say."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats  # type: ignore[import-untyped]

from w4s.reports.stats import (
    bootstrap,
    clustered,
    crossed,
    holm,
    mcnemar,
    minimum_detectable_difference,
    paired_bootstrap,
    t_tail,
)

RIGHT_OR_WRONG = [1.0] * 70 + [0.0] * 30
PARTIAL = np.random.default_rng(1).beta(2, 1, 200)


@pytest.mark.parametrize("scores", [np.array(RIGHT_OR_WRONG), PARTIAL])
def test_bootstrap_agrees_with_scipy(scores: np.ndarray) -> None:
    ours = bootstrap(scores)
    theirs = scipy_stats.bootstrap(
        (scores,), np.mean, method="percentile", n_resamples=20_000, rng=np.random.default_rng(2)
    ).confidence_interval
    assert ours.low == pytest.approx(theirs.low, abs=0.004)
    assert ours.high == pytest.approx(theirs.high, abs=0.004)


@pytest.mark.parametrize("partial", [False, True])
def test_bootstrap_of_a_thousand_outcomes_takes_less_than_half_a_second(partial: bool) -> None:
    random = np.random.default_rng(0)
    scores = random.random(1000) if partial else (random.random(1000) < 0.7).astype(float)
    seconds = []
    for _ in range(3):
        start = time.process_time()
        bootstrap(scores, resamples=100_000)
        seconds.append(time.process_time() - start)
    assert min(seconds) < (1.0 if partial else 0.5)


def test_bootstrap_is_the_same_for_the_same_seed() -> None:
    assert bootstrap(PARTIAL, seed=3) == bootstrap(PARTIAL, seed=3) != bootstrap(PARTIAL, seed=4)


@given(st.integers(0, 400), st.integers(0, 400))
def test_mcnemar_is_the_exact_binomial_test(first: int, second: int) -> None:
    expected = scipy_stats.binomtest(first, first + second).pvalue if first + second else 1.0
    assert mcnemar(first, second) == pytest.approx(expected, rel=1e-9, abs=1e-15)


def test_paired_bootstrap_sees_what_unpaired_would_miss() -> None:
    random = np.random.default_rng(5)
    base = random.random(300)
    better = base + 0.02 + random.normal(0, 0.05, 300)
    difference = paired_bootstrap(better, base)
    assert 0 < difference.low < difference.value < difference.high
    assert difference.p < 0.001
    assert scipy_stats.ttest_ind(better, base).pvalue > 0.1


def test_paired_bootstrap_of_equal_scores_finds_nothing() -> None:
    difference = paired_bootstrap(RIGHT_OR_WRONG, RIGHT_OR_WRONG)
    assert (difference.value, difference.low, difference.high, difference.p) == (0, 0, 0, 1)


def test_scores_that_are_no_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="no pairs"):
        paired_bootstrap([1.0], [1.0, 0.0])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_steps_down(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    order = np.argsort(p_values, kind="stable")
    count = len(p_values)
    stepped = np.maximum.accumulate([(count - i) * p_values[k] for i, k in enumerate(order)])
    assert [adjusted[k] for k in order] == pytest.approx(np.minimum(1, stepped))


def test_holm_on_a_textbook_example() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(st.floats(-40, 40), st.integers(1, 1000))
@settings(max_examples=300)
def test_students_t_agrees_with_scipy(t: float, freedom: int) -> None:
    assert t_tail(t, freedom) == pytest.approx(2 * scipy_stats.t.sf(abs(t), freedom), abs=1e-9)


def test_clusters_of_one_are_the_t_test() -> None:
    scores = np.random.default_rng(7).normal(0.3, 1, 40)
    theirs = scipy_stats.ttest_1samp(scores, 0)
    ours = clustered(scores, range(40))
    assert ours.p == pytest.approx(theirs.pvalue)
    assert ours.low == pytest.approx(theirs.confidence_interval().low)


def test_repeating_a_trial_adds_no_certainty() -> None:
    scores = np.random.default_rng(8).normal(0.3, 1, 40)
    once = clustered(scores, range(40))
    thrice = clustered(np.repeat(scores, 3), np.repeat(np.arange(40), 3))
    assert (thrice.low, thrice.high, thrice.p) == pytest.approx((once.low, once.high, once.p))


def test_one_seed_is_the_t_test_over_problems() -> None:
    scores = np.random.default_rng(9).normal(0.1, 1, 60)
    theirs = scipy_stats.ttest_1samp(scores, 0)
    ours = crossed(scores[None, :])
    assert ours.p == pytest.approx(theirs.pvalue)
    assert ours.high == pytest.approx(theirs.confidence_interval().high)


def test_unscored_problems_are_left_out() -> None:
    table = np.array([[1.0, 0.0, math.nan, 1.0], [0.0, math.nan, 1.0, 1.0]])
    assert crossed(table).value == pytest.approx(np.nanmean(table))


@pytest.mark.parametrize("seed_spread", [0.0, 0.1])
def test_methods_that_are_the_same_seldom_come_out_different(seed_spread: float) -> None:
    random = np.random.default_rng(10)
    rounds, different = 2000, 0
    for _ in range(rounds):
        noise = random.normal(0, 0.4, (5, 100)) + random.normal(0, 0.2, (1, 100))
        table = noise + random.normal(0, seed_spread, (5, 1))
        different += crossed(table).p < 0.05
    assert different <= scipy_stats.binom.ppf(0.99, rounds, 0.05)


def test_the_minimum_detectable_difference_is_found_as_often_as_it_says() -> None:
    random = np.random.default_rng(11)
    count, disagree = 400, 0.2
    difference = minimum_detectable_difference(count, math.sqrt(disagree), power=0.8)
    wins, losses = (disagree + difference) / 2, (disagree - difference) / 2
    found = 0
    for _ in range(1000):
        only_first, only_second, _ = random.multinomial(count, [wins, losses, 1 - disagree])
        found += mcnemar(int(only_first), int(only_second)) < 0.05
    assert found / 1000 == pytest.approx(0.8, abs=0.05)


def test_a_seed_that_lacks_some_problems_is_not_thought_different_for_that() -> None:
    random = np.random.default_rng(12)
    hard = np.concatenate([np.zeros(60), np.full(60, -0.6)])
    table = hard + random.normal(0, 0.2, (4, 120))
    patchy = table.copy()
    patchy[3, 60:] = math.nan
    whole, lacking = crossed(table), crossed(patchy)
    assert lacking.high - lacking.low == pytest.approx(whole.high - whole.low, rel=0.15)
