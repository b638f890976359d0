"""A run folder made by hand, whose model writes what could harm a page or a reader.

Every text that must stay hidden holds one of the words below.
"""

from __future__ import annotations

from pathlib import Path

from w4s.config import SearchConfig
from w4s.models.metering.ledger import Totals
from w4s.reports.run import (
    BEGIN,
    PUBLIC,
    SPENT,
    TESTS,
    TURNS,
    Spent,
    Tested,
    begin_text,
    public_text,
)
from w4s.store import RunFolder
from w4s.types import (
    Attempt,
    Entry,
    Evaluation,
    Message,
    Outcome,
    Problem,
    Proposal,
    Repair,
    Score,
    State,
    Status,
    Trouble,
    Turn,
    Usage,
    Workflow,
)

PRIVATE_WORD = "PRIVATE-PROBLEM-TEXT"
SEALED_WORD = "SEALED-PROBLEM-TEXT"
TARGET_WORD = "GOLD-TARGET"
HOSTILE = "</script></pre><img src=x onerror=\"document.title='taken'\">"
REORDERED = "admin\u202e\u2066 // check\u2069 \u2066"
PROBLEMS = 12
QUESTIONS = (
    Problem("q0", "o/0", f"How many {HOSTILE} make a dozen?", TARGET_WORD),
    Problem("q1", "o/1", "How many legs has a spider?", TARGET_WORD),
)

_STARTED = "def solver(agent, task):\n    return {'answer': '1'}\n"
_FOUND = f'''# {HOSTILE} {REORDERED}
def solver(agent, task):
    text = """{HOSTILE}"""
    return {{"answer": agent.call_llm(task) or text}}
'''


def write_run(folder: Path, *, analysis: str = "", turns: int = 3) -> Path:
    """Two of `turns` turns: the first found the best, the second a worse one and a dropped one."""
    started, voted = _entry("started", _STARTED, 0.5), _entry("voted", "# vote\n" + _STARTED, 0.25)
    begin = State(0, (started, voted), None, (), 0.5, started, started)
    first = _attempt("turn 1, sample 1", _FOUND, 9, f"{HOSTILE} {REORDERED} {analysis}", 1.0)
    second = _attempt("turn 1, sample 2", _STARTED + "# again\n", 4, "Less is more.", 0.0)
    best = Entry(first.workflow, 0.75, "")
    later = State(1, begin.examples, None, (), 0.5, best, best)
    third = _attempt("turn 2, sample 1", _FOUND + "# third\n", 6, "Once more.", 0.0)
    dropped = Proposal((), f"I tried. {HOSTILE}", None, f"raised: {HOSTILE}")
    config = SearchConfig.resolve({"task": "sums", "run": folder, "turns": turns, "samples": 2})
    with RunFolder(folder) as run:
        run.settle(config, {"private": PROBLEMS})
        run.write(PUBLIC, public_text(QUESTIONS))
        run.write(BEGIN, begin_text(begin))
        journal = run.journal(TURNS, Turn)
        journal.append(Turn(begin, (first, second)))
        journal.append(Turn(later, (third,), (dropped,)))
        spent = run.journal(SPENT, Spent)
        spent.append(Spent("examples", 30.0, {"executor": Totals(calls=24, usd=0.25)}))
        spent.append(Spent("turn 1", 95.0, {"executor": Totals(calls=100, usd=1.0)}))
        spent.append(Spent("turn 2", 40.0, {"executor": Totals(calls=130, usd=1.25)}))
        spent.append(Spent(f"test {HOSTILE}", 7.0, {"executor": Totals(calls=20, usd=0.5)}))
        tests = run.journal(TESTS, Tested)
        tests.append(Tested(_sealed("direct", 4), "baseline", "d", 2.0))
        tests.append(Tested(_sealed(HOSTILE, 5), "file", "d", 2.0))
        tests.append(Tested(_sealed("turn 1, sample 1", 8, _FOUND), "found", "d", 5.0))
    return folder


def _entry(name: str, code: str, accuracy: float) -> Entry:
    return Entry(Workflow(code, name), accuracy, f"{HOSTILE} feedback of {name}")


def _attempt(name: str, code: str, right: int, analysis: str, reward: float) -> Attempt:
    workflow = Workflow(code, name)
    reply = f"{analysis}\n\n```python\n{code}```\n"
    repairs = (Repair(f"raised: KeyError {HOSTILE}", "…"),) if reward else ()
    proposal = Proposal((Message("user", "…"),), reply, workflow, "", repairs)
    public = Evaluation(workflow, (_scored("q0", 1.0, HOSTILE), _failed("q1", "public trouble")))
    return Attempt(proposal, _private(workflow, right), public, f"{HOSTILE} told", reward)


def _private(workflow: Workflow, right: int) -> Evaluation:
    """The last one raises, the others are right or wrong."""
    outcomes = [_scored(f"p{i}", float(i < right), PRIVATE_WORD) for i in range(PROBLEMS - 1)]
    return Evaluation(workflow, (*outcomes, _failed("last", PRIVATE_WORD)))


def _sealed(name: str, right: int, code: str = "") -> Evaluation:
    outcomes = (_scored(f"{SEALED_WORD}/{i}", float(i < right), SEALED_WORD) for i in range(10))
    return Evaluation(Workflow(code or f"# {name}", name), tuple(outcomes))


def _scored(problem: str, value: float, answer: str) -> Outcome:
    score = Score(value, answer, answer)
    return Outcome(problem, Status.SCORED, score, answer, usage=Usage(1, 0, 10, 5, 0.01))


def _failed(problem: str, words: str) -> Outcome:
    """A program may name its exceptions as it likes."""
    return Outcome(problem, Status.RAISED, trouble=Trouble(words, words, 3, words))
