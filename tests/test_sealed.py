"""The test set has one door, and one command goes through it."""

import ast
from pathlib import Path
from typing import get_type_hints

import w4s
from w4s.environment import Environment
from w4s.tasks.base import Sealed, SearchSet, Task

ROOT = Path(w4s.__file__).parent
DOORKEEPERS = {Path("commands/testing.py")}
"""The only file that may open a sealed test set."""


def opened_in(path: Path) -> bool:
    """True when a file calls `….sealed.open(…)`."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "open"
            and isinstance(node.func.value, ast.Attribute)
            and node.func.value.attr == "sealed"
        ):
            return True
    return False


def test_only_the_test_command_opens_the_sealed_set() -> None:
    openers = {p.relative_to(ROOT) for p in ROOT.rglob("*.py") if opened_in(p)}
    assert openers <= DOORKEEPERS


def test_the_environment_holds_no_task() -> None:
    """It gets the search set, a type without test problems, so it cannot leak them."""
    held = set(get_type_hints(Environment).values())
    assert SearchSet in held
    assert not held & {Task, Sealed}
    assert set(get_type_hints(SearchSet)) == {"private", "public"}
