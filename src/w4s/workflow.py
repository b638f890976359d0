"""A workflow is text: find it in a reply, check that it parses, load the ones that come along.

In: a meta-agent's reply, a name or a file. Out: a Workflow. Nothing is executed here.
"""

from __future__ import annotations

import ast
import re
import symtable
from importlib.resources import files
from pathlib import Path

from w4s.errors import ConfigError
from w4s.settings import nearest
from w4s.types import Workflow

_FENCE = re.compile(
    r"^[ \t]*```[ \t]*(?:python|py)?[ \t]*\n(.*?)(?:^[ \t]*```|\Z)", re.DOTALL | re.MULTILINE
)
_EXAMPLES = {
    "answer": ("chain_of_thought", "self_consistency", "code_generation"),
    "code": ("code_chain_of_thought", "code_self_consistency", "code_public_tests"),
}


class NoWorkflow(Exception):
    """A reply holds no workflow; the message tells the meta-agent what to write."""


def parse_reply(reply: str, name: str = "") -> Workflow:
    """The workflow in a reply: the last fenced block that defines `solver`.

    Raises NoWorkflow when there is none or it is no Python."""
    blocks = [block.strip("\n") for block in _FENCE.findall(reply)]
    if not blocks:
        raise NoWorkflow("The reply holds no ```python block. Write the whole solver in one block.")
    named = [block for block in blocks if re.search(r"^def\s+solver\b", block, re.MULTILINE)]
    if not named:
        raise NoWorkflow("No block of the reply defines a function `solver` at its top level.")
    code = named[-1] + "\n"
    try:
        ast.parse(code)
    except SyntaxError as error:
        raise NoWorkflow(
            f"SyntaxError: {error.msg} (line {error.lineno}): {error.text or ''}"
        ) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise NoWorkflow(f"The block cannot be parsed: {error}") from None
    return Workflow(code, name)


def analysis_of(reply: str) -> str:
    """The free text before the code."""
    return _FENCE.split(reply, maxsplit=1)[0].strip()


def baseline_names() -> list[str]:
    """Names of the workflows that come along."""
    return sorted(
        entry.name.removesuffix(".py")
        for entry in files("w4s.workflows").iterdir()
        if entry.name.endswith(".py") and entry.name != "__init__.py"
    )


def load_baseline(name: str) -> Workflow:
    """One of the workflows that come along, by name."""
    if name not in baseline_names():
        raise ConfigError(f"unknown workflow '{name}'; there are: {', '.join(baseline_names())}")
    return Workflow(files("w4s.workflows").joinpath(f"{name}.py").read_text("utf-8"), name)


def named_workflow(name: str, interface: str) -> Workflow:
    """A baseline by its name, else a file of the user's."""
    if name in baseline_names():
        return load_baseline(name)
    if not Path(name).exists():
        names = [w.name for w in baselines(interface)]
        raise ConfigError(
            f"no file and no baseline {name!r}{nearest(name, names)} (baselines:"
            f" {', '.join(names)})"
        )
    return read_workflow(Path(name))


def read_workflow(path: Path) -> Workflow:
    """A file of the user's. What a meta-agent wrote is for the sandbox to judge; a wrong file is
    found before anything is spent, or a sealed set read: ConfigError where no `solver` is bound."""
    try:
        code = path.read_text(encoding="utf-8")
        names = symtable.symtable(code, path.name, "exec")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the workflow {path}: {error}") from None
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ConfigError(f"the workflow {path} is no Python: {error}") from None
    if "solver" not in [s.get_name() for s in names.get_symbols() if _bound(s)]:
        raise ConfigError(f"the workflow {path} defines no function solver")
    return Workflow(code, path.stem)


def _bound(symbol: symtable.Symbol) -> bool:
    return symbol.is_assigned() or symbol.is_imported()


def baselines(interface: str) -> tuple[Workflow, ...]:
    """The workflows that come along for an interface (`answer` or `code`), by name."""
    return tuple(load_baseline(name) for name in baseline_names() if _interface(name) == interface)


def example_workflows(interface: str) -> tuple[Workflow, ...]:
    """The examples of the first state, for an interface (`answer` or `code`)."""
    return tuple(load_baseline(name) for name in _EXAMPLES[interface])


def _interface(name: str) -> str:
    """Baselines of programming tasks are named for it; `code_generation` answers by a program."""
    return "code" if name.startswith("code_") and name != "code_generation" else "answer"
