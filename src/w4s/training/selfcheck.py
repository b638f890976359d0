"""The trie against the plain computation, on the first data of every run.

In: a model ready to train, and the rows of one episode. Out: nothing, or an Unequal error. Wrong
attention (a kernel that aligns its mask otherwise, a model that ignores the layout) trains without
complaint, to a wrong model; so no run begins before both ways gave the same loss and gradients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from w4s.errors import W4sError
from w4s.training.attention import plain_attention
from w4s.training.loss import Scorer, causal, log_probabilities
from w4s.training.tokens import Row
from w4s.training.trie import build
from w4s.training.weights import trainable

_LOSS = {torch.float64: 1e-6, torch.float32: 1e-4}
_GRADIENT = {torch.float64: 1e-5, torch.float32: 1e-2}
"""Largest relative differences by precision; 16-bit types come below."""


class Unequal(W4sError):
    """Trie and plain computation differ: training would go wrong."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well both ways agreed, as relative differences."""

    loss: float
    gradient: float


def check(scorer: Scorer, rows: Sequence[Row]) -> Agreement:
    """Compute the loss of `rows` and its gradient at some parameters in both ways.

    Raises Unequal when they differ by more than the precision explains."""
    some = _some(scorer)
    loss = scorer(build(rows))
    gradient = _flat(torch.autograd.grad(loss, some, allow_unused=True), some)
    plain_loss, plain_gradient = _plain(scorer, rows, some)
    found = Agreement(
        abs(float(loss.detach()) - plain_loss) / abs(plain_loss),
        float((gradient - plain_gradient).norm() / plain_gradient.norm().clamp_min(1e-30)),
    )
    dtype = next(causal(scorer.model).parameters()).dtype
    if torch.is_autocast_enabled(gradient.device.type):
        dtype = torch.get_autocast_dtype(gradient.device.type)
    within = found.loss <= _LOSS.get(dtype, 2e-2) and found.gradient <= _GRADIENT.get(dtype, 0.2)
    if not within:
        raise Unequal(
            "the trie and the plain computation disagree on the first episode (loss by"
            f" {found.loss:.1e}, gradient by {found.gradient:.1e}, relative, in {dtype});"
            " nothing was trained. This model or kernel is not supported on this machine."
        )
    return found


def _plain(
    scorer: Scorer, rows: Sequence[Row], some: list[torch.nn.Parameter]
) -> tuple[float, torch.Tensor]:
    """One conversation after the other, through the model's own attention and its own head."""
    device = some[0].device
    total, gradient = 0.0, torch.zeros((), device=device)
    model = causal(scorer.model)
    with plain_attention(model):
        for row in rows:
            ids = torch.as_tensor(row.ids, device=device)
            coefficients = torch.as_tensor(row.coefficients, device=device)[1:]
            logits = model(input_ids=ids[None], use_cache=False).logits
            log_p = log_probabilities(logits[0, :-1], ids[1:])
            loss = -(coefficients.to(log_p.dtype) * log_p).sum()
            parts = torch.autograd.grad(loss, some, allow_unused=True)
            total += float(loss.detach())
            gradient = gradient + _flat(parts, some)
    return total, gradient


def _some(scorer: Scorer) -> list[torch.nn.Parameter]:
    """The first and the last parameters that are trained: the whole depth lies between them."""
    all_of_them = list(trainable(scorer).values())
    return all_of_them if len(all_of_them) <= 8 else [*all_of_them[:4], *all_of_them[-4:]]


def _flat(
    gradients: Sequence[torch.Tensor | None], like: Sequence[torch.nn.Parameter]
) -> torch.Tensor:
    return torch.cat(
        [
            (torch.zeros_like(p) if g is None else g).flatten().float()
            for g, p in zip(gradients, like, strict=True)
        ]
    )
