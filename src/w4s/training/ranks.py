"""One process or several: what a run must know of its ranks.

In: the environment that torchrun sets. Out: Ranks. With one process nothing is set up, and sharding
leaves the model as it is; with several the model is sharded by FSDP2, one decoder layer at a time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch.distributed.fsdp import fully_shard

from w4s.training.loss import Scorer, causal


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process among its equals."""

    rank: int
    count: int
    device: torch.device

    @property
    def first(self) -> bool:
        """True in the one process that writes."""
        return self.rank == 0

    def shard(self, scorer: Scorer) -> None:
        """Divide the model among the ranks."""
        if self.count > 1:
            mesh = dist.init_device_mesh(self.device.type, (self.count,))
            for layer in causal(scorer.model).base_model.layers:
                fully_shard(layer, mesh=mesh)
            fully_shard(scorer, mesh=mesh)

    def sum(self, value: float) -> float:
        """The sum over all ranks."""
        if self.count == 1:
            return value
        tensor = torch.tensor(value, dtype=torch.float64, device=self.device)
        dist.all_reduce(tensor)
        return float(tensor)

    def wait(self) -> None:
        """Go on when all ranks are here."""
        if self.count > 1:
            dist.barrier()


@contextmanager
def join_ranks(device: str | None = None) -> Iterator[Ranks]:
    """Join the other processes that torchrun started, if it did; leave them at the end.

    A process that stands among them already stays there: a second meeting over the same store would
    find the addresses of the first.
    """
    count, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    kind = device or ("cuda" if torch.cuda.is_available() else "cpu")
    place = torch.device(kind)
    if kind == "cuda":
        place = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(place)
    if count == 1:
        yield Ranks(0, 1, place)
        return
    if dist.is_initialized():
        yield Ranks(rank, count, place)
        return
    dist.init_process_group("nccl" if kind == "cuda" else "gloo")
    try:
        yield Ranks(rank, count, place)
    finally:
        dist.destroy_process_group()


def whole(value: Any) -> float:
    """A scalar, also when it is a sharded one."""
    return float(value.full_tensor() if hasattr(value, "full_tensor") else value)
