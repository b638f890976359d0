"""What it costs to train on one episode: as a trie, and in three other layouts.

Two turns of five candidates: a first prompt of 3,000 tokens, actions of 900 in the mean, a
feedback of 500; these and the width of Qwen2.5-7B are divided by four. Each layout gives the same
loss (the last line says how nearly):

maximum    one conversation at a time, padded to the longest that the trainer allows (8,192 tokens,
           divided), as the released trainer does
padded     the conversations of a turn in one batch, padded to the longest
packed     all conversations one after the other without padding, each seeing itself alone
trie       every shared prefix once

Each layout runs on one thread in a process of its own, without gradient checkpointing; packed and
trie take the head only where there is a loss. Memory is the peak beyond the loaded model with its
gradients.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

LAYOUTS = ("maximum", "padded", "packed", "trie")
DIVISOR = 4
PROMPT, ACTIONS, FEEDBACK, MAXIMUM = 3000, (720, 800, 900, 1000, 1080), 500, 8192
WIDTH, MLP, HEAD = 3584, 18944, 64
"""Of a real run with Qwen2.5-7B, to be divided."""
REPEATS = 2


@dataclass(frozen=True, slots=True)
class Cost:
    """What one layout took, forward and backward."""

    layout: str
    loss: float
    cpu_seconds: float
    """Of all threads, the best of the repeats."""
    seconds: float
    peak_mib: float
    tokens: int
    """Computed."""


def main(divisor: int = DIVISOR) -> None:
    """Measure every layout and print a table. A larger divisor is quicker and tells less."""
    costs = [_in_a_process(layout, divisor) for layout in LAYOUTS]
    trie = costs[-1]
    print(
        f"{'layout':10} {'tokens':>7} {'CPU s':>7} {'s':>7} {'MiB':>7}  CPU and memory of a trie's"
    )
    for cost in costs:
        print(
            f"{cost.layout:10} {cost.tokens:7d} {cost.cpu_seconds:7.2f} {cost.seconds:7.2f}"
            f" {cost.peak_mib:7.0f}  {cost.cpu_seconds / trie.cpu_seconds:5.2f} x"
            f" {cost.peak_mib / trie.peak_mib:5.2f} x"
        )
    spread = max(abs(cost.loss - trie.loss) / trie.loss for cost in costs)
    print(f"the losses agree to {spread:.0e} of their value")


def _in_a_process(layout: str, divisor: int) -> Cost:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.training", layout, str(divisor)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return Cost(**json.loads(done.stdout.splitlines()[-1]))


def measure(layout: str, divisor: int) -> Cost:
    """One layout in this process: the peak of memory is that of the whole process."""

    import torch

    from w4s.training.attention import use_trie_attention

    torch.set_num_threads(1)  # on a busy machine several threads mostly wait for each other
    model = _model(divisor)
    if layout in ("trie", "packed"):
        use_trie_attention(model)
    model.train()
    rows = _rows(divisor)
    compute, tokens = _layouts(model, rows, MAXIMUM // divisor)[layout]
    loaded = _peak_mib()
    loss, best_cpu, best = 0.0, float("inf"), float("inf")
    for _ in range(REPEATS):
        model.zero_grad(set_to_none=False)
        cpu, wall = time.process_time(), time.perf_counter()
        loss = compute()
        best_cpu = min(best_cpu, time.process_time() - cpu)
        best = min(best, time.perf_counter() - wall)
    return Cost(layout, loss, best_cpu, best, _peak_mib() - loaded, tokens)


def _model(divisor: int) -> Any:
    """One layer in the proportions of Qwen2.5-7B, and a small vocabulary."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    heads = WIDTH // divisor // HEAD
    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=4096,
            hidden_size=WIDTH // divisor,
            intermediate_size=MLP // divisor,
            num_hidden_layers=1,
            num_attention_heads=heads,
            num_key_value_heads=max(1, heads // 7),
            max_position_embeddings=MAXIMUM // divisor,
            tie_word_embeddings=False,
        )
    )
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    return model


def _rows(divisor: int) -> list[Any]:
    import numpy as np

    from w4s.training.tokens import Row

    rng = np.random.default_rng(0)
    prompt = rng.integers(1, 4096, PROMPT // divisor)
    rows = []
    for _ in range(2):
        actions = [rng.integers(1, 4096, length // divisor) for length in ACTIONS]
        for action in actions:
            ids = np.concatenate([prompt, action])
            trained = np.arange(len(ids)) >= len(prompt)
            rows.append(Row(ids, trained, float(rng.uniform(1.0, 12.2)), len(prompt)))
        prompt = np.concatenate([prompt, actions[0], rng.integers(1, 4096, FEEDBACK // divisor)])
    return rows


def _layouts(
    model: Any, rows: list[Any], maximum: int
) -> dict[str, tuple[Callable[[], float], int]]:
    """Per layout a function that computes loss and gradients, and the tokens it computes."""
    import torch

    from w4s.training.loss import Scorer, log_probabilities
    from w4s.training.trie import build, join

    weight = sum(row.weight for row in rows)
    turns = [rows[: len(ACTIONS)], rows[len(ACTIONS) :]]
    longest = [max(len(row.ids) for row in turn) for turn in turns]

    def batch(members: list[Any], length: int) -> float:
        ids = torch.zeros(len(members), length, dtype=torch.long)
        mask = torch.zeros(len(members), length, dtype=torch.long)
        coefficients = torch.zeros(len(members), length)
        for number, row in enumerate(members):
            ids[number, : len(row.ids)] = torch.as_tensor(row.ids)
            mask[number, : len(row.ids)] = 1
            coefficients[number, : len(row.ids)] = torch.as_tensor(row.coefficients)
        logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits
        log_p = log_probabilities(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
        return _backward(-(coefficients[:, 1:].flatten() * log_p).sum() / weight)

    trie, packed = build(rows), join([build([row]) for row in rows])
    scorer = Scorer(model)
    return {
        "maximum": (lambda: sum(batch([row], maximum) for row in rows), maximum * len(rows)),
        "padded": (
            lambda: sum(batch(t, n) for t, n in zip(turns, longest, strict=True)),
            sum(n * len(ACTIONS) for n in longest),
        ),
        "packed": (lambda: _backward(scorer(packed) / weight), packed.tokens),
        "trie": (lambda: _backward(scorer(trie) / weight), trie.tokens),
    }


def _backward(loss: Any) -> float:
    loss.backward()
    return float(loss.detach())


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    print(json.dumps(asdict(measure(sys.argv[1], int(sys.argv[2])))))
