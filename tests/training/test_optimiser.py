"""Optimisers that really move the weights."""

import importlib.util
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from w4s.errors import ConfigError
from w4s.training.optimiser import make_optimiser, set_rate
from w4s.training.settings import Scheme


@pytest.mark.parametrize("scheme", [Scheme.LORA, Scheme.FULL, Scheme.FULL_8BIT])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_plain_steps_on_16_bit_weights_are_refused(scheme: Scheme, dtype: object) -> None:
    weights = [torch.nn.Parameter(torch.ones(4, dtype=dtype))]
    with pytest.raises(ConfigError, match="rounds most of them away"):
        make_optimiser(weights, scheme, learning_rate=1e-5)


def test_why_they_are_refused() -> None:
    """A step of 1e-5 leaves a bf16 weight where it was, and moves a single-precision one."""

    def moved(dtype: object) -> bool:
        weight = torch.nn.Parameter(torch.ones(100, dtype=dtype))
        optimiser = torch.optim.AdamW([weight], lr=1e-5, weight_decay=0.0)
        weight.sum().backward()
        optimiser.step()
        return bool((weight != 1.0).any())

    assert moved(torch.float32)
    assert not moved(torch.bfloat16)


def test_a_step_moves_the_weights_against_the_gradient() -> None:
    weight = torch.nn.Parameter(torch.ones(3))
    optimiser = make_optimiser([weight], Scheme.FULL, learning_rate=0.1)
    (weight * torch.tensor([1.0, -1.0, 0.0])).sum().backward()
    optimiser.step()
    assert weight.tolist() == pytest.approx([0.9, 1.1, 1.0])


@pytest.mark.skipif(importlib.util.find_spec("torchao") is not None, reason="torchao is there")
def test_without_torchao_the_message_says_how_to_get_it() -> None:
    weights = [torch.nn.Parameter(torch.ones(4))]
    with pytest.raises(ConfigError, match="pip install torchao"):
        make_optimiser(weights, Scheme.FULL_8BIT, learning_rate=1e-5)


@pytest.mark.parametrize("held", [0.1, torch.tensor(0.1)])
def test_the_learning_rate_is_set_in_the_form_in_which_it_is_held(held: Any) -> None:
    optimiser = torch.optim.AdamW([torch.nn.Parameter(torch.ones(1))], lr=held)
    set_rate(optimiser, 0.05)
    rate: Any = optimiser.param_groups[0]["lr"]
    assert type(rate) is type(held)
    assert float(rate) == pytest.approx(0.05)
