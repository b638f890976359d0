"""`w4s tasks`: what there is to search on, and a first file for a task of one's own."""

from __future__ import annotations

from pathlib import Path

from rich import box
from rich.table import Table
from rich.text import Text

from w4s.cli.output import output
from w4s.errors import ConfigError
from w4s.tasks.check import Finding, check_task
from w4s.tasks.own_python import NEW_TASK_TEMPLATE
from w4s.tasks.registry import load_task, task_table

LONGEST_QUESTION = 600


def list_tasks() -> None:
    """One line for each task that has a name."""
    table = Table(box=box.SIMPLE_HEAD)
    for column in (
        "task",
        "family",
        "metric",
        "private / public / training / test",
        "licence",
        "data",
    ):
        table.add_column(column)
    for line in task_table():
        table.add_row(*(Text(cell) for cell in line))
    console = output()
    console.print(table)
    console.print("Your own: w4s tasks --new my_task.py", markup=False, highlight=False)


def check_own(name: str) -> None:
    """Show a task, and what is good and bad about it. ConfigError when it cannot be used."""
    show_task(name)
    checks = check_task(load_task(name))
    for check in checks:
        print(f"{check.finding.value:9} {check.question}: {check.detail}")
    if any(check.finding is Finding.BAD for check in checks):
        raise ConfigError(f"{name} cannot be used like this; see the lines above")


def show_task(name: str) -> None:
    """Load a task, and say all that a search would know of it, and how big its test is."""
    task = load_task(name)
    question = task.example.question
    shown = question if len(question) <= LONGEST_QUESTION else f"{question[:LONGEST_QUESTION]} …"
    lines = (
        f"{task.name} ({task.family})",
        "",
        task.description,
        "",
        f"example     {shown}",
        f"answer      {task.example_answer}",
        f"metric      {task.metric}",
        f"solver      {task.interface.value} interface",
        f"validation  {len(task.search.private)} private problems",
        f"public      {len(task.search.public)} problems, which feedback may quote",
        f"training    {len(task.training)} problems",
        f"test        {task.sealed.size} problems, sealed",
        f"source      {task.source or 'not named'}",
        f"licence     {task.licence or 'not named'}",
    )
    output().print("\n".join(lines), markup=False, highlight=False)


def new_task(file: str) -> None:
    """Write a Python file that is a task, to be filled in."""
    path = Path(file)
    if path.suffix != ".py":
        raise ConfigError(f"{file}: a task's file ends in .py; type w4s tasks --new {path.stem}.py")
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(NEW_TASK_TEMPLATE.format(file=path))
    except FileExistsError:
        raise ConfigError(f"{file} exists already; choose another name") from None
    except OSError as error:
        raise ConfigError(f"cannot write {file}: {error.strerror}") from None
    print(f"wrote {file}; fill it in, then: w4s tasks --check {file}")
