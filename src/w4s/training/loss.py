"""Reward-weighted regression over tries.

In: a causal language model of transformers, and tries. Out: Σ_n c_n · -log π(n), which divided by
Σ_i w_i of the whole step is the loss

    L = - Σ_i w_i (1/N_i) Σ_t log π(a_t | state, a_<t)  /  Σ_i w_i .

The division is left to the caller, since a step may take several passes on several machines. The
language-model head is computed only where there is something to predict, and a slice at a time:
with a vocabulary of 152,000 the logits of a whole trie would be the largest thing in memory.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import nn
from torch.utils.checkpoint import checkpoint

from w4s.training.attention import Kernel, Layout, best_kernel
from w4s.training.trie import Trie


class Scorer(nn.Module):
    """A model with the loss on top: one forward scores one trie."""

    def __init__(self, model: Any, *, head_rows: int = 1024, kernel: Kernel | None = None) -> None:
        """`model` is prepared by `use_trie_attention`; `head_rows` predictions are scored at a
        time. Without a `kernel` the best one for the model's device is taken."""
        super().__init__()
        self.model = model
        self._head_rows = head_rows
        self._kernel = kernel

    def forward(self, trie: Trie) -> torch.Tensor:
        """Σ_n c_n · -log π(n), as a scalar in the precision of the log-probabilities."""
        hidden_nd = self._hidden(trie)
        device = hidden_nd.device
        sources_m = torch.as_tensor(trie.sources_m, device=device)
        targets_m = torch.as_tensor(trie.targets_m, device=device)
        coefficients_m = torch.as_tensor(trie.coefficients_m, device=device)
        head = causal(self.model).get_output_embeddings()
        # The sum begins with 0 · hidden, so that every rank of a sharded model has a gradient.
        total = hidden_nd.sum().float() * 0.0 if not len(sources_m) else 0.0
        for start in range(0, len(sources_m), self._head_rows):
            part = slice(start, start + self._head_rows)
            total = total + checkpoint(
                _weighted_nll,
                head,
                hidden_nd[sources_m[part]],
                targets_m[part],
                coefficients_m[part],
                use_reentrant=False,
            )
        return total

    def _hidden(self, trie: Trie) -> torch.Tensor:
        decoder = causal(self.model).base_model
        weight = decoder.get_input_embeddings().weight
        device = weight.device
        dtype = (
            torch.get_autocast_dtype(device.type)
            if torch.is_autocast_enabled(device.type)
            else weight.dtype
        )
        layout = Layout(trie, device, self._kernel or best_kernel(device, dtype))
        out = decoder(
            input_ids=torch.as_tensor(trie.ids_n, device=device)[None],
            position_ids=torch.as_tensor(trie.positions_n, device=device)[None],
            use_cache=False,
            trie=layout,
        )
        return out.last_hidden_state[0]


def causal(model: Any) -> Any:
    """The transformers model with its head, also when adapters are wrapped around it."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def log_probabilities(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """log π of each target, computed in single precision at least."""
    exact = logits.float() if logits.dtype in (torch.bfloat16, torch.float16) else logits
    return -F.cross_entropy(exact, targets, reduction="none")


def _weighted_nll(
    head: Any, hidden: torch.Tensor, targets: torch.Tensor, coefficients: torch.Tensor
) -> torch.Tensor:
    log_p = log_probabilities(head(hidden), targets)
    return -(coefficients.to(log_p.dtype) * log_p).sum()
