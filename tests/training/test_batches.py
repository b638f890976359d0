"""Steps, ranks and passes."""

import pytest

pytest.importorskip("torch")

from w4s.training.batches import Size, plan_steps
from w4s.training.optimiser import rate


def plan(sizes: list[Size], **changes: int) -> list[tuple[int, ...]]:
    settings = {"epochs": 1, "rows_per_step": 16, "tokens_per_pass": 100, "ranks": 1, "seed": 0}
    return [step.tries for step in plan_steps(sizes, **settings | changes)]


SIZES = [Size(10, 30 + n, 30.0 + n) for n in range(21)]


def test_every_trie_once_an_epoch() -> None:
    steps = plan_steps(SIZES, epochs=3, rows_per_step=16, tokens_per_pass=100, ranks=1, seed=0)
    for epoch in range(3):
        taken = [n for step in steps if step.epoch == epoch for n in step.tries]
        assert sorted(taken) == list(range(21))
    assert plan(SIZES) == plan(SIZES)
    assert plan(SIZES) != plan(SIZES, seed=1)


def test_steps_hold_enough_rows_and_a_small_rest_joins_the_last() -> None:
    rows = [len(tries) * 10 for tries in plan(SIZES)]
    assert min(rows) >= 10
    assert [len(tries) for tries in plan(SIZES[:5], rows_per_step=40)] == [5]


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_ranks_share_the_work_and_keep_step(ranks: int) -> None:
    for step in plan_steps(
        SIZES, epochs=1, rows_per_step=60, tokens_per_pass=100, ranks=ranks, seed=0
    ):
        assert sorted(n for share in step.passes for one in share for n in one) == sorted(
            step.tries
        )
        assert len({len(share) for share in step.passes}) == 1
        costs = [sum(SIZES[n].cost for one in share for n in one) for share in step.passes]
        assert max(costs) - min(costs) <= max(size.cost for size in SIZES)
        for share in step.passes:
            assert all(sum(SIZES[n].tokens for n in one) <= 100 for one in share)


def test_a_trie_larger_than_a_pass_has_its_own() -> None:
    step = plan_steps(
        [Size(1, 500, 500.0), Size(1, 10, 10.0)],
        epochs=1,
        rows_per_step=2,
        tokens_per_pass=100,
        ranks=1,
        seed=0,
    )[0]
    assert step.passes == (((0,), (1,)),)


def test_the_learning_rate_rises_and_falls() -> None:
    rates = [rate(step, 100, peak=1.0, warm_up=0.04) for step in range(100)]
    assert rates[:4] == [0.25, 0.5, 0.75, 1.0]
    assert rates[4] == 1.0
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert rates[-1] < 0.001
    assert rate(0, 1, peak=1.0, warm_up=0.0) == 1.0
