"""What is passed on to trackers: points, each a few numbers at a step of a stream."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Point:
    """Numbers that belong together."""

    stream: str
    """`search`, `test`, `collect` or `train`."""
    step: int
    """Turn, test, episode or step of the optimiser; rises within the stream."""
    values: Mapping[str, float]


def metric(name: str) -> str:
    """A name that all trackers accept."""
    return re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII).strip("_") or "unnamed"
