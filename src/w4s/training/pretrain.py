"""A small meta-agent from nothing: a tokeniser, a model of a million parameters, imitation.

In: a size and a seed. Out: a checkpoint that transformers loads, of a model that has learned to
write the grammar's programs. What is learned after that, from rewards, is the trainer's part.
"""

from __future__ import annotations

import itertools
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import Field
from transformers import Qwen2Config, Qwen2ForCausalLM

from w4s.settings import Asked, Count, Positive, Record, Seed, Share
from w4s.training.attention import plain_attention, use_trie_attention
from w4s.training.checkpoints import need_room, write_folder
from w4s.training.corpus import corpus
from w4s.training.dataset import groups
from w4s.training.loss import Scorer
from w4s.training.optimiser import make_optimiser, rate, set_rate
from w4s.training.settings import Scheme
from w4s.training.tokeniser import train_tokeniser
from w4s.training.tokens import Row, Tokeniser
from w4s.training.trie import build, join
from w4s.training.weights import save_model

_TOKENISER_EXAMPLES = 4000
_CONTEXT = 4096
_HEAD = 32
"""Width of an attention head."""
_STATES_PER_PASS = 4
"""More do not fit the processor's cache and are slower."""


class PretrainConfig(Record):
    """`w4s small pretrain`."""

    out: Annotated[Path, Asked("where to? w4s small pretrain FOLDER")] = Field(
        description="Folder of the checkpoint."
    )
    examples: Count = Field(16000, description="Programs to imitate. More write fewer mistakes.")
    examples_per_step: Count = Field(16, description="Programs an optimiser step learns from.")
    learning_rate: Positive = Field(3e-3, description="Peak. Lower it when the loss jumps.")
    warm_up: Share = Field(0.04, description="Share of the steps before the peak.")
    vocabulary: Count = Field(2048, description="Tokens. More make texts shorter, models larger.")
    width: Annotated[Count, Field(multiple_of=_HEAD)] = Field(
        128, description="Of the model, in steps of 32. More learns more per step, slower."
    )
    layers: Count = Field(4, description="Of the model.")
    seed: Seed = Field(0, description="Of data and weights.")


@dataclass(frozen=True, slots=True)
class Imitated:
    """One step of imitation."""

    step: int
    steps: int
    loss: float
    """Mean -log π of a token."""
    tokens: int
    seconds: float
    """Since the beginning."""


def pretrain(config: PretrainConfig, watch: Callable[[Imitated], None] | None = None) -> Path:
    """Make the checkpoint. Equal settings give the same one on the same machine. ConfigError where
    the folder holds something else already."""
    need_room(config.out)
    begun = time.perf_counter()
    stream = corpus(random.Random(config.seed))
    seen = list(itertools.islice(stream, _TOKENISER_EXAMPLES))
    told = [f"{m.role}\n{m.content}" for e in seen for m in e.prompt if m.role == "user"]
    tokeniser = train_tokeniser(told, config.vocabulary, [e.reply for e in seen])
    model = small_model(config, tokeniser)
    use_trie_attention(model)
    scorer, reader = Scorer(model).train(), Tokeniser(tokeniser, _CONTEXT)
    optimiser = make_optimiser(
        model.parameters(), Scheme.FULL, learning_rate=config.learning_rate, weight_decay=0.01
    )
    fed = itertools.chain(seen, stream)
    steps = math.ceil(config.examples / config.examples_per_step)
    for step in range(steps):
        some = groups(itertools.islice(fed, config.examples_per_step))
        loss, tokens = _backward(scorer, [[reader.row(e) for e in state] for state in some])
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        set_rate(optimiser, rate(step, steps, peak=config.learning_rate, warm_up=config.warm_up))
        optimiser.step()
        optimiser.zero_grad()
        if watch is not None:
            seconds = time.perf_counter() - begun
            watch(Imitated(step + 1, steps, loss, tokens, seconds))
    with plain_attention(model):
        half = model.to(torch.float16)  # on the disk alone: half the size
        write_folder(config.out, lambda folder: save_model(half, tokeniser, folder))
    return config.out


def _backward(scorer: Scorer, states: Sequence[Sequence[Row]]) -> tuple[float, int]:
    """Gradients of the loss, a few states at a time; returns loss and tokens."""
    weight = sum(row.weight for rows in states for row in rows)
    total, tokens = 0.0, 0
    for start in range(0, len(states), _STATES_PER_PASS):
        trie = join([build(rows) for rows in states[start : start + _STATES_PER_PASS]])
        part = scorer(trie) / weight
        part.backward()
        total += float(part.detach())
        tokens += trie.tokens
    return total, tokens


def small_model(config: PretrainConfig, tokeniser: Any) -> Any:
    """A Qwen2 with random weights, for this tokeniser."""
    heads = config.width // _HEAD
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        return Qwen2ForCausalLM(
            Qwen2Config(
                vocab_size=len(tokeniser),
                hidden_size=config.width,
                intermediate_size=config.width * 11 // 4,
                num_hidden_layers=config.layers,
                num_attention_heads=heads,
                num_key_value_heads=heads // 2 if heads % 2 == 0 else 1,
                max_position_embeddings=_CONTEXT,
                tie_word_embeddings=True,
                bos_token_id=None,
                eos_token_id=tokeniser.eos_token_id,
                pad_token_id=tokeniser.pad_token_id,
            )
        )
