"""`w4s tasks`: what there is to search on, and a first file for a task of one's own."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from w4s.cli.output import output, say
from w4s.config import TasksConfig
from w4s.errors import ConfigError
from w4s.tasks.base import Task
from w4s.tasks.check import Finding, check_task
from w4s.tasks.own_python import NEW_TASK_TEMPLATE
from w4s.tasks.registry import Split, TaskLine, load_task, task_table
from w4s.tasks.splits import overlaps

LONGEST_QUESTION = 600
WIDE = 110
"""Columns of a terminal that has room for the licences beside the rest."""
LABEL = 12
"""Columns of the labels in front of what is said of one task."""


def tasks(config: TasksConfig) -> None:
    """Do what was asked for; without a word, list the tasks."""
    if config.headroom:
        # What measures is imported when it is wanted: a listing must come at once.
        from w4s.cli.headroom import measure_headroom

        measure_headroom(config)
    elif config.new is not None:
        new_task(config.new)
    elif config.check is not None:
        check_own(config.check)
    elif config.name is not None:
        show_task(config.name, config.split)
    else:
        list_tasks(output())


def list_tasks(console: Console) -> None:
    """One line for each task that has a name; narrow terminals get fewer columns."""
    wide = console.width >= WIDE
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("task", "family", "metric", "sets", "data"):
        table.add_column(heading, no_wrap=True)
    if wide:
        table.add_column("licence", no_wrap=True, overflow="ellipsis")
    for line in task_table():
        cells = (line.name, line.family, _metric(line), line.sizes.replace(" ", ""), _data(line))
        table.add_row(*map(Text, (*cells, line.licence) if wide else cells))
    console.print(table)
    for hint in (
        "sets: private/public/training/test; data: hub means Hugging Face, or W4S_DATA",
        "One of them: w4s tasks NAME. Your own: w4s tasks --new my_task.py",
    ):
        say(console, hint)


def _metric(line: TaskLine) -> str:
    """In a word or two; `w4s tasks NAME` has it whole."""
    if line.family == "code":
        return "pass@1"
    return re.split(r",| over ", line.metric)[0]


def _data(line: TaskLine) -> str:
    return "hub" if line.data.startswith("from the hub") else line.data


def check_own(name: str) -> None:
    """Show a task, and what is good and bad about it. ConfigError when it cannot be used."""
    show_task(name)
    checks = check_task(load_task(name))
    for check in checks:
        print(f"{check.finding.value:9} {check.question}: {check.detail}")
    if any(check.finding is Finding.BAD for check in checks):
        raise ConfigError(f"{name} cannot be used like this; see the lines above")


def show_task(name: str, split: str = Split.DEFAULT) -> None:
    """Load a task, and say all that a search would know of it, and how big its test is."""
    task = load_task(name, split=split)
    console = output()
    for text in (f"{task.name} ({task.family})", "", task.description, ""):
        say(console, text)
    for label, text in _facts(task):
        _say(console, label, text)
    if split == Split.PAPER:
        shared = [str(overlap).replace(f"{task.name} ", "") for overlap in overlaps([task])]
        _say(console, "overlaps", "\n".join(shared) or "none: no two of its sets share an origin")
    if task.confidential:
        _say(console, "note", "confidential: show no problem in public; runs lie in the cache")


def _facts(task: Task) -> tuple[tuple[str, str], ...]:
    question = task.example.question
    shown = question if len(question) <= LONGEST_QUESTION else f"{question[:LONGEST_QUESTION]} …"
    return (
        ("example", shown),
        ("answer", task.example_answer),
        ("metric", task.metric),
        ("scoring", task.rule or "not described"),
        ("solver", f"{task.interface.value} interface"),
        ("validation", f"{len(task.search.private)} private problems"),
        ("public", f"{len(task.search.public)} problems, which feedback may quote"),
        ("training", f"{len(task.training)} problems"),
        ("test", f"{task.sealed.size} problems, sealed"),
        ("sets", task.division or "not described"),
        ("source", task.source or "not named"),
        ("licence", task.licence or "not named"),
    )


def _say(console: Console, label: str, text: str) -> None:
    """A label, and the text beside it, wrapped within its own column."""
    line = Table.grid()
    line.add_column(width=LABEL, no_wrap=True)
    line.add_column(overflow="fold")
    line.add_row(Text(label), Text(text))
    console.print(Padding(line, 0, expand=False))


def new_task(file: str) -> None:
    """Write a Python file that is a task, to be filled in."""
    path = Path(file)
    if path.suffix != ".py":
        better = shlex.quote(f"{path.stem}.py")
        raise ConfigError(f"{file}: a task's file ends in .py; type w4s tasks --new {better}")
    typed = shlex.quote(file)
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(NEW_TASK_TEMPLATE.format(file=typed))
    except FileExistsError:
        raise ConfigError(f"{file} exists already; choose another name") from None
    except OSError as error:
        raise ConfigError(f"cannot write {file}: {error.strerror}") from None
    print(f"wrote {file}; fill it in, then: w4s tasks --check {typed}")
