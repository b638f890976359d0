"""Attention along the paths of a trie, for any transformers model.

In: a Trie. Out: a Layout, handed to the model's forward as `trie=`, and the attention function
"w4s_trie" that reads it. Each node attends to its ancestors and itself. Three ways to compute it:

sdpa     torch's scaled_dot_product_attention, one segment at a time; CPU, tests, any type
varlen   torch.nn.attention.varlen with gathered keys and values; CUDA, half precision
flex     FlexAttention with the trie as its mask; on request, it has no backward on CPU

A model prepared by `use_trie_attention` needs a Layout in every forward; the plain computation,
to compare with, goes through `plain_attention`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch.nn.attention import flex_attention as flex
from transformers import AttentionInterface

from w4s.errors import ConfigError
from w4s.training.trie import Segment, Trie

NAME = "w4s_trie"


class Kernel(StrEnum):
    """How trie attention is computed."""

    SDPA = "sdpa"
    VARLEN = "varlen"
    FLEX = "flex"


def best_kernel(device: torch.device, dtype: torch.dtype) -> Kernel:
    """varlen where it can compute (CUDA, half precision), else sdpa."""
    half = dtype in (torch.bfloat16, torch.float16)
    return Kernel.VARLEN if device.type == "cuda" and half else Kernel.SDPA


@dataclass(frozen=True)
class Layout:
    """What attention must know of a trie. The derived parts are made on first use and kept, since
    all layers use the same."""

    trie: Trie
    device: torch.device
    kernel: Kernel

    @cached_property
    def spans(self) -> list[tuple[Segment, list[tuple[int, int]]]]:
        """Each segment with the runs of nodes its keys come from, neighbouring runs in one."""
        return [(segment, _runs(self.trie, segment)) for segment in self.trie.segments]

    @cached_property
    def masks(self) -> dict[tuple[int, int], torch.Tensor]:
        """Per (queries, keys), True where a query may look; the last query sees the last key."""
        sizes = {(s.end - s.start, sum(b - a for a, b in runs)) for s, runs in self.spans}
        return {
            (q, k): torch.ones(q, k, dtype=torch.bool, device=self.device).tril(k - q)
            for q, k in sizes
            if q != k
        }

    @cached_property
    def gathered(self) -> Gathered:
        """The keys of every segment, one segment after the other, for varlen."""
        index = [np.arange(a, b) for _, runs in self.spans for a, b in runs]
        queries = [s.end - s.start for s, _ in self.spans]
        keys = [sum(b - a for a, b in runs) for _, runs in self.spans]
        return Gathered(
            torch.as_tensor(np.concatenate(index), device=self.device),
            _offsets(queries, self.device),
            _offsets(keys, self.device),
            max(queries),
            max(keys),
        )

    @cached_property
    def block_mask(self) -> Any:
        """The mask for FlexAttention."""
        ends = torch.as_tensor(self.trie.subtree_end_n, device=self.device)

        def visible(b: Any, h: Any, query: Any, key: Any) -> Any:
            return (key <= query) & (query < ends[key])

        n = self.trie.tokens
        return flex.create_block_mask(visible, None, None, n, n, device=self.device.type)


@dataclass(frozen=True, slots=True)
class Gathered:
    """The form that variable-length kernels take."""

    keys_k: torch.Tensor
    """Nodes, in the order in which the segments use them as keys."""
    query_offsets: torch.Tensor
    key_offsets: torch.Tensor
    longest_query: int
    longest_key: int


def use_trie_attention(model: Any) -> None:
    """Let `model` attend along tries. ConfigError for models whose attention is not plain."""
    config = model.config
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    if kinds != {"full_attention"} or getattr(config, "attn_logit_softcapping", None):
        raise ConfigError(
            f"{config.model_type} models with attention of the kinds {', '.join(sorted(kinds))}"
            " cannot be trained on tries; full attention alone is supported"
        )
    AttentionInterface.register(NAME, trie_attention)
    model.set_attn_implementation(NAME)


@contextmanager
def plain_attention(model: Any, name: str = "sdpa") -> Iterator[None]:
    """The model with its own attention, for rows one by one."""
    model.set_attn_implementation(name)
    try:
        yield
    finally:
        model.set_attn_implementation(NAME)


def trie_attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    trie: Layout,
    scaling: float | None = None,
    **unused: Any,
) -> tuple[torch.Tensor, None]:
    """Attention of transformers' shape: [1, heads, N, size] in, [1, N, heads, size] out."""
    match trie.kernel:
        case Kernel.SDPA:
            out = _sdpa(trie, query, key, value, scaling)
        case Kernel.VARLEN:
            out = _varlen(trie, query, key, value, scaling)
        case Kernel.FLEX:
            out = _flex(trie, query, key, value, scaling)
    return out, None


def _sdpa(
    trie: Layout, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scale: float | None
) -> torch.Tensor:
    parts = []
    for segment, runs in trie.spans:
        q = query[:, :, segment.start : segment.end]
        k, v = _taken(key, runs), _taken(value, runs)
        # With fewer queries than keys, `is_causal` would let the first query see the first key
        # alone; the mask lets the last query see the last key.
        mask = trie.masks.get((q.shape[2], k.shape[2]))
        parts.append(
            F.scaled_dot_product_attention(
                q,
                k,
                v,
                attn_mask=mask,
                is_causal=mask is None,
                scale=scale,
                enable_gqa=q.shape[1] != k.shape[1],
            )
        )
    return torch.cat(parts, dim=2).transpose(1, 2)


def _varlen(
    trie: Layout, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scale: float | None
) -> torch.Tensor:
    from torch.nn.attention.varlen import varlen_attn

    form = trie.gathered
    out = varlen_attn(
        query[0].transpose(0, 1),
        key[0].transpose(0, 1).index_select(0, form.keys_k),
        value[0].transpose(0, 1).index_select(0, form.keys_k),
        form.query_offsets,
        form.key_offsets,
        form.longest_query,
        form.longest_key,
        scale=scale,
        window_size=(-1, 0),  # causal, the last query aligned with the last key
        enable_gqa=query.shape[1] != key.shape[1],
    )
    return out[None]


def _flex(
    trie: Layout, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scale: float | None
) -> torch.Tensor:
    attend = _compiled_flex() if query.is_cuda else flex.flex_attention
    out = attend(
        query,
        key,
        value,
        block_mask=trie.block_mask,
        scale=scale,
        enable_gqa=query.shape[1] != key.shape[1],
    )
    return out.transpose(1, 2)


@cache
def _compiled_flex() -> Any:
    return torch.compile(flex.flex_attention, dynamic=True)


def _taken(states: torch.Tensor, runs: list[tuple[int, int]]) -> torch.Tensor:
    if len(runs) == 1:
        return states[:, :, runs[0][0] : runs[0][1]]
    return torch.cat([states[:, :, a:b] for a, b in runs], dim=2)


def _runs(trie: Trie, segment: Segment) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for part in (*(trie.segments[a] for a in segment.ancestors), segment):
        if runs and runs[-1][1] == part.start:
            runs[-1] = (runs[-1][0], part.end)
        else:
            runs.append((part.start, part.end))
    return runs


def _offsets(lengths: list[int], device: torch.device) -> torch.Tensor:
    return torch.tensor(np.cumsum([0, *lengths]), dtype=torch.int32, device=device)
