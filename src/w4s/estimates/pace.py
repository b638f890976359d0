"""From work to minutes.

In: the stages of a command, one after another, each with solver calls side by side. Out: seconds. A
stage takes as long as its longest chain of calls, or as its calls take when they have to queue, and
the host needs some time of its own for each solver call.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from w4s.estimates.span import Span, total

START_SECONDS = Span(0.3, 0.6, 2.0)
"""Opening the sandbox and the models."""
_STRAGGLER = Span(1.0, 1.6, 3.0)
"""How much longer the slowest of many chains of calls is than a usual one."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Solver calls side by side, once or several times over."""

    solver_calls: Span
    """Of one time."""
    calls: Span
    """To the executor, per solver call, one after another."""
    steps: int = 1
    """How many rounds of solver calls wait for one another: a check, then the validation."""
    proposals: float = 0.0
    """Calls to the meta-agent, one after another, before any solver call."""
    times: Span = Span(1.0, 1.0, 1.0)  # noqa: RUF009  (frozen)


def processors_at_hand() -> float:
    """How many processors others leave to this process, by the load of the last minute."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    count = count or 1
    return count * count / max(count, os.getloadavg()[0] + 1)


class Pace(Protocol):
    """How fast work goes."""

    def seconds(self, stages: Sequence[Stage]) -> Span: ...


@dataclass(frozen=True, slots=True)
class AssumedPace:
    """From what one call and one solver call take."""

    executor: Span
    """Seconds of one call to the executor, without queueing."""
    meta_agent: Span
    """Seconds of one call to the meta-agent."""
    host: Span
    """Seconds of the machine per solver call, all processors together."""
    places: Span
    """Calls that are in flight at once."""

    def seconds(self, stages: Sequence[Stage]) -> Span:
        return START_SECONDS + total(self._stage(stage) * stage.times for stage in stages)

    def _stage(self, stage: Stage) -> Span:
        chain = stage.calls * self.executor * _STRAGGLER * float(stage.steps)
        queue = stage.solver_calls * stage.calls * self.executor
        queue = Span(
            queue.low / self.places.high,
            queue.likely / self.places.likely,
            queue.high / self.places.low,
        )
        waiting = Span(
            max(chain.low, queue.low),
            max(chain.likely, queue.likely),
            max(chain.high, queue.high),
        )
        return waiting + self.meta_agent * stage.proposals + self.host * stage.solver_calls


@dataclass(frozen=True, slots=True)
class MeasuredPace:
    """From what a like stage took in an earlier run."""

    calls: float
    """To the executor in one of its stages, on average."""
    stage_seconds: float
    spread: float
    """Factor by which the next run may be slower or faster."""

    def seconds(self, stages: Sequence[Stage]) -> Span:
        return START_SECONDS + total(self._stage(stage) * stage.times for stage in stages)

    def _stage(self, stage: Stage) -> Span:
        """More work takes longer where the machine or the endpoint is the limit, and does not
        where everything waits side by side: the truth lies between the two."""
        ratio = stage.solver_calls.likely * stage.calls.likely / self.calls
        ends = sorted((self.stage_seconds, self.stage_seconds * ratio))
        likely = self.stage_seconds * ratio**0.7
        return Span(ends[0] / self.spread, likely, ends[1] * self.spread)
