"""A workflow and what it was found with, as the text of one Python file.

In: a workflow, and the model, endpoint and limits that are pinned. Out: the text; see
`exporting.standalone` for what it does. The file holds the name of the variable with the key,
never a key.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version

from w4s.exporting.bundle import bundle
from w4s.exporting.standalone import WARNING
from w4s.types import Workflow

ROOT = "w4s.exporting.standalone"


@dataclass(frozen=True, slots=True)
class Pins:
    """What an exported workflow is tied to."""

    model: str
    base_url: str
    key_variable: str
    """Name of the environment variable that holds the API key."""
    seed: int
    """Of the executor's random draws, as in a search."""
    solver_calls: int
    """Most model calls for one question."""
    reply_tokens: int
    """Longest reply of the model."""
    solver_seconds: float
    """The workflow's own time for one question; waiting for the model is not counted."""


def exported(workflow: Workflow, pins: Pins, origin: str) -> str:
    """The text of the file; `origin` says in a few words where the workflow comes from."""
    values: dict[str, object] = {
        "MODEL": pins.model,
        "BASE_URL": pins.base_url,
        "KEY_VARIABLE": pins.key_variable,
        "SEED": pins.seed,
        "SOLVER_CALLS": pins.solver_calls,
        "REPLY_TOKENS": pins.reply_tokens,
        "SOLVER_SECONDS": pins.solver_seconds,
    }
    code = bundle(ROOT, leave_out=frozenset({"WORKFLOW", *values}))
    return "\n".join(
        [
            _docstring(workflow, pins, origin),
            "from __future__ import annotations\n",
            code.imports,
            "\n# === The workflow, and what it is pinned to\n",
            f"WORKFLOW = {_literal(workflow.code)}\n",
            *(f"{name} = {value!r}" for name, value in values.items()),
            f"\n\n{code.definitions}",
            '\n\nif __name__ == "__main__":\n    main()\n',
        ]
    )


def _docstring(workflow: Workflow, pins: Pins, origin: str) -> str:
    text = f"""\
{workflow.name or "A workflow"} (digest {workflow.digest}), {origin}.

    pip install openai
    export {pins.key_variable}=…
    python THIS_FILE.py "a question"
    python THIS_FILE.py --batch questions.jsonl > answers.jsonl

or, in Python, with this file beside yours: `from THIS_FILE import solve`, `solve("a question")`.
Needs Linux and Python 3.11 or later. The workflow and its settings stand at the top, what you
call stands at the end (`solve`, `outcome`, `main`); between them lies the code that ran the
workflow during the search, copied definition by definition
(w4s {version("w4s")}, Apache License 2.0).

{WARNING}
"""
    return f'"""{_escaped(text)}"""\n'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')


def _literal(code: str) -> str:
    """Python text that reads as itself wherever that is possible."""
    raw = f'r"""{code}"""'
    if '"""' not in code and "\r" not in code and code[-1:] not in ("\\", '"'):
        return raw
    if "'''" not in code and "\r" not in code and code[-1:] not in ("\\", "'"):
        return f"r'''{code}'''"
    return repr(code)
