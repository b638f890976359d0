"""AdamW in the forms that really move the weights, and its learning rate.

In: parameters and a scheme. Out: an optimiser. Plain AdamW on 16-bit weights is refused: steps
smaller than half the distance between two such numbers are rounded away, and most are.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch

from w4s.errors import ConfigError
from w4s.training.settings import Scheme


def make_optimiser(
    parameters: Iterable[torch.nn.Parameter],
    scheme: Scheme,
    *,
    learning_rate: float,
    weight_decay: float = 0.0,
) -> Any:
    """The optimiser of a scheme; ConfigError when the weights are not what it is made for."""
    trained = list(parameters)
    half = {torch.bfloat16, torch.float16} & {p.dtype for p in trained}
    if half and scheme is not Scheme.FULL_BF16:
        raise ConfigError(
            f"scheme={scheme} would take AdamW steps on 16-bit weights, which rounds most of them"
            " away; load the weights in float32, or take scheme=full-bf16"
        )
    if scheme in (Scheme.LORA, Scheme.FULL):
        return torch.optim.AdamW(trained, lr=learning_rate, weight_decay=weight_decay)
    return _eight_bit(trained, scheme, learning_rate, weight_decay)


def set_rate(optimiser: Any, value: float) -> None:
    """Change the learning rate. The 8-bit optimisers hold it as a tensor, so as not to be compiled
    again for each value."""
    for group in optimiser.param_groups:
        if isinstance(group["lr"], torch.Tensor):
            group["lr"].fill_(value)
        else:
            group["lr"] = value


def rate(step: int, steps: int, *, peak: float, warm_up: float) -> float:
    """Learning rate of `step` (from 0) out of `steps`: a linear rise, then half a cosine to 0."""
    rise = math.ceil(warm_up * steps)
    if step < rise:
        return peak * (step + 1) / rise
    return peak * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def _eight_bit(
    trained: list[torch.nn.Parameter], scheme: Scheme, learning_rate: float, weight_decay: float
) -> Any:
    try:
        from torchao.optim import AdamW8bit
    except ImportError:
        raise ConfigError(
            f"scheme={scheme} keeps the optimiser's states in 8 bits, which needs torchao:"
            " pip install torchao"
        ) from None
    return AdamW8bit(
        trained,
        lr=learning_rate,
        weight_decay=weight_decay,
        bf16_stochastic_round=scheme is Scheme.FULL_BF16,
    )
