"""The rows of an episode as one tree of tokens, every shared prefix stored once.

In: rows. Out: a Trie. The candidates of a turn share their history, and the second turn's history
goes through the first turn's best action; so a token is a node, a row is a path from the root,
and the loss of all rows is a sum over nodes,

    Σ_i w_i (1/N_i) Σ_t -log π(a_t | ...)  =  Σ_n c_n · -log π(n | ancestors of n),
    c_n = Σ of w_i / N_i over the rows i that train the node n.

Nodes are numbered depth first, so a node's ancestors come before it, and its subtree is one range.
Where several rows part, one hidden state predicts several different next tokens. How a model
attends along the paths is left to `attention`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from w4s.training.tokens import Ids, Row

Coefficients = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of nodes without a branch; nodes `start` to `end` (excluded)."""

    start: int
    end: int
    ancestors: tuple[int, ...]
    """Numbers of the segments before this one on its path, the root's first."""


@dataclass(frozen=True, slots=True)
class Trie:
    """One tree, or several side by side."""

    ids_n: Ids
    positions_n: Ids
    """Distance from the root."""
    subtree_end_n: Ids
    """Node k is an ancestor of node n, or n itself, exactly when k <= n < subtree_end_n[k]."""
    segments: tuple[Segment, ...]
    sources_m: Ids
    """The node whose hidden state predicts; a branch point stands here once per branch."""
    targets_m: Ids
    """The token that it should predict."""
    coefficients_m: Coefficients
    weight: float
    """Σ w_i over the rows."""
    rows: int
    row_tokens: int
    """Tokens of the rows one by one."""

    @property
    def tokens(self) -> int:
        return len(self.ids_n)

    @property
    def attention(self) -> int:
        """Query-key pairs, the part of the cost that is not linear."""
        return int((self.positions_n + 1).sum())


def build(rows: Sequence[Row]) -> Trie:
    """The tree of `rows`. Equal rows share all their nodes, and their coefficients add up."""
    builder = _Builder([row.ids for row in rows], [row.coefficients for row in rows])
    builder.grow(list(range(len(rows))), 0, (), -1)
    return Trie(
        ids_n=_joined(builder.ids, np.int64),
        positions_n=_joined(builder.positions, np.int64),
        subtree_end_n=builder.subtree_ends(),
        segments=tuple(builder.segments),
        sources_m=_joined(builder.sources, np.int64),
        targets_m=_joined(builder.targets, np.int64),
        coefficients_m=_joined(builder.coefficients, np.float64),
        weight=sum(row.weight for row in rows),
        rows=len(rows),
        row_tokens=sum(len(row.ids) for row in rows),
    )


def join(tries: Sequence[Trie]) -> Trie:
    """Several trees side by side; none sees another."""
    if len(tries) == 1:
        return tries[0]
    nodes = np.cumsum([0, *(t.tokens for t in tries)])
    first_segment = np.cumsum([0, *(len(t.segments) for t in tries)])
    return Trie(
        ids_n=_joined([t.ids_n for t in tries], np.int64),
        positions_n=_joined([t.positions_n for t in tries], np.int64),
        subtree_end_n=_joined(
            [t.subtree_end_n + n for t, n in zip(tries, nodes, strict=False)], np.int64
        ),
        segments=tuple(
            Segment(s.start + int(n), s.end + int(n), tuple(a + int(f) for a in s.ancestors))
            for t, n, f in zip(tries, nodes, first_segment, strict=False)
            for s in t.segments
        ),
        sources_m=_joined([t.sources_m + n for t, n in zip(tries, nodes, strict=False)], np.int64),
        targets_m=_joined([t.targets_m for t in tries], np.int64),
        coefficients_m=_joined([t.coefficients_m for t in tries], np.float64),
        weight=sum(t.weight for t in tries),
        rows=sum(t.rows for t in tries),
        row_tokens=sum(t.row_tokens for t in tries),
    )


class _Builder:
    """Grows the tree depth first, segment by segment."""

    def __init__(self, ids: Sequence[Ids], coefficients: Sequence[Coefficients]) -> None:
        self._row_ids = ids
        self._row_coefficients = coefficients
        self._size = 0
        self.segments: list[Segment] = []
        self.ids: list[Ids] = []
        self.positions: list[Ids] = []
        self.sources: list[Ids] = []
        self.targets: list[Ids] = []
        self.coefficients: list[Coefficients] = []

    def grow(self, rows: list[int], depth: int, path: tuple[int, ...], parent: int) -> None:
        """Add the subtrees of `rows`, which agree up to `depth` and hang below node `parent`."""
        branches: dict[int, list[int]] = {}
        for row in rows:
            if len(self._row_ids[row]) > depth:
                branches.setdefault(int(self._row_ids[row][depth]), []).append(row)
        for members in branches.values():
            end = self._agree_until(members, depth)
            number = len(self.segments)
            last = self._add(members, depth, end, path, parent)
            self.grow(members, end, (*path, number), last)

    def subtree_ends(self) -> Ids:
        ends = np.array([segment.end for segment in self.segments], dtype=np.int64)
        for number in range(len(self.segments) - 1, -1, -1):
            if self.segments[number].ancestors:
                parent = self.segments[number].ancestors[-1]
                ends[parent] = max(ends[parent], ends[number])
        lengths = [segment.end - segment.start for segment in self.segments]
        return np.repeat(ends, lengths)

    def _agree_until(self, rows: list[int], depth: int) -> int:
        """The first depth at which the rows differ or one of them ends."""
        first = self._row_ids[rows[0]]
        end = min(len(self._row_ids[row]) for row in rows)
        for row in rows[1:]:
            differ = np.flatnonzero(first[depth:end] != self._row_ids[row][depth:end])
            end = depth + int(differ[0]) if len(differ) else end
        return end

    def _add(
        self, rows: list[int], depth: int, end: int, path: tuple[int, ...], parent: int
    ) -> int:
        """Add one segment; returns its last node."""
        start, length = self._size, end - depth
        self._size += length
        ids = self._row_ids[rows[0]][depth:end]
        self.segments.append(Segment(start, self._size, path))
        self.ids.append(ids)
        self.positions.append(np.arange(depth, end))
        coefficients = np.sum([self._row_coefficients[row][depth:end] for row in rows], axis=0)
        sources = np.arange(start - 1, self._size - 1)
        sources[0] = parent
        trained = coefficients != 0.0
        self.sources.append(sources[trained])
        self.targets.append(ids[trained])
        self.coefficients.append(coefficients[trained])
        return self._size - 1


def _joined(parts: Sequence[npt.NDArray[np.generic]], dtype: type[np.generic]) -> npt.NDArray:  # type: ignore[type-arg]
    return np.concatenate([np.empty(0, dtype), *parts]).astype(dtype)
