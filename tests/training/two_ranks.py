"""Started by torchrun: a sharded model against one conversation at a time, in double precision.

Writes what it found to the file named by the first argument; then trains by the settings in the
second.
"""

from __future__ import annotations

import faulthandler
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

from exact_qwen2 import exact_qwen2
from w4s.settings import read_file
from w4s.training.attention import plain_attention, use_trie_attention
from w4s.training.loss import Scorer
from w4s.training.ranks import Ranks, join_ranks
from w4s.training.settings import TrainConfig
from w4s.training.tokens import Row
from w4s.training.trainer import train
from w4s.training.trie import build
from w4s.training.weights import checkpoint_layers


def make_rows(seed: int) -> list[Row]:
    rng = np.random.default_rng(seed)
    prompt = rng.integers(1, 100, 12)
    actions = [rng.integers(1, 100, 4 + k) for k in range(3)]
    return [
        Row(
            np.concatenate([prompt, action]),
            np.arange(12 + len(action)) >= 12,
            float(rng.uniform(1, 12)),
            12,
        )
        for action in actions
    ]


def compare(ranks: Ranks) -> dict[str, float]:
    """Largest relative differences of loss and gradients; each rank scores one of two episodes."""
    torch.manual_seed(0)
    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=100,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            initializer_range=0.2,
            tie_word_embeddings=True,
        )
    ).double()
    use_trie_attention(model)
    checkpoint_layers(model)
    episodes = [make_rows(seed) for seed in range(2)]
    weight = sum(row.weight for rows in episodes for row in rows)

    model.train()
    plain = 0.0
    with plain_attention(model):
        for row in (row for rows in episodes for row in rows):
            ids = torch.as_tensor(row.ids)
            log_p = torch.log_softmax(model(input_ids=ids[None], use_cache=False).logits[0], -1)
            chosen = log_p[:-1].gather(1, ids[1:, None])[:, 0]
            loss = -(torch.as_tensor(row.coefficients)[1:] * chosen).sum() / weight
            loss.backward()
            plain += float(loss.detach())
    expected = {f"model.{name}": p.grad.clone() for name, p in model.named_parameters()}
    model.zero_grad()

    scorer = Scorer(model, head_rows=4).train()
    ranks.shard(scorer)
    part = scorer(build(episodes[ranks.rank])) / weight
    (part * ranks.count).backward()
    total = ranks.sum(float(part.detach()))
    worst = 0.0
    for name, parameter in scorer.named_parameters():
        gradient = parameter.grad.full_tensor()
        worst = max(worst, float((gradient - expected[name]).norm() / expected[name].norm()))
    return {"loss": abs(total - plain) / plain, "gradient": worst, "ranks": ranks.count}


def main(report: Path, settings: Path) -> None:
    faulthandler.dump_traceback_later(280, exit=True)  # ranks that wait for each other say where
    torch.set_num_threads(1)
    with join_ranks("cpu") as ranks:
        with exact_qwen2():
            found = compare(ranks)
        if ranks.first:
            report.write_text(json.dumps(found))
        warnings.simplefilter("ignore", FutureWarning)
        train(TrainConfig.resolve(read_file(settings)), device="cpu")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
