"""Parents are found where a method names them, and made up nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from w4s.config import SearchConfig
from w4s.reports.lineage import parents
from w4s.reports.run import Run
from w4s.types import Attempt, Entry, Evaluation, Message, Proposal, State, Turn, Workflow

SHORT = Workflow("def solver(agent, task):\n    return {}\n", "short")
LONG = Workflow(SHORT.code + "# and more\n", "long")
"""Its code holds that of the short one."""
CHILD = Workflow("# child\n", "child")


def run(method: str, *turns: Turn) -> Run:
    config = SearchConfig.resolve({"task": "sums", "run": "r", "method": method})
    return Run(Path("r"), config, {}, turns[0].state, turns, (), ())


def turn(number: int, last: Workflow, *attempts: Attempt, dropped: Proposal | None = None) -> Turn:
    examples = (Entry(SHORT, 0.5, ""), Entry(LONG, 0.4, ""))
    entry = Entry(last, 0.5, "")
    state = State(number, examples, None, (), 0.5, entry, entry)
    return Turn(state, attempts, () if dropped is None else (dropped,))


def attempt(flow: Workflow, asked: str) -> Attempt:
    nothing = Evaluation(flow, ())
    return Attempt(Proposal((Message("user", asked),), "", flow), nothing, nothing, "", 0.0)


def test_w4s_improves_what_advanced_last() -> None:
    one = turn(0, LONG, attempt(CHILD, "anything"), dropped=Proposal((), "", None))
    assert parents(run("w4s", one), one) == (LONG.digest, LONG.digest)


def test_aflow_asks_about_its_parent() -> None:
    first = turn(0, SHORT, attempt(CHILD, f"Change this:\n{SHORT.code}"), attempt(LONG, LONG.code))
    second = turn(1, SHORT, attempt(SHORT, f"Change this:\n{CHILD.code}"), attempt(SHORT, "?"))
    told = run("aflow", first, second)
    assert parents(told, first) == (SHORT.digest, LONG.digest)
    assert parents(told, second) == (CHILD.digest, None)


@pytest.mark.parametrize("method", ["adas", "random"])
def test_other_methods_name_no_parent(method: str) -> None:
    one = turn(0, LONG, attempt(CHILD, LONG.code))
    assert parents(run(method, one), one) == (None,)
