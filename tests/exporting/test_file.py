"""The exported file as text: whole, plain, and without secrets."""

from __future__ import annotations

import ast
import inspect
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from exported import load, pins, write
from w4s import agent, executor
from w4s.exporting.bundle import bundle
from w4s.exporting.file import ROOT, exported
from w4s.models import choices
from w4s.models.endpoint import features
from w4s.sandbox import values
from w4s.types import Workflow
from w4s.workflow import load_baseline

URL = "http://127.0.0.1:9/v1"


@pytest.fixture(scope="module")
def text() -> str:
    return exported(load_baseline("code_generation"), pins(URL), "for a test")


def test_it_imports_the_standard_library_and_openai_alone(text: str) -> None:
    roots = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            roots |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None
            roots.add(node.module.partition(".")[0])
    assert roots - sys.stdlib_module_names == {"openai"}


def test_every_name_in_it_is_defined_and_every_import_used(text: str, tmp_path: Path) -> None:
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent))
    assert ruff is not None
    path = tmp_path / "solve.py"
    path.write_text(text)
    command = [ruff, "check", "--isolated", "--target-version", "py311", "--select", "F", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "shared",
    [
        agent.Agent,
        agent.read_json_reply,
        executor.Allowance,
        choices.AllChoices,
        values.encode,
        features.SystemRole,
    ],
)
def test_it_holds_the_code_of_a_search_letter_by_letter(text: str, shared: object) -> None:
    assert inspect.getsource(shared).strip() in text  # type: ignore[arg-type]


def test_it_starts_without_openai(text: str, tmp_path: Path) -> None:
    """The processes that run programs import the file too, and must not wait for a package."""
    path = tmp_path / "solve.py"
    path.write_text(text)
    code = "import solve, sys; assert 'openai' not in sys.modules; print(solve.MODEL)"
    command = [sys.executable, "-S", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "simulated\n", done.stderr


@pytest.mark.parametrize(
    "code",
    [
        'def solver(agent, task):\n    """Doc."""\n    return {"answer": "\\n"}\n',
        "def solver(agent, task):\n    x = '''a'''\n    \"\"\"b\"\"\"\n    return {'answer': x}\n",
        "def solver(agent, task):\n    return {'answer': 'ü → \\\\'} # \\",
        'def solver(agent, task): return {"answer": "x"} # "',
        "def solver(agent, task):\r\n    return {}\r\n",
    ],
)
def test_any_workflow_stands_in_it_unchanged(code: str, tmp_path: Path) -> None:
    module = load(write(tmp_path, Workflow(code, 'with """quotes""" \\'), URL))
    assert code == module.WORKFLOW


def test_definitions_of_one_name_are_told_apart(text: str) -> None:
    names = [
        node.name
        for node in ast.parse(text).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert len(names) == len(set(names))
    assert "Refusal" in names  # of the sandbox
    assert "Refusal_of_refusals" in names  # of a server


def test_what_is_left_out_is_left_to_the_caller() -> None:
    code = bundle(ROOT, leave_out=frozenset({"MODEL"}))
    assert "\nMODEL = " not in code.definitions
    assert "\nSEED = " in code.definitions
