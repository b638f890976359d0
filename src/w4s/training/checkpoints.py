"""The state of a training run on disk, written as a whole or not at all.

In: model, optimiser and the number of steps taken. Out: a folder per checkpoint, of which the
newest is kept. A checkpoint first gets another name, and its own when all of it is on the disk,
so whenever the process dies the newest whole one is found. Works the same for one process and
for a sharded model, where rank 0 writes.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch.distributed.checkpoint import state_dict as sharded

from w4s.errors import ConfigError

_FOLDER, _FILE = "checkpoints", "state.pt"
_OF_A_MODEL = frozenset((".json", ".jinja", ".safetensors"))
"""Ends of the names of all files that a saved model has."""


def save(run: Path, step: int, model: Any, optimiser: Any) -> None:
    """Keep the state after `step` steps and remove older ones. Called by all ranks."""
    options = sharded.StateDictOptions(
        full_state_dict=True, cpu_offload=True, ignore_frozen_params=True
    )
    weights, states = sharded.get_state_dict(model, optimiser, options=options)
    if not _first_rank():
        return
    folder = run / _FOLDER / f"{step:08d}"
    write_folder(folder, lambda partial: torch.save((weights, states), partial / _FILE))
    for older in _steps(run):
        if older < step:
            shutil.rmtree(folder.with_name(f"{older:08d}"))


def whole_weights(model: Any) -> dict[str, torch.Tensor]:
    """What was trained of a sharded model, in one piece; empty but on rank 0. Called by all."""
    options = sharded.StateDictOptions(
        full_state_dict=True, cpu_offload=True, ignore_frozen_params=True
    )
    weights: dict[str, torch.Tensor] = sharded.get_model_state_dict(model, options=options)
    return weights


def newest(run: Path) -> int | None:
    """Steps taken at the newest whole checkpoint; None when there is none."""
    return max(_steps(run), default=None)


def _steps(run: Path) -> list[int]:
    folder = run / _FOLDER
    return [int(p.name) for p in folder.iterdir() if p.name.isdigit()] if folder.exists() else []


def load(run: Path, step: int, model: Any, optimiser: Any) -> None:
    """Put the state after `step` steps into model and optimiser. Called by all ranks."""
    options = sharded.StateDictOptions(full_state_dict=True, strict=False)
    path = run / _FOLDER / f"{step:08d}" / _FILE
    weights, states = torch.load(path, map_location="cpu", weights_only=True)
    sharded.set_state_dict(
        model,
        optimiser,
        model_state_dict=weights,
        optim_state_dict=states,
        options=options,
    )


def need_room(folder: Path) -> None:
    """ConfigError unless a model may be written to `folder`: there is nothing, or a model and
    nothing else. To be asked before the work, since `write_folder` replaces what is there."""
    try:
        found = list(folder.iterdir()) if folder.exists() else []
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise ConfigError(f"cannot write to the folder {folder}: {reason}; name another") from None
    if not os.access(folder.parent, os.W_OK):
        raise ConfigError(f"cannot write to the folder {folder.parent}; name another")
    if found and not _is_model(found):
        raise ConfigError(f"{folder} holds something else than a model; name another folder")


def _is_model(files: list[Path]) -> bool:
    ends = {file.suffix for file in files}
    return ".safetensors" in ends and ends <= _OF_A_MODEL and all(f.is_file() for f in files)


def write_folder(folder: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a new folder, which gets its name when everything is on the disk. What was
    there under that name is gone then."""
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    write(partial)
    for path in [*partial.rglob("*"), partial]:
        _sync(path)
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    _sync(folder.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _first_rank() -> bool:
    return not dist.is_initialized() or dist.get_rank() == 0
