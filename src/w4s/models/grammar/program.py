"""From a plan to the whole program, right or with a plausible bug.

In: a Plan. Out: Python text that defines `solver`, headed by its plan line.
"""

from __future__ import annotations

import random
import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from w4s.models.grammar.answers import ANSWER_BODIES
from w4s.models.grammar.functions import CODE_BODIES
from w4s.models.grammar.plan import Plan, draw
from w4s.models.grammar.sketch import Sketch
from w4s.models.grammar.wording import STRATEGY_REASONS


@dataclass(frozen=True, slots=True)
class Program:
    """One sentence of the grammar."""

    code: str
    plan: Plan


def sample_program(rng: random.Random, interface: str) -> Program:
    """A correct program, drawn afresh. `interface` is `answer` or `code`."""
    plan = draw(rng, interface)
    return Program(write(plan), plan)


def write(plan: Plan) -> str:
    """The program of a plan; equal plans give equal text."""
    s = Sketch(plan)
    body = (CODE_BODIES if s.is_code else ANSWER_BODIES)[plan["strategy"]](s)
    signature = "agent, task: str, entry_point: str" if s.is_code else "agent, task: str"
    returns = s.pick("returns", "", "", " -> dict")
    imports = _import_lines(s.imports)
    outside = s.flag("helpers-outside")
    inner = [*([] if outside else ["\n".join(imports), *s.helpers]), body]
    top = [plan.line, *imports] if outside else [plan.line]
    blocks = ["\n".join(top), *(s.helpers if outside else [])]
    doc = s.pick("docstring", "", "", f'    """{STRATEGY_REASONS[plan["strategy"]]}"""\n')
    solver = f"def solver({signature}){returns}:\n{doc}" + textwrap.indent(
        "\n\n".join(part for part in inner if part), "    "
    )
    return "\n\n\n".join([*blocks, solver]) + "\n"


def _import_lines(modules: set[str]) -> list[str]:
    return sorted(
        (m if m.startswith("from ") else f"import {m}" for m in modules),
        key=lambda line: (line.startswith("from "), line),
    )


# --- Bugs --------------------------------------------------------------------------------------


def with_bug(rng: random.Random, code: str) -> str:
    """The program with one mistake of the kinds that small models make; the program itself when
    none of them can be made here."""
    for bug in rng.sample(_BUGS, len(_BUGS)):
        broken = bug(rng, code)
        if broken != code:
            return broken
    return code


def _wrong_argument(rng: random.Random, code: str) -> str:
    return re.sub(r"\bagent_role=", rng.choice(("role=", "system_role=")), code, count=1)


def _missing_import(rng: random.Random, code: str) -> str:
    return re.sub(r"(?m)^[ ]*(?:import|from) .*\n", "", code)


def _forgotten_index(rng: random.Random, code: str) -> str:
    return re.sub(r"\)\[0\]", ")", code, count=1)


def _misspelled_name(rng: random.Random, code: str) -> str:
    uses = list(
        re.finditer(r"(?<=\()(?:answers|replies|responses|solution|solutions|reply)\b", code)
    )
    if not uses:
        return code
    use = rng.choice(uses)
    return code[: use.start()] + use[0] + "_list" + code[use.end() :]


def _wrong_result_key(rng: random.Random, code: str) -> str:
    return code.replace('return {"answer":', f'return {{"{rng.choice(("result", "output"))}":')


def _bare_result(rng: random.Random, code: str) -> str:
    return re.sub(r'return \{"answer": (.*)\}', r"return \1", code)


def _missing_colon(rng: random.Random, code: str) -> str:
    return re.sub(r"(?m)^([ ]+(?:for|if|def) .*):$", r"\1", code, count=1)


def _unknown_method(rng: random.Random, code: str) -> str:
    return code.replace("agent.call_json_format_llm(", "agent.call_json_llm(")


_BUGS: Sequence[Callable[[random.Random, str], str]] = (
    _wrong_argument,
    _missing_import,
    _forgotten_index,
    _misspelled_name,
    _wrong_result_key,
    _bare_result,
    _missing_colon,
    _unknown_method,
)
