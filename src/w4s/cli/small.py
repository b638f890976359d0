"""`w4s small`: the small meta-agent.

`w4s small pretrain` teaches one from nothing, by imitation of the grammar's corpus. Its settings
stand beside the model, behind torch, so this file is imported when the command is given.
"""

from __future__ import annotations

import shlex

import typer
from rich.console import Console

from w4s.cli.options import takes
from w4s.cli.output import output, say
from w4s.cli.steps import steps_shown
from w4s.errors import Interrupted
from w4s.extras import needs

with needs("train", "w4s small"):
    from w4s.training.pretrain import Imitated, PretrainConfig
    from w4s.training.pretrain import pretrain as make_checkpoint

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def small() -> None:
    """The small meta-agent: make one from nothing."""


@app.command()
@takes(PretrainConfig, "out")
def pretrain(config: PretrainConfig) -> None:
    """Teach a small meta-agent to write workflows, by imitation of the grammar."""
    with steps_shown(Console(stderr=True), "imitating") as show:

        def watch(step: Imitated) -> None:
            speed = step.tokens / max(step.seconds / step.step, 1e-3)
            show(step.step, step.steps, f"loss {step.loss:.4f}, {speed:,.0f} tokens a second")

        try:
            folder = make_checkpoint(config, watch)
        except KeyboardInterrupt:
            raise Interrupted("stopped; the same command begins again") from None
    meta_agent = shlex.quote(f"small:{folder}")
    say(output(), f"Search with it: w4s search TASK --meta-agent {meta_agent} --run …")
