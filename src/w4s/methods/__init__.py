"""Ways to spend a budget on finding a workflow, one protocol for all.

`w4s` is the episode of `w4s.rollout`; the others stand beside it.
"""

from collections.abc import Mapping

from w4s.methods.adas import adas
from w4s.methods.aflow import aflow
from w4s.methods.base import Method, Published
from w4s.methods.gepa import check_installed, gepa
from w4s.methods.random import random_search
from w4s.rollout import rollout

METHODS: Mapping[str, Method] = {
    "w4s": rollout,
    "random": random_search,
    "adas": adas,
    "aflow": aflow,
    "gepa": gepa,
}

_W4S = Published(
    turns=10,
    samples=5,
    trials=1,
    answer_examples=("chain_of_thought", "self_consistency", "code_generation"),
    code_examples=("code_chain_of_thought", "code_self_consistency", "code_public_tests"),
)
_ADAS_SEEDS = (
    "chain_of_thought",
    "self_consistency",
    "self_refine",
    "debate",
    "step_back",
    "quality_diversity",
    "dynamic_roles",
)

PUBLISHED: Mapping[str, Published] = {
    "w4s": _W4S,
    "random": _W4S,
    "adas": Published(
        turns=30,
        samples=1,
        trials=1,
        answer_examples=_ADAS_SEEDS,
        code_examples=tuple(f"code_{name}" for name in _ADAS_SEEDS),
    ),
    "aflow": Published(
        turns=20,
        samples=1,
        trials=5,
        answer_examples=("direct",),
        code_examples=("code_direct",),
    ),
    "gepa": Published(
        turns=10,
        samples=1,
        trials=1,
        answer_examples=("direct",),
        code_examples=("code_direct",),
        ready=check_installed,
    ),
}
"""Defaults of each method; see docs/methods.md for their sources."""
