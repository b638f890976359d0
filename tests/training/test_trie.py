"""Rows as a tree of tokens."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from w4s.training.tokens import Row
from w4s.training.trie import Trie, build, join


def row(ids: list[int], prompt: int, weight: float = 1.0) -> Row:
    return Row(np.array(ids), np.arange(len(ids)) >= prompt, weight, prompt)


def paths(trie: Trie) -> list[list[int]]:
    """Tokens from the root to each node."""
    return [
        [int(trie.ids_n[k]) for k in range(n + 1) if n < trie.subtree_end_n[k]]
        for n in range(trie.tokens)
    ]


def test_shared_prefixes_stand_there_once() -> None:
    trie = build([row([1, 2, 3, 4], 2), row([1, 2, 3, 5, 6], 2), row([1, 2, 7], 2)])

    assert trie.ids_n.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert trie.positions_n.tolist() == [0, 1, 2, 3, 3, 4, 2]
    assert (trie.rows, trie.tokens, trie.row_tokens) == (3, 7, 12)


def test_coefficients_of_a_shared_node_add_up() -> None:
    trie = build([row([1, 2, 3, 4], 2, 10.0), row([1, 2, 3, 5, 6], 2, 9.0)])
    by_target = dict(zip(trie.targets_m.tolist(), trie.coefficients_m.tolist(), strict=True))
    assert by_target == {3: 10 / 2 + 9 / 3, 4: 5.0, 5: 3.0, 6: 3.0}
    assert trie.weight == 19.0


def test_a_branch_point_predicts_every_branch() -> None:
    trie = build([row([1, 2, 3], 2), row([1, 2, 4], 2), row([1, 2, 5], 2)])
    assert trie.sources_m.tolist() == [1, 1, 1]
    assert trie.targets_m.tolist() == [3, 4, 5]


def test_duplicates_are_one_path() -> None:
    trie = build([row([1, 2, 3], 1, 2.0), row([1, 2, 3], 1, 3.0)])
    assert trie.tokens == 3
    assert trie.coefficients_m.tolist() == [2.5, 2.5]


def test_a_row_may_end_where_another_goes_on() -> None:
    trie = build([row([1, 2, 3], 1), row([1, 2, 3, 4], 1)])
    assert paths(trie) == [[1], [1, 2], [1, 2, 3], [1, 2, 3, 4]]
    assert len(trie.segments) == 2


def test_the_first_token_is_never_predicted() -> None:
    trie = build([Row(np.array([1, 2]), np.array([False, True]), 1.0, 1)])
    assert (trie.sources_m >= 0).all()


@pytest.mark.parametrize("seed", range(5))
def test_every_row_is_a_path(make_rows: Callable[..., list[Any]], seed: int) -> None:
    rows = make_rows(turns=2, samples=4, seed=seed, duplicates=seed % 2 == 0)
    trie = build(rows)
    found = paths(trie)
    for one in rows:
        assert one.ids.tolist() in found
    for n, path in enumerate(found):
        assert len(path) == trie.positions_n[n] + 1
    for number, segment in enumerate(trie.segments):
        chain = [*segment.ancestors, number]
        nodes = [k for a in chain for k in range(trie.segments[a].start, trie.segments[a].end)]
        assert [int(trie.ids_n[k]) for k in nodes] == found[segment.end - 1]
    assert np.isclose(trie.coefficients_m.sum(), trie.weight)


def test_joined_tries_stay_apart(make_rows: Callable[..., list[Any]]) -> None:
    parts = [build(make_rows(turns=2, seed=s)) for s in range(3)]
    both = join(parts)
    assert paths(both) == [path for part in parts for path in paths(part)]
    assert both.weight == sum(part.weight for part in parts)
    assert both.attention == sum(part.attention for part in parts)


def test_an_episode_of_two_turns_is_much_smaller_than_its_rows() -> None:
    rng = np.random.default_rng(0)
    prompt, feedback = rng.integers(0, 9999, 3000), rng.integers(0, 9999, 500)
    actions = [rng.integers(0, 9999, 900) for _ in range(10)]
    rows = [np.concatenate([prompt, a]) for a in actions[:5]]
    rows += [np.concatenate([prompt, actions[0], feedback, a]) for a in actions[5:]]
    trie = build([Row(r, np.arange(len(r)) >= len(r) - 900, 1.0, len(r) - 900) for r in rows])
    assert trie.tokens == 3000 + 10 * 900 + 500
    assert trie.row_tokens == 5 * 3900 + 5 * 5300
