"""Sets that share no origin."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from w4s.errors import ConfigError
from w4s.tasks.base import Sizes
from w4s.tasks.splits import Sets, by_role, deal, drawn, overlaps, shuffled
from w4s.tasks.toy import load_toy
from w4s.types import Problem


def problems(count: int, per_origin: int = 1) -> list[Problem]:
    return [Problem(str(i), f"o/{i // per_origin}", f"q{i}", i) for i in range(count)]


def origins(found: tuple[Problem, ...]) -> set[str]:
    return {problem.origin for problem in found}


def test_shuffled_is_the_global_shuffle_of_published_code() -> None:
    state = random.getstate()
    random.seed(0)
    expected = list(range(50))
    random.shuffle(expected)
    random.setstate(state)
    assert shuffled(range(50), 0) == expected


@given(
    st.integers(1, 60), st.integers(1, 5), st.integers(1, 20), st.integers(1, 20), st.integers(1, 9)
)
def test_dealt_sets_never_share_an_origin(
    count: int, per_origin: int, test: int, private: int, public: int
) -> None:
    sets = deal(problems(count, per_origin), Sizes(private, public, None, test), seed=3)
    found = [origins(s) for s in (sets.private, sets.public, sets.training, sets.test)]
    assert sum(map(len, found)) == len(set().union(*found))
    assert len(sets.test) <= test


def test_dealing_depends_on_the_seed_alone() -> None:
    rows = problems(30)
    sizes = Sizes(5, 2, 3, 10)
    assert deal(rows, sizes, 1) == deal(rows, sizes, 1)
    assert deal(rows, sizes, 1) != deal(rows, sizes, 2)
    assert [len(s) for s in (deal(rows, sizes, 1).training, deal(rows, sizes, 1).test)] == [3, 10]


def test_roles_decide() -> None:
    roles = {f"o/{i}": ["private", "public", "training", "test"][i % 4] for i in range(8)}
    sets = by_role(problems(16, 2), roles, 0)
    assert origins(sets.test) == {"o/3", "o/7"}
    assert len(sets.private) == 4


def test_public_problems_are_drawn_by_seed_the_rest_is_fixed() -> None:
    rows = problems(100)
    pools = Sets(tuple(rows[:20]), tuple(rows[20:60]), tuple(rows[60:70]), tuple(rows[70:]))
    first, second = drawn("x", pools, None, 0), drawn("x", pools, None, 1)
    assert first.private == second.private
    assert first.public != second.public
    assert len(first.public) == 10
    assert len(drawn("x", pools, Sizes(public=40), 0).public) == 40


def test_asking_for_too_many_is_a_clear_error() -> None:
    rows = tuple(problems(5))
    with pytest.raises(ConfigError, match="x has 5 test problems; 6 were asked for"):
        drawn("x", Sets(rows, rows, rows, rows), Sizes(test=6), 0)
    with pytest.raises(ConfigError, match="at least one"):
        drawn("x", Sets(rows, rows, rows, rows), Sizes(private=0), 0)


@pytest.mark.parametrize("kind", ["private", "public", "test"])
def test_a_training_problem_of_another_set_is_found(kind: str) -> None:
    task = load_toy("toy_ledger", sizes=Sizes(4, 2, 8, 4))
    [problem, *_] = {
        "private": task.search.private,
        "public": task.search.public,
        "test": task.sealed.open(),
    }[kind]
    assert overlaps([task]) == []
    [found] = overlaps([replace(task, training=(*task.training, problem))])
    assert {found.first, found.second} == {f"toy_ledger {kind}", "toy_ledger training"}
    assert found.origins == (problem.origin,)
