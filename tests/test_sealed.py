"""The test set has one door, and one command goes through it."""

import ast
from pathlib import Path

import w4s

ROOT = Path(w4s.__file__).parent
DOORKEEPERS = {Path("cli/test.py")}
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
    from dataclasses import fields

    from w4s.environment import Environment
    from w4s.tasks.base import SearchSet

    assert {f.name for f in fields(Environment)} == {"evaluator", "problems", "examples", "window"}
    assert {f.name for f in fields(SearchSet)} == {"private", "public"}
