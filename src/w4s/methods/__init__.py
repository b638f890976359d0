"""Ways to spend a budget on finding a workflow, one protocol for all.

`w4s` is the episode of `w4s.rollout`; the others stand beside it.
"""

from collections.abc import Mapping

from w4s.methods.base import Method
from w4s.methods.random import random_search
from w4s.rollout import rollout

METHODS: Mapping[str, Method] = {"w4s": rollout, "random": random_search}
