"""Racing stops what cannot win, and seldom what the whole validation set would have chosen."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from scipy.stats import binom  # type: ignore[import-untyped]

from w4s.racing import Race, Racing

Scores = np.ndarray


def scores(random: np.random.Generator, accuracies: list[float], problems: int) -> Scores:
    """Right or wrong, with difficulties that the candidates share."""
    shared = 0.8 * random.normal(0, 1, problems)
    rows = [shared + 0.6 * random.normal(0, 1, problems) for _ in accuracies]
    cuts = [NormalDist().inv_cdf(accuracy) for accuracy in accuracies]
    return np.array([row < cut for row, cut in zip(rows, cuts, strict=True)], dtype=float)


def run(table: Scores, racing: Racing) -> tuple[list[int], float]:
    """Who is left at the end, and the share of all scores that were needed."""
    race, used = Race(racing, *table.shape), 0
    for block in racing.blocks(table.shape[1]):
        used += len(block) * len(race.running)
        race.block([table[c, list(block)].tolist() for c in race.running])
    return race.running, used / table.size


@pytest.mark.parametrize("problems", [40, 128])
@pytest.mark.parametrize(
    "accuracies",
    [[0.7] * 5, [0.72, 0.7, 0.7, 0.7, 0.65], [0.8, 0.75, 0.7, 0.65, 0.6], [0.6, 0.58]],
    ids=["equal", "close", "steps", "pair"],
)
def test_a_clear_winner_is_stopped_no_more_often_than_stated(
    accuracies: list[float], problems: int
) -> None:
    random, racing, rounds, errors = np.random.default_rng(0), Racing(), 60, 0
    for _ in range(rounds):
        table = scores(random, accuracies, problems)
        ended = table.mean(axis=1)
        errors += ended.max() - ended[run(table, racing)[0]].max() >= racing.margin
    assert errors <= binom.ppf(0.99, rounds, racing.error)


@pytest.mark.parametrize("error", [0.05, 0.2])
@pytest.mark.parametrize("margin", [0.0, 0.04])
def test_who_ends_just_so_far_ahead_is_stopped_no_more_often_than_stated(
    error: float, margin: float
) -> None:
    random, rounds, stopped = np.random.default_rng(1), 300, 0
    lead = int(100 * margin)
    ordered = np.array([[1] * 30 + [0] * (30 + lead) + [1] * 40, [0] * 30 + [1] * (70 + lead)])
    for _ in range(rounds):
        table = random.permutation(ordered[:, : 100 + lead].astype(float), axis=1)
        stopped += 1 not in run(table, Racing(error=error, margin=margin))[0]
    assert stopped <= binom.ppf(0.99, rounds, error)


def test_what_falls_far_behind_costs_little() -> None:
    random = np.random.default_rng(2)
    used = [run(scores(random, [0.9, 0.3, 0.3, 0.3, 0.3], 128), Racing())[1] for _ in range(10)]
    assert np.mean(used) < 0.45


def test_equal_programs_are_parted_only_for_a_margin() -> None:
    row = np.random.default_rng(3).integers(0, 2, 64).astype(float)
    table = np.array([row, row, row])
    assert run(table, Racing(margin=0.0)) == ([0, 1, 2], 1.0)
    running, used = run(table, Racing(margin=0.05))
    assert running == [0]
    assert used < 0.8


def test_who_cannot_catch_up_even_with_luck_is_stopped() -> None:
    table = np.array([[1.0] * 6 + [0.0] * 2, [0.0] * 6 + [1.0] * 2])
    assert run(table, Racing(error=1e-12))[0] == [0]


def test_what_is_unscored_says_nothing() -> None:
    row = np.ones(40)
    patchy = row.copy()
    patchy[::3] = np.nan
    assert run(np.array([row, patchy]), Racing(margin=0.0))[0] == [0, 1]


def test_one_candidate_races_alone_and_none_is_no_trouble() -> None:
    assert run(np.ones((1, 10)), Racing()) == ([0], 1.0)
    Race(Racing(), 0, 10).block([])


def test_blocks_cover_each_problem_once() -> None:
    for count in (1, 5, 8, 37, 128):
        assert [i for block in Racing(looks=8).blocks(count) for i in block] == list(range(count))


def test_unscored_problems_are_no_chances_left_to_catch_up() -> None:
    lost = [np.nan] * 4
    table = np.array([[*lost, 1.0, 1.0, 1.0, 0.0], [*lost, 0.0, 0.0, 0.0, 1.0]])
    assert run(table, Racing(error=1e-12))[0] == [0]


@pytest.mark.parametrize("error", [0.05, 0.2])
def test_a_candidate_is_stopped_once_the_bets_have_won_one_over_the_error(error: float) -> None:
    stakes = np.array([0.1, 0.2, 0.3, 0.45, 0.6, 0.8])
    problems, lost, fortunes = 200, 0, np.ones(6)
    race = Race(Racing(error=error, margin=0.0), 2, problems)
    while fortunes.mean() < 1 / error:
        assert race.running == [0, 1]
        needed = -lost / (problems - lost)
        fortunes *= 1 + stakes / (1 + needed) * (1 - needed)
        lost += 1
        race.block([[1.0], [0.0]])
    assert race.running == [0]
