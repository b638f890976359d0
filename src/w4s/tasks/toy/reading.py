"""Reading: finding facts in a passage, counting in it, computing from it.

In: a random generator and a draw. Out: one problem; where counting or computing is asked for,
with a program whose data has been read out of the passage.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from w4s.models.answer_book import Skill
from w4s.tasks.toy.draws import (
    NAMES,
    Answer,
    Draft,
    Draw,
    Family,
    Variant,
    listed,
    near_misses,
    program,
    solved,
    with_asides,
)

_TOWNS = (
    "Arlo", "Brevik", "Castra", "Dunmore", "Elsby", "Fenwick", "Galt", "Hollin", "Istra", "Jarrow",
    "Kelso", "Lunde", "Morven", "Norra", "Orsk", "Pavia",
)  # fmt: skip
_CRAFTS = (
    "potter", "weaver", "baker", "smith", "printer", "gardener", "tailor", "joiner", "miller",
    "glazier", "farrier", "cooper", "dyer", "mason", "brewer", "tanner",
)  # fmt: skip
_OBJECTS = (
    "cello", "telescope", "parrot", "canoe", "samovar", "typewriter", "kite", "globe", "harp",
    "lantern", "tandem", "barometer", "easel", "accordion", "sundial", "loom",
)  # fmt: skip
_ASIDES = (
    "The weather that year was mild.",
    "Nobody was surprised to hear it.",
    "The local paper wrote about it at length.",
    "Some say it had always been so.",
    "The market was held on the square as usual.",
    "A new bridge was being planned at the time.",
    "The choir met in the evening.",
    "Few people had expected that.",
)


@dataclass(frozen=True, slots=True)
class _Person:
    name: str
    town: str
    craft: str
    thing: str


# --- Looking up ------------------------------------------------------------------------------

_FACTS = (
    ("{name} lives in {town}.", "{name} is a {craft}.", "The {thing} belongs to {name}."),
    ("{town} is the home of {name}.", "By trade {name} is a {craft}.", "{name} owns a {thing}."),
    ("{name} settled in {town}.", "{name} earns a living as a {craft}.",
     "A {thing} was left to {name}."),
)  # fmt: skip


def _passage(rng: random.Random, draw: Draw) -> Draft:
    count = draw.padding(4, 12)
    people = [
        _Person(*facts)
        for facts in zip(
            *(rng.sample(pool, count) for pool in (NAMES, _TOWNS, _CRAFTS, _OBJECTS)), strict=True
        )
    ]
    templates = _FACTS[draw.wording % len(_FACTS)]
    sentences = [
        template.format(name=p.name, town=p.town, craft=p.craft, thing=p.thing)
        for p in people
        for template in templates
    ]
    passage = with_asides(sentences, _ASIDES, draw, rng)
    hops = draw.count(1, 3)
    ask, answer = _lookup(people, hops, rng)
    slips = [p.town for p in rng.sample(people, min(5, count)) if p.town != answer]
    return solved(
        f"{passage}\n\n{ask}",
        [Variant(answer, "")],
        skill=Skill.READING,
        steps=hops,
        load=0.15 + 0.55 * draw.length + 0.2 * draw.load,
        more_slips=slips,
    )


def _lookup(people: Sequence[_Person], hops: int, rng: random.Random) -> tuple[str, str]:
    person = rng.choice(people)
    if hops == 1:
        return f"In which town does {person.name} live?", person.town
    if hops == 2:
        return f"In which town does the owner of the {person.thing} live?", person.town
    ordered = sorted(people, key=lambda p: p.name)
    i = rng.randrange(len(ordered) - 1)
    return (
        "List the people of the passage by first name from A to Z. In which town lives the person "
        f"who comes directly after the {ordered[i].craft} in this list?"
    ), ordered[i + 1].town


# --- Counting --------------------------------------------------------------------------------

_VISITS = (
    ("On {day} {name} brought {n} {fruit}.", "How many {fruit} were brought in all?"),
    ("{name} left {n} {fruit} at the door on {day}.", "What is the total number of {fruit} left?"),
    ("{day}: {n} {fruit}, from {name}.", "Add up the {fruit}. How many are there?"),
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_FRUIT = ("pears", "plums", "figs", "quinces", "limes", "dates")


def _tally(rng: random.Random, draw: Draw) -> Draft:
    template, ask = _VISITS[draw.wording % len(_VISITS)]
    fruits = rng.sample(_FRUIT, 3)
    most = 10 ** draw.digits(1, 2)
    visits = [(rng.choice(fruits), rng.randrange(2, most + 4)) for _ in range(draw.padding(6, 20))]
    wanted = visits[rng.randrange(len(visits))][0]
    sentences = [
        template.format(day=rng.choice(_DAYS), name=rng.choice(NAMES), n=n, fruit=fruit)
        for fruit, n in visits
    ]
    passage = with_asides(sentences, _ASIDES, draw, rng)
    found = [n for fruit, n in visits if fruit == wanted]
    stray = [n for fruit, n in visits if fruit != wanted] or [1]
    lost = rng.randrange(len(found))
    wrong = [
        found[:lost] + found[lost + 1 :],
        [*found, rng.choice(stray)],
        [n for _, n in visits],
        found[:-1],
    ]
    return solved(
        f"{passage}\n\n{ask.format(fruit=wanted)}",
        [_added(found), *(_added(other) for other in wrong if other)],
        skill=Skill.READING,
        steps=len(found),
        load=0.1 + 0.5 * draw.length + 0.2 * draw.load,
        more_slips=near_misses(sum(found), rng),
    )


def _added(numbers: Sequence[int]) -> Variant:
    return Variant(sum(numbers), program(f"found = {list(numbers)}", "return sum(found)"))


# --- Computing -------------------------------------------------------------------------------

_GOODS = ("lamps", "chairs", "rugs", "mirrors", "clocks", "vases", "stools", "trays", "benches")
_REPORTS = (
    ("The shop sold {n} {goods} at {price} crowns apiece{note}.", "crowns"),
    ("{n} {goods} went out for {price} francs each{note}.", "francs"),
    ("In the books: {goods}, {n} of them, unit price {price} marks{note}.", "marks"),
)
_RETURNED = ", and all of these came back unpaid"


def _report(rng: random.Random, draw: Draw) -> Draft:
    template, currency = _REPORTS[draw.wording % len(_REPORTS)]
    digits = draw.digits(1, 4)
    sales = [
        (goods, rng.randrange(2, 10 ** min(3, digits) + 5), rng.randrange(3, 10**digits + 20))
        for goods in rng.sample(_GOODS, draw.count(3, 7))
    ]
    returned = rng.randrange(len(sales))
    sentences = [
        template.format(goods=g, n=n, price=p, note=_RETURNED if i == returned else "")
        for i, (g, n, p) in enumerate(sales)
    ]
    passage = with_asides(sentences, _ASIDES, draw, rng)
    question = (
        f"{passage}\n\nHow many {currency} did the sales bring in that were not returned, "
        f"of {listed([g for g, _, _ in sales])}?"
    )
    kept = [(n, p) for i, (_, n, p) in enumerate(sales) if i != returned]
    everything = [(n, p) for _, n, p in sales]
    right = _earned(kept)
    return solved(
        question,
        [
            right,
            _earned(everything),
            _earned(kept[:-1]),
            Variant(sum(p for _, p in kept), program(f"return sum({[p for _, p in kept]})")),
        ],
        skill=Skill.ARITHMETIC,
        steps=2 * len(kept) - 1,
        load=0.05 + 0.15 * draw.length + 0.3 * draw.load,
        more_slips=near_misses(int(str(right.value)), rng),
    )


def _earned(sales: Sequence[tuple[int, int]]) -> Variant:
    value = sum(n * p for n, p in sales)
    text = program(f"sales = {list(sales)}", "return sum(n * p for n, p in sales)")
    return Variant(value, text)


def _describe_passage(draw: Draw) -> str:
    return (
        f"Reading: a passage about {draw.padding(4, 12)} people, and a question that needs "
        f"{draw.count(1, 3)} of its facts. The answer is the name of a town."
    )


def _describe_tally(draw: Draw) -> str:
    return (
        f"Reading and counting: a passage with about {draw.padding(6, 20)} entries of several "
        "kinds; those of one kind are to be added up. The answer is a whole number."
    )


def _describe_report(draw: Draw) -> str:
    return (
        f"Reading and arithmetic mixed: {draw.count(3, 7)} sales told in prose, one of which does "
        "not count; the proceeds of the others. The answer is a whole number."
    )


PASSAGE = Family("passage", "reading", Answer.TEXT, _describe_passage, _passage)
TALLY = Family("tally", "reading", Answer.NUMBER, _describe_tally, _tally)
REPORT = Family("report", "mixture", Answer.NUMBER, _describe_report, _report)
