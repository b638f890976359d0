"""`w4s train`: from a data set to a better meta-agent, shown as it goes.

In: the settings. Out: a run folder with the model. With several GPUs it is started once per GPU by
torchrun; the first of these processes speaks for all.
"""

from __future__ import annotations

import os
import shlex

from rich.console import Console

from w4s.cli.output import output, say, say_when
from w4s.cli.steps import steps_shown, stop_asked
from w4s.extras import needs
from w4s.models.checkpoints import find_checkpoint, is_small
from w4s.training.dataset import find_examples
from w4s.training.settings import TrainConfig


def train(config: TrainConfig) -> None:
    """Train, or go on with the run in the folder, and say what came of it."""
    find_checkpoint(config.model)  # mistakes in the command show before torch is loaded
    find_examples(config.examples)
    with needs("train", "w4s train"):
        from w4s.training.logs import StepLog, read_logs
        from w4s.training.trainer import train

    first = os.environ.get("RANK", "0") == "0"
    console = Console(stderr=True, quiet=not first)
    with (
        steps_shown(console, "training") as show,
        stop_asked(lambda line: say_when(console, line)) as stop,
    ):

        def watch(log: StepLog) -> None:
            show(
                log.step,
                log.steps,
                _said(log.loss, log.evaluation, log.tokens / max(log.seconds, 1e-3)),
            )

        done = train(config, watch, stop=stop)
    if not first:
        return
    logs = read_logs(config.run)
    held_out = [log.evaluation for log in logs if log.evaluation is not None]
    kind = "small" if is_small(str(done.model)) else "local"
    meta_agent = shlex.quote(f"{kind}:{done.model}")
    lines = [
        f"{done.rows} examples, {done.steps} steps: loss {logs[0].loss:.4f} to {logs[-1].loss:.4f}",
        f"{done.held_out} episodes held out: loss {held_out[-1]:.4f}" if held_out else "",
        f"{done.too_long} examples were too long and left out whole" if done.too_long else "",
        f"The model: {done.model}",
        f"The adapter: {done.adapter}" if done.adapter is not None else "",
        f"Search with it: w4s search TASK --meta-agent {meta_agent} --run …",
    ]
    for line in filter(None, lines):
        say(output(), line)


def _said(loss: float, evaluation: float | None, tokens_per_second: float) -> str:
    held_out = f", held out {evaluation:.4f}" if evaluation is not None else ""
    return f"loss {loss:.4f}{held_out}, {tokens_per_second:,.0f} tokens a second"
