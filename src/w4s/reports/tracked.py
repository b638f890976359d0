"""The records of a run as points for its trackers.

In: what the run's own JSON lines hold. Out: the same numbers, by turn, test or episode. Nothing
that a meta-agent or an executor wrote goes out, numbers and the names of workflows alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean

from w4s.models.metering.ledger import Totals
from w4s.reports.run import Spent, Tested
from w4s.reports.summary import best_entry
from w4s.tracking.points import Point, metric
from w4s.training.collect import Collected
from w4s.types import State, Turn


def search_points(
    begin: State | None, turns: Sequence[Turn], spent: Sequence[Spent]
) -> Iterator[Point]:
    """One point a turn; step 0 are the examples."""
    if begin is None:
        return
    yield Point(
        "search",
        0,
        {"best": begin.best.accuracy, **_cost("examples", spent)},
    )
    for number, turn in enumerate(turns, 1):
        best = best_entry(begin, turns[:number])
        measured = [a.evaluation.accuracy for a in turn.attempts if a.evaluation.ran]
        values = {"candidates": float(len(turn.attempts)), "dropped": float(len(turn.dropped))}
        if best is not None:
            values["best"] = best.accuracy
        if measured:
            values |= {"turn_best": max(measured), "turn_mean": fmean(measured)}
        yield Point("search", number, values | _cost(f"turn {number}", spent))


def test_points(tests: Sequence[Tested]) -> Iterator[Point]:
    """One point for each workflow that was tested, in the order tested."""
    for number, tested in enumerate(tests, 1):
        evaluation = tested.evaluation
        usage = evaluation.usage
        yield Point(
            "test",
            number,
            {
                metric(evaluation.workflow.name): evaluation.accuracy,
                "calls": float(usage.calls + usage.cached),
                "usd": usage.usd,
                "seconds": tested.seconds,
            },
        )


def episode_points(episodes: Sequence[Collected]) -> Iterator[Point]:
    """One point for each episode, in the order finished."""
    for number, collected in enumerate(episodes, 1):
        turns = collected.trajectory.turns
        attempts = [attempt for turn in turns for attempt in turn.attempts]
        values = {"dropped": float(sum(len(turn.dropped) for turn in turns))}
        if attempts:
            values |= {
                "accuracy": fmean(a.evaluation.accuracy for a in attempts),
                "reward": fmean(a.reward for a in attempts),
            }
        yield Point("collect", number, values)


def _cost(stretch: str, spent: Sequence[Spent]) -> dict[str, float]:
    """All that the search had spent at the end of a stretch; unknown when a kill cut it off."""
    ended = next((s for s in spent if s.stretch == stretch), None)
    if ended is None:
        return {}
    total = sum(ended.totals.values(), Totals())
    return {
        "calls": float(total.calls),
        "tokens": float(total.spent.tokens),
        "usd": total.spent.usd,
        "seconds": ended.seconds,
    }
