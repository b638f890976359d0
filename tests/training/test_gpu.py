"""On a GPU, when one is at hand; and that what measures there works at all."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="pip install 'w4s[train]'")

ROOT = Path(__file__).resolve().parents[2]

if not (ROOT / "benchmarks").is_dir():
    pytest.skip("the benchmarks are not part of an installation", allow_module_level=True)

gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU at hand")

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`benchmarks.training_gpu`; the folder stands beside the package, not in it."""
    monkeypatch.setattr(sys, "path", [str(ROOT), *sys.path])
    return importlib.import_module("benchmarks.training_gpu")


def test_the_benchmark_measures_what_the_trainer_does(bench: Any) -> None:
    cpu = torch.device("cpu")
    found = bench.differences(bench.TINY, cpu)
    assert found == {"sdpa": (0.0, 0.0)}
    for scheme in ("lora", "full"):
        speed = bench.measure(bench.TINY, scheme, cpu, warm_up=0, steps=1)
        assert speed.tokens > 0
        assert speed.hours > 0


@gpu
@pytest.mark.long
@pytest.mark.parametrize("kernel", ["sdpa", "varlen", "flex"])
def test_kernels_agree_with_single_precision(bench: Any, kernel: str) -> None:
    """The width of Qwen2.5-7B, trajectories of realistic length."""
    loss, gradient = bench.differences(bench.Shape(layers=2), torch.device("cuda"))[kernel]
    assert loss < 1e-2
    assert gradient < 0.1


@gpu
@pytest.mark.long
@pytest.mark.timeout(1200)
def test_a_round_with_lora_takes_less_than_an_hour(bench: Any) -> None:
    speed = bench.measure(bench.Shape(), "lora", torch.device("cuda"))
    assert speed.hours <= 1.0
    assert speed.peak_gib < 80


# --- Liger: trap 5 --------------------------------------------------------------------------


@pytest.mark.long
def test_training_uses_no_fused_loss() -> None:
    """Before 0.8.5 Liger's losses gave wrong gradients without a reduction. None is used here,
    whatever is installed."""
    program = (
        "import sys, torch, benchmarks.training_gpu as b;"
        "b.measure(b.TINY, 'full', torch.device('cpu'), warm_up=0, steps=1);"
        "print([m for m in sys.modules if m.startswith('liger_kernel')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


@gpu
@pytest.mark.skipif(importlib.util.find_spec("liger_kernel") is None, reason="Liger is not here")
def test_liger_without_reduction_gives_right_gradients() -> None:
    """Should somebody want to use it: this is the version to have."""
    from importlib.metadata import version

    fused_loss = importlib.import_module("liger_kernel.transformers")
    if tuple(int(part) for part in version("liger_kernel").split(".")[:3]) < (0, 8, 5):
        pytest.skip("before 0.8.5 it is known to be wrong")
    torch.manual_seed(0)
    hidden = torch.randn(64, 32, device="cuda")
    head = torch.randn(100, 32, device="cuda")
    targets = torch.randint(0, 100, (64,), device="cuda")
    weights = torch.rand(64, device="cuda")
    gradients = []
    for fused in (True, False):
        h, w = hidden.clone().requires_grad_(), head.clone().requires_grad_()
        losses = (
            fused_loss.LigerFusedLinearCrossEntropyLoss(reduction="none")(w, h, targets)
            if fused
            else torch.nn.functional.cross_entropy(h @ w.T, targets, reduction="none")
        )
        (losses * weights).sum().backward()
        gradients.append((h.grad, w.grad))
    for mine, theirs in zip(*gradients, strict=True):
        assert (mine - theirs).norm() / theirs.norm() < 1e-3
