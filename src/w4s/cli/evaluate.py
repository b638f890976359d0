"""`w4s evaluate`: one workflow on the validation problems of a task, the test set closed."""

from __future__ import annotations

from functools import partial

from rich.console import Console

from w4s.cli.output import output, say
from w4s.cli.progress import Progress
from w4s.commands.measuring import measure_one
from w4s.commands.sitting import run_sitting
from w4s.config import EvaluateConfig
from w4s.reports.summary import accuracy_of
from w4s.reports.tables import accuracy_text


def evaluate(config: EvaluateConfig) -> None:
    """Measure, and say how it did and what it took."""
    show = partial(Progress, Console(stderr=True))
    evaluation = run_sitting(measure_one(config), show)
    usage = evaluation.usage
    say(
        output(),
        f"{evaluation.workflow.name} on {len(evaluation.outcomes)} validation problems:"
        f" {accuracy_text(accuracy_of(evaluation))}, {usage.calls + usage.cached:,} calls"
        f" ({usage.cached:,} of them cached), ${usage.usd:.4f}",
    )
