"""Models in and out: precision schemes, LoRA, and what is saved.

In: a checkpoint's folder or name, and a scheme. Out: a transformers model ready to train; and
again a folder: an adapter, or a whole model in safetensors that transformers and vLLM load.

scheme        weights              states of AdamW    for
lora          base bf16 or fp32    fp32               one card, quick rounds; the default for 7B
full          fp32                 fp32               small models, and CPUs
full-8bit     fp32, compute bf16   8 bits             7B on one 139 GiB card
full-bf16     bf16, stochastic     8 bits             7B on 80 GB cards
              rounding

There is no scheme with plain AdamW on bf16 weights: most steps are smaller than half the distance
to the next bf16 number, so they are rounded away.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from w4s.errors import ConfigError
from w4s.models.checkpoints import find_checkpoint, is_adapter
from w4s.training.loss import causal
from w4s.training.settings import Scheme


def load_model(checkpoint: str | Path, scheme: Scheme, device: torch.device) -> Any:
    """The model in the precision of its scheme, on `device`, without adapters."""
    cuda = device.type == "cuda"
    logging.disable_progress_bar()  # the run has its own
    half = scheme is Scheme.FULL_BF16 or (scheme is Scheme.LORA and cuda)
    dtype = torch.bfloat16 if half else torch.float32
    place = find_checkpoint(str(checkpoint))
    if is_adapter(place):
        raise ConfigError(f"{checkpoint} is an adapter; train on from the whole model beside it")
    try:
        model = AutoModelForCausalLM.from_pretrained(place, dtype=dtype)
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot load the model {checkpoint}: {error}") from None
    return model.to(device)


def load_tokeniser(checkpoint: str | Path) -> Any:
    """The tokeniser beside a model; ConfigError when it cannot write a conversation."""
    try:
        tokeniser = AutoTokenizer.from_pretrained(find_checkpoint(str(checkpoint)))
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot load the tokeniser of {checkpoint}: {error}") from None
    if tokeniser.chat_template is None or tokeniser.eos_token_id is None:
        raise ConfigError(
            f"the tokeniser of {checkpoint} has no chat template or no end-of-turn token;"
            " take a model that was made for conversations"
        )
    return tokeniser


def context_of(checkpoint: str | Path) -> int | None:
    """Longest conversation that a model takes, in tokens; None where only a tokeniser is given."""
    try:
        config = AutoConfig.from_pretrained(find_checkpoint(str(checkpoint)))
    except (OSError, ValueError):
        return None
    return int(config.max_position_embeddings)


def add_lora(model: Any, *, rank: int, alpha: float) -> Any:
    """Adapters in single precision on all linear layers of the decoder; all else is frozen."""
    config = LoraConfig(
        r=rank, lora_alpha=alpha, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    with warnings.catch_warnings():
        # peft asks transformers for a property by its old name.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
        return get_peft_model(model, config)


def checkpoint_layers(model: Any) -> None:
    """Compute each layer a second time in the backward pass instead of keeping its states."""
    causal(model).activation_checkpointing_enable(
        activation_checkpointing_kwargs={"use_reentrant": False}
    )


def trainable(model: Any) -> dict[str, torch.nn.Parameter]:
    """The parameters that are trained, by name; tied ones once."""
    return {name: p for name, p in model.named_parameters() if p.requires_grad}


def save_model(model: Any, tokeniser: Any, folder: Path, *, merged: bool = True) -> None:
    """Save as safetensors. With adapters: the adapter alone, or merged into the whole model, on
    which `model` is then left as a plain one."""
    logging.disable_progress_bar()  # also where nothing was loaded before
    if merged and hasattr(model, "merge_and_unload"):
        model = model.merge_and_unload()
    model.save_pretrained(str(folder), safe_serialization=True)
    tokeniser.save_pretrained(str(folder))
