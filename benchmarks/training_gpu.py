"""Training a model of seven billion parameters on one GPU: exactness, time, memory, hours.

Weights are random in the shape of Qwen2.5-7B, episodes have the lengths of a real collection (two
turns of five candidates; a first prompt of 3,000 tokens, actions of 900 in the mean, a feedback of
500). First each kernel of the trie attention against a reference in single precision, then steps of
LoRA and of full fine-tuning, and from these the hours for 212 trajectories in 4 epochs. Without a
GPU it says so and measures nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.training import _rows

WARM_UP, STEPS = 3, 20
TRIES_PER_STEP = 2
"""Twenty examples, about what a step takes by default."""
TRAJECTORIES, EPOCHS = 212, 4
PEAK_FLOPS = 989e12
"""Of an H100 or H200 in bf16, by its data sheet."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How large the model is, and by what the lengths are divided."""

    width: int = 3584
    mlp: int = 18944
    layers: int = 28
    heads: int = 28
    kv_heads: int = 4
    vocabulary: int = 152064
    divisor: int = 1


TINY = Shape(64, 96, 2, 4, 2, 4096, 50)
"""For a machine without a GPU: that the benchmark itself works."""


@dataclass(frozen=True, slots=True)
class Speed:
    """What steps of one scheme took."""

    scheme: str
    seconds: float
    """Of one step, the median."""
    tokens: int
    """Computed in one step, shared prefixes once."""
    peak_gib: float
    utilisation: float
    """Share of the GPU's peak that went into the model's own operations; layers that checkpointing
    computes a second time are not counted."""

    @property
    def hours(self) -> float:
        return self.seconds / TRIES_PER_STEP * TRAJECTORIES * EPOCHS / 3600


def main() -> None:
    """Measure and print, where there is a GPU."""
    import torch

    if not torch.cuda.is_available():
        print("no GPU here: nothing was measured")
        return
    device = torch.device("cuda")
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}")
    for kernel, (loss, gradient) in differences(Shape(layers=2), device).items():
        print(f"{kernel:8} loss off by {loss:.1e}, gradient by {gradient:.1e} (relative, bf16)")
    for scheme in schemes():
        speed = measure(Shape(), scheme, device)
        print(
            f"{speed.scheme:10} {speed.seconds:6.2f} s a step of {speed.tokens:,} tokens,"
            f" {speed.tokens / speed.seconds:,.0f} tokens/s, {speed.peak_gib:.1f} GiB,"
            f" {speed.utilisation:.0%} of the peak; {speed.hours:.2f} h for {TRAJECTORIES}"
            f" trajectories in {EPOCHS} epochs"
        )


def schemes() -> list[str]:
    """LoRA, and full fine-tuning where its optimiser is installed."""
    try:
        import torchao  # noqa: F401
    except ImportError:
        print("full-8bit is left out: pip install torchao")
        return ["lora"]
    return ["lora", "full-8bit"]


def differences(shape: Shape, device: Any) -> dict[str, tuple[float, float]]:
    """Each kernel in half precision against sdpa in single precision: loss, gradient."""
    import torch

    from w4s.training.attention import Kernel, use_trie_attention
    from w4s.training.loss import Scorer
    from w4s.training.trie import build

    trie = build(_rows(shape.divisor))
    half = torch.bfloat16 if device.type == "cuda" else torch.float32
    kernels = list(Kernel) if device.type == "cuda" else [Kernel.SDPA]

    def scored(dtype: Any, kernel: Kernel) -> tuple[float, Any]:
        model = random_model(shape, device, dtype)
        use_trie_attention(model)
        loss = Scorer(model, kernel=kernel)(trie) / trie.weight
        loss.backward()
        projection = model.model.layers[0].self_attn.q_proj.weight
        return float(loss.detach()), projection.grad.float()

    loss, gradient = scored(torch.float32, Kernel.SDPA)
    found = {}
    for kernel in kernels:
        other_loss, other = scored(half, kernel)
        off = float((other - gradient).norm() / gradient.norm())
        found[kernel.value] = (abs(other_loss - loss) / loss, off)
    return found


def measure(
    shape: Shape, scheme_name: str, device: Any, *, warm_up: int = WARM_UP, steps: int = STEPS
) -> Speed:
    """Steps as the trainer takes them."""
    import torch

    from w4s.training.attention import use_trie_attention
    from w4s.training.loss import Scorer, causal
    from w4s.training.optimiser import make_optimiser
    from w4s.training.settings import Scheme
    from w4s.training.trie import build
    from w4s.training.weights import add_lora, checkpoint_layers, trainable

    scheme, cuda = Scheme(scheme_name), device.type == "cuda"
    half = scheme is Scheme.LORA and cuda
    model = random_model(shape, device, torch.bfloat16 if half else torch.float32)
    parameters = sum(p.numel() for p in model.parameters())
    if scheme is Scheme.LORA:
        model = add_lora(model, rank=64, alpha=128)
    use_trie_attention(causal(model))
    checkpoint_layers(model)
    scorer = Scorer(model).train()
    optimiser = make_optimiser(trainable(scorer).values(), scheme, learning_rate=1e-5)
    trie = build(_rows(shape.divisor))
    autocast = torch.autocast("cuda", torch.bfloat16, enabled=cuda and not half)
    if cuda:
        torch.cuda.reset_peak_memory_stats()
    taken = []
    for number in range(warm_up + steps):
        begun = time.perf_counter()
        for _ in range(TRIES_PER_STEP):
            with autocast:
                loss = scorer(trie) / (TRIES_PER_STEP * trie.weight)
            loss.backward()
        torch.nn.utils.clip_grad_norm_(trainable(scorer).values(), 1.0)
        optimiser.step()
        optimiser.zero_grad()
        if cuda:
            torch.cuda.synchronize()
        if number >= warm_up:
            taken.append(time.perf_counter() - begun)
    seconds, tokens = _median(taken), TRIES_PER_STEP * trie.tokens
    # Forward 2, backward through the activations 2, and where the weights learn 2 more.
    each = 4 if scheme is Scheme.LORA else 6
    attention = TRIES_PER_STEP * trie.attention * shape.layers * shape.width * 2 * each
    flops = each * parameters * tokens + attention
    peak = torch.cuda.max_memory_allocated() / 2**30 if cuda else 0.0
    return Speed(scheme_name, seconds, tokens, peak, flops / seconds / PEAK_FLOPS)


def random_model(shape: Shape, device: Any, dtype: Any) -> Any:
    """A Qwen2 with random weights, the same ones each time."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=shape.vocabulary,
        hidden_size=shape.width,
        intermediate_size=shape.mlp,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        max_position_embeddings=8192,
        tie_word_embeddings=False,
    )
    with torch.device(device):
        return Qwen2ForCausalLM(config).to(dtype)


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]
