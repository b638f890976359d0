"""What a small meta-agent reads before its first task: states, and the grammar's actions in them.

In: random numbers. Out: Examples of weight 1, each a state as the compact prompt shows it with an
action of the grammar's dialect. The tasks are made up here and are no tasks of the package: a kind
of problem in one of several wordings. In front of each action stands a line that says what the task
needs, so that the words of a task are learned apart from which workflow suits it:

    Needs: kind=reading answer=number steps=several program=no
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from w4s.meta_agent import Form, MetaAgent
from w4s.models.grammar.plan import Plan
from w4s.models.sampler import InProcess
from w4s.tasks.base import Brief, Interface
from w4s.training.dialect import Dialect, action, draw_plan, vary_plan
from w4s.types import Entry, Example, Problem, State, Step, Workflow
from w4s.workflow import example_workflows, parse_reply


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of made-up task."""

    name: str
    program: bool
    """Whether code that is executed would find the answer."""
    steps: str
    answer: str
    descriptions: Sequence[str]
    questions: Sequence[str]


_KINDS = (
    Kind(
        "calculation",
        True,
        "several",
        "number",
        (
            "Word problems on money, weights and lengths that need sums and products.",
            "Everyday calculations with several quantities, told as a short story.",
            "School mathematics: quantities change, and the last one is asked for.",
            "Long sums with large integers; every digit matters.",
        ),
        (
            "{name} buys {a} {things} at {b} each and gives back {c}. What does {name} pay?",
            "A truck carries {a} {things}; {b} fall off and {c} are loaded. How many arrive?",
            "Compute {a} * {b} + {c}.",
            "{name} earns {a} a week, spends {b} and saves the rest for {c} weeks. How much is it?",
        ),
    ),
    Kind(
        "numbers",
        True,
        "few",
        "number",
        (
            "Questions on whole numbers: factors, digits, sequences.",
            "Discrete mathematics with one integer as the result.",
            "Arrangements and selections of objects; how many there are.",
            "Properties of integers that can be checked one by one.",
        ),
        (
            "How many numbers below {a} are multiples of {c} but not of {d}?",
            "Give the largest common factor of {a} and {b}.",
            "In how many orders can {c} {things} be put on a shelf if two must be neighbours?",
            "What is the sum of the digits of {a} to the power {c}?",
        ),
    ),
    Kind(
        "logic",
        False,
        "several",
        "word",
        (
            "Riddles with people and places that follow from hints.",
            "Deduction puzzles: the hints fix who has what.",
            "Positions in a line or a table, to be inferred. One word is the result.",
        ),
        (
            "{name} sits left of {other}. {third} is at an end. Who sits in the middle?",
            "{name} is older than {other} but younger than {third}. Who is the youngest?",
        ),
    ),
    Kind(
        "simulation",
        True,
        "many",
        "number",
        (
            "Carry out a list of instructions step by step and report the final state.",
            "A machine with counters obeys commands; give the value at the end.",
            "Tracking something that moves through many steps.",
        ),
        (
            "A counter begins at {a}. Add {b}; halve it; take away {c}. Where does it end?",
            "A lift starts on floor {c}, goes up {d}, down {c}, up {d}. On which floor is it?",
        ),
    ),
    Kind(
        "calendar",
        True,
        "several",
        "date",
        (
            "Days, weeks and deadlines. The result is a day in the calendar.",
            "When does something happen, counted from a given day?",
        ),
        (
            "A course begins on March {c} and lasts {d} weeks. When does it end?",
            "{name} pays {c} days after April {d}. On which day is that?",
        ),
    ),
    Kind(
        "reading",
        False,
        "few",
        "word",
        (
            "A text and a question; the words of the result stand in the text.",
            "Find a fact in a story that holds many others.",
            "Text comprehension with names, jobs and places; two sentences have to be combined.",
        ),
        (
            "{name} works as a baker. {other} owns the {things}. Who owns the {things}?",
            "The {things} belong to {name}, who lives by the sea. Where are the {things}?",
        ),
    ),
    Kind(
        "reading",
        True,
        "several",
        "number",
        (
            "A report with many figures, of which some are to be combined.",
            "Text and figures: pick what is asked for and add it together.",
            "A story with amounts; irrelevant ones are mixed in. The result is an amount.",
        ),
        (
            "{name} sold {a} {things} on Friday and {b} on Saturday. {other} sold {c}. "
            "How many did {name} sell?",
            "The club had {a} guests, then {b} left and {c} came. It rained. How many stayed?",
        ),
    ),
    Kind(
        "choice",
        False,
        "few",
        "letter",
        (
            "Exam questions with options; exactly one is right.",
            "Pick the correct option. The result is its letter.",
            "A quiz on facts, answers labelled with letters.",
        ),
        (
            "Which of these is a metal? A) oak B) iron C) wool D) glass",
            "Who of them came first? A) {name} in {a} B) {other} in {b} C) {third} in {c}",
        ),
    ),
    Kind(
        "coding",
        True,
        "several",
        "function",
        (
            "Programming exercises: implement a function from its description.",
            "Short Python tasks, checked with tests that are not shown.",
            "Write code for a given signature; some of the tests are public.",
        ),
        (
            "Write `f_{c}(values)` that returns the {things} above {a} in reverse order.",
            "Implement `g_{d}(text)`: join every second word of the text with a dash.",
        ),
    ),
)
_PRACTICE = "corpus:"
"""Before the names of its episodes. Those of a collection begin with a task."""
_ACTIONS = 4
"""To each state: they share the computation of its prompt."""
_NAMES = ("Olga", "Bram", "Yusuf", "Ines", "Tariq", "Maud", "Pavel", "Lin", "Rhea", "Otto")
_THINGS = ("ropes", "stamps", "tulips", "bottles", "rings", "maps", "loaves", "kites", "beads")
_CLOSINGS = {
    "number": ("A single number is expected.", "The result is an integer.", "Give a number."),
    "word": ("One name is expected.", "The result is a single word.", "Give the name."),
    "date": ("The result is a date.", "Give the day in full."),
    "letter": ("Give the letter.", "The letter of the right option is expected."),
    "function": ("The result is Python source code.", "Give the complete function."),
}
_ANSWERS = {
    "number": ("12", "407", "96230", "7"),
    "word": ("Olga", "Pavel", "north"),
    "date": ("2019-05-04", "March 9"),
    "letter": ("A", "C", "D"),
    "function": ("def f(values): ...", "def g(text): ..."),
}


def is_practice(example: Example) -> bool:
    """Whether it comes from this corpus, and from no collection."""
    return example.trajectory.startswith(_PRACTICE)


def corpus(rng: random.Random) -> Iterator[Example]:
    """Examples without end, several actions to each state, as in a collection.

    About a third stand in a second turn, and half of these vary what was tried."""
    for number in itertools.count(1):
        kind = rng.choice(_KINDS)
        brief = _brief(rng, kind)
        tried = draw_plan(rng, brief.interface.value) if rng.random() < 0.35 else None
        state = _state(rng, kind, brief, tried)
        # The model of an agent that is only asked for its prompts is never called.
        prompt = MetaAgent(InProcess(Dialect()), brief, 0, form=Form.COMPACT).prompt(state)
        for _ in range(_ACTIONS):
            reply = _reply(kind, _next_plan(rng, brief.interface.value, tried))
            name = f"{_PRACTICE}{number}"
            yield Example(prompt, reply, 1.0, 0.0, 0.0, kind.name, name, state.turn)


def needs(kind: Kind) -> str:
    """The line in front of an action."""
    program = "yes" if kind.program else "no"
    return f"Needs: kind={kind.name} answer={kind.answer} steps={kind.steps} program={program}"


def _brief(rng: random.Random, kind: Kind) -> Brief:
    name, other, third = rng.sample(_NAMES, 3)
    size = 10 ** rng.randint(2, 5)
    filled = rng.choice(kind.questions).format(
        name=name,
        other=other,
        third=third,
        things=rng.choice(_THINGS),
        a=rng.randrange(size // 10, size),
        b=rng.randrange(size // 10, size),
        c=rng.randrange(2, 28),
        d=rng.randrange(2, 28),
    )
    description = f"{rng.choice(kind.descriptions)} {rng.choice(_CLOSINGS[kind.answer])}"
    interface = Interface.CODE if kind.answer == "function" else Interface.ANSWER
    example = Problem("made-up", "made-up", filled, None)
    answer = rng.choice(_ANSWERS[kind.answer])
    return Brief("made-up", description, interface, example, answer, "share of right answers")


def _state(rng: random.Random, kind: Kind, brief: Brief, tried: Plan | None) -> State:
    """The example workflows with drawn accuracies, and what a turn that went before has tried."""
    middle = rng.uniform(0.15, 0.8)
    entries = tuple(_entry(rng, workflow, middle) for workflow in _shown(brief.interface.value))
    best = max(entries, key=lambda entry: entry.accuracy)
    if tried is None:
        return State(0, entries, None, (), best.accuracy, best, best)
    reply = _reply(kind, tried)
    entry = _entry(rng, parse_reply(reply), middle)
    if rng.random() < 0.5:  # behind a window: the workflow is the last of the archive
        return State(2, entries, entry, (), best.accuracy, best, entry)
    return State(1, entries, None, (Step(reply, entry.feedback),), best.accuracy, best, entry)


@cache
def _shown(interface: str) -> tuple[Workflow, ...]:
    return example_workflows(interface)


def _entry(rng: random.Random, workflow: Workflow, middle: float) -> Entry:
    accuracy = min(1.0, max(0.0, rng.gauss(middle, 0.12)))
    feedback = f"Accuracy on the private validation problems: {100 * accuracy:.1f} %."
    return Entry(workflow, accuracy, feedback)


def _next_plan(rng: random.Random, interface: str, tried: Plan | None) -> Plan:
    varied = tried is not None and rng.random() < 0.5
    return vary_plan(rng, tried) if tried and varied else draw_plan(rng, interface)


def _reply(kind: Kind, plan: Plan) -> str:
    return f"{needs(kind)}\n{action(plan)}"
