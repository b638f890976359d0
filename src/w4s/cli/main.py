"""The command `w4s`: its commands and their options, and trouble turned into one clear line.

What a command does stands in the file of its name, imported when the command is given: listing
the commands must not load what only one of them needs.

Exit codes: 0 done, or a search ended at a limit the user set; 1 something failed on the way; 2 the
user asked for something impossible; 130 stopped with Ctrl-C.
"""

from __future__ import annotations

import gc
import io
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core
import typer.main

from w4s.cli.options import takes
from w4s.config import (
    CollectConfig,
    DoctorConfig,
    EstimateCollectConfig,
    EstimateSearchConfig,
    EstimateTestConfig,
    EvaluateConfig,
    ReportConfig,
    SearchConfig,
    ServeSimulatedConfig,
    TasksConfig,
    TestConfig,
    WatchConfig,
)
from w4s.errors import ConfigError, Interrupted, W4sError
from w4s.serving.settings import ExportConfig, ServeConfig
from w4s.training.settings import DatasetConfig, TrainConfig

INTERRUPTED = 130
GARBAGE_THRESHOLD = 20_000
"""New objects between two looks for cycles: a thousand solver calls at once hold many for long."""

app = typer.Typer(
    name="w4s",
    help="Weak-for-Strong: a small model learns to write workflows that get more out of a strong"
    " one. Start with: w4s tasks",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"w4s {version('w4s')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print it, and end."
        ),
    ] = False,
) -> None:
    """What stands before a command."""


@app.command()
@takes(TasksConfig, "name")
def tasks(config: TasksConfig) -> None:
    """List the tasks, show one, measure its headroom, or begin one of your own."""
    from w4s.cli.tasks import tasks

    tasks(config)


def _rehearse_search(config: SearchConfig) -> None:
    from w4s.cli.estimate import rehearse_search

    rehearse_search(config)


def _rehearse_test(config: TestConfig) -> None:
    from w4s.cli.estimate import rehearse_test

    rehearse_test(config)


def _rehearse_collect(config: CollectConfig) -> None:
    from w4s.cli.estimate import rehearse_collect

    rehearse_collect(config)


@app.command()
@takes(SearchConfig, "task", rehearsal=_rehearse_search)
def search(config: SearchConfig) -> None:
    """Search for a workflow that beats the baselines; goes on where the folder ends."""
    from w4s.cli.search import search

    search(config)


@app.command()
@takes(TestConfig, "run", rehearsal=_rehearse_test)
def test(config: TestConfig) -> None:
    """Measure the best workflow of a run on its sealed test, once."""
    from w4s.cli.test import test

    test(config)


@app.command()
@takes(EvaluateConfig, "task")
def evaluate(config: EvaluateConfig) -> None:
    """Measure one workflow on a task's validation problems; the test set stays closed."""
    from w4s.cli.evaluate import evaluate

    evaluate(config)


@app.command()
@takes(CollectConfig, "tasks", several=True, rehearsal=_rehearse_collect)
def collect(config: CollectConfig) -> None:
    """Play episodes on training problems, to learn from; goes on where the folder ends."""
    from w4s.cli.collect import collect

    collect(config)


@app.command()
@takes(DatasetConfig, "runs", several=True)
def dataset(config: DatasetConfig) -> None:
    """Turn collected episodes into weighted examples, with statistics and a data card."""
    from w4s.cli.dataset import dataset

    dataset(config)


@app.command()
@takes(TrainConfig, "examples")
def train(config: TrainConfig) -> None:
    """Train a meta-agent on a data set (RLAO); goes on where the folder ends."""
    from w4s.cli.train import train

    train(config)


class _Small(typer.core.TyperGroup):
    """Loads what stands behind it, torch too, when it is given."""

    def list_commands(self, ctx: Any) -> list[str]:
        return ["pretrain"]

    def get_command(self, ctx: Any, name: str) -> Any:
        from w4s.cli.small import app

        return typer.main.get_group(app).get_command(ctx, name)


app.add_typer(
    typer.Typer(cls=_Small, no_args_is_help=True, rich_markup_mode=None),
    name="small",
    help="Make a small meta-agent from nothing: w4s small pretrain.",
)


@app.command()
def compare(
    file: Annotated[
        str, typer.Argument(help="TOML file with the contestants, tasks and seeds.")
    ] = "",
    settings: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]…", help="Settings to change.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would take; calls nobody.")
    ] = False,
) -> None:
    """Compare methods and baselines on tasks, with paired statistics; goes on where it ended."""
    from w4s.cli.compare import compare, read_comparison
    from w4s.cli.estimate import estimate_compare

    if dry_run:
        estimate_compare(file, settings or [])
        return
    compare(read_comparison(file, settings or []))


@app.command()
@takes(ReportConfig, "runs", several=True)
def report(config: ReportConfig) -> None:
    """Show what came of a run: its search, its tests, its cost; with --html, everything."""
    from w4s.cli.report import report

    report(config)


@app.command()
@takes(WatchConfig, "run")
def watch(config: WatchConfig) -> None:
    """Look on while a run goes on in another process."""
    from w4s.cli.watch import watch

    watch(config)


estimate = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
app.add_typer(
    estimate, name="estimate", help="Say what a command will take: calls, tokens, dollars, time."
)


@estimate.command("search")
@takes(EstimateSearchConfig, "task")
def estimate_search(config: EstimateSearchConfig) -> None:
    """What a search will take, by assumptions, an earlier run or a probe."""
    from w4s.cli.estimate import estimate_search

    estimate_search(config)


@estimate.command("test")
@takes(EstimateTestConfig, "run")
def estimate_test(config: EstimateTestConfig) -> None:
    """What a test will take, by what its run has measured."""
    from w4s.cli.estimate import estimate_test

    estimate_test(config)


@estimate.command("collect")
@takes(EstimateCollectConfig, "tasks", several=True)
def estimate_collect(config: EstimateCollectConfig) -> None:
    """What a collection will take, by assumptions or an earlier search."""
    from w4s.cli.estimate import estimate_collect

    estimate_collect(config)


@estimate.command("compare")
def estimate_compare(
    file: Annotated[str, typer.Argument(help="TOML file, as for w4s compare.")] = "",
    settings: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]…", help="Settings to change.")
    ] = None,
    like: Annotated[str | None, typer.Option(help="An earlier run to go by.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """What is left of a comparison will take."""
    from w4s.cli.estimate import estimate_compare

    estimate_compare(file, settings or [], like=Path(like) if like else None, as_json=as_json)


@app.command()
@takes(DoctorConfig, None)
def doctor(config: DoctorConfig) -> None:
    """Look whether this machine is ready: sandbox, disk, data, packages; endpoints where named."""
    from w4s.cli.doctor import doctor

    doctor(config)


@app.command()
@takes(ExportConfig, "workflow")
def export(config: ExportConfig) -> None:
    """Write the workflow of a run as one Python file that needs only the openai package."""
    from w4s.cli.export import export

    export(config)


@app.command()
@takes(ServeConfig, "workflow")
def serve(config: ServeConfig) -> None:
    """Serve the workflow of a run at an OpenAI-compatible address, like a model."""
    from w4s.cli.serve import serve

    serve(config)


@app.command("serve-simulated")
@takes(ServeSimulatedConfig, "tasks", several=True)
def serve_simulated(config: ServeSimulatedConfig) -> None:
    """Serve the simulated executor at an OpenAI-compatible address, with faults if wanted."""
    from w4s.cli.serve_simulated import serve

    serve(config)


def main() -> None:
    """Entry point."""
    gc.set_threshold(GARBAGE_THRESHOLD, 20, 20)
    _print_all_text()
    try:
        app()
    except ConfigError as error:
        _say(error)
        sys.exit(2)
    except Interrupted as error:
        _say(error)
        sys.exit(INTERRUPTED)
    except W4sError as error:
        _say(error)
        sys.exit(1)
    except KeyboardInterrupt:
        print("w4s: stopped at once; the same command goes on from here", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has left (`w4s report … | head`); that is its right.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _print_all_text() -> None:
    """What the terminal has no letters for is printed as `?`: a text may hold half a surrogate
    pair, and a locale may know ASCII alone."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _say(error: W4sError) -> None:
    """One line, whatever the message holds."""
    print(f"w4s: {' '.join(str(error).split())}", file=sys.stderr)
