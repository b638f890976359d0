"""Qwen2 in the precision of its weights, for tests that compare to the last digits.

transformers computes normalisation and positions in single precision, whatever the weights are;
that would hide everything below 1e-7.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock


@contextmanager
def exact_qwen2() -> Iterator[None]:
    """All of Qwen2 in its own precision, inside the block."""
    import torch
    from transformers.models.qwen2 import modeling_qwen2 as qwen2

    def norm(self: Any, hidden: Any) -> Any:
        variance = hidden.pow(2).mean(-1, keepdim=True)
        return self.weight * hidden * torch.rsqrt(variance + self.variance_epsilon)

    def rotary(self: Any, x: Any, position_ids: Any) -> Any:
        angles = position_ids[..., None].to(x.dtype) * self.inv_freq.to(x.dtype)
        both = torch.cat((angles, angles), dim=-1)
        return both.cos(), both.sin()

    with (
        mock.patch.object(qwen2.Qwen2RMSNorm, "forward", norm),
        mock.patch.object(qwen2.Qwen2RotaryEmbedding, "forward", rotary),
    ):
        yield
