"""Multiple choice: on facts given in a table, and on common knowledge.

In: a random generator and a draw. Out: one problem whose answer is a letter.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from w4s.models.answer_book import Skill
from w4s.tasks.toy.draws import Answer, Draft, Draw, Family, asked

# --- Given facts -----------------------------------------------------------------------------

_KINDS = (
    ("barge", "Alba Boreas Corvo Delfin Egret Falke Gavia Heron Iris Juno"),
    ("lodge", "Aspen Birch Cedar Dogwood Elder Fir Gorse Hazel Ivy Juniper"),
    ("press", "Atlas Bravo Comet Delta Eagle Forte Gamma Hydra Ionic Jupiter"),
)


@dataclass(frozen=True, slots=True)
class _Item:
    name: str
    year: int
    weight: int
    price: int


def _choice(rng: random.Random, draw: Draw) -> Draft:
    kind, names = _KINDS[draw.wording % len(_KINDS)]
    items = [
        _Item(name, rng.randrange(1900, 2020), rng.randrange(10, 500), rng.randrange(100, 9999))
        for name in rng.sample(names.split(), draw.padding(4, 10))
    ]
    year, weight = rng.randrange(1930, 1990), rng.randrange(150, 420)
    tests: list[tuple[str, Callable[[_Item], bool]]] = [
        (f"was built after {year}", lambda item: item.year > year),
        (f"weighs less than {weight} tons", lambda item: item.weight < weight),
    ]
    tests = tests[: draw.count(0, 2)]
    fitting = [item for item in items if all(test(item) for _, test in tests)]
    if not fitting:
        return _choice(rng, draw)
    best = min(fitting, key=lambda item: item.price)
    told = [
        f"The {kind} {i.name} was built in {i.year}, weighs {i.weight} tons and costs "
        f"{i.price} crowns."
        for i in items
    ]
    condition = f" that {' and '.join(text for text, _ in tests)}" if tests else ""
    options = [item.name for item in items]
    rng.shuffle(options)
    tempting = sorted((i for i in items if i is not best), key=lambda item: item.price)
    return asked(
        f"{' '.join(told)}\n\nWhich is the cheapest {kind}{condition}?",
        options,
        best.name,
        [item.name for item in tempting],
        skill=Skill.READING,
        steps=1 + len(tests),
        load=0.1 + 0.4 * draw.length + 0.2 * draw.load,
    )


# --- Common knowledge ------------------------------------------------------------------------

_ELEMENTS = (
    ("hydrogen", "H", 1), ("helium", "He", 2), ("lithium", "Li", 3), ("beryllium", "Be", 4),
    ("boron", "B", 5), ("carbon", "C", 6), ("nitrogen", "N", 7), ("oxygen", "O", 8),
    ("fluorine", "F", 9), ("neon", "Ne", 10), ("sodium", "Na", 11), ("magnesium", "Mg", 12),
    ("aluminium", "Al", 13), ("silicon", "Si", 14), ("phosphorus", "P", 15), ("sulfur", "S", 16),
    ("chlorine", "Cl", 17), ("argon", "Ar", 18), ("potassium", "K", 19), ("calcium", "Ca", 20),
    ("scandium", "Sc", 21), ("titanium", "Ti", 22), ("vanadium", "V", 23), ("chromium", "Cr", 24),
    ("manganese", "Mn", 25), ("iron", "Fe", 26), ("cobalt", "Co", 27), ("nickel", "Ni", 28),
    ("copper", "Cu", 29), ("zinc", "Zn", 30), ("gallium", "Ga", 31), ("germanium", "Ge", 32),
    ("arsenic", "As", 33), ("selenium", "Se", 34), ("bromine", "Br", 35), ("krypton", "Kr", 36),
    ("rubidium", "Rb", 37), ("strontium", "Sr", 38), ("yttrium", "Y", 39), ("zirconium", "Zr", 40),
    ("niobium", "Nb", 41), ("molybdenum", "Mo", 42), ("technetium", "Tc", 43),
    ("ruthenium", "Ru", 44), ("rhodium", "Rh", 45), ("palladium", "Pd", 46), ("silver", "Ag", 47),
    ("cadmium", "Cd", 48), ("indium", "In", 49), ("tin", "Sn", 50), ("antimony", "Sb", 51),
    ("tellurium", "Te", 52), ("iodine", "I", 53), ("xenon", "Xe", 54), ("caesium", "Cs", 55),
    ("barium", "Ba", 56), ("tungsten", "W", 74), ("platinum", "Pt", 78), ("gold", "Au", 79),
    ("mercury", "Hg", 80), ("lead", "Pb", 82), ("bismuth", "Bi", 83), ("radon", "Rn", 86),
    ("radium", "Ra", 88), ("uranium", "U", 92),
)  # fmt: skip


def _elements(rng: random.Random, draw: Draw) -> Draft:
    options = draw.padding(4, 8)
    # Heavier elements are less well known.
    pool = _ELEMENTS[: 20 + round(draw.load * (len(_ELEMENTS) - 20))]
    kind = (draw.wording + rng.randrange(2)) % 3
    if kind == 0:
        chosen = rng.sample(pool, options)
        low, high = sorted(rng.sample([number for _, _, number in pool], 2))
        target = rng.randrange(low, high + 1)
        ranked = sorted(chosen, key=lambda element: (abs(element[2] - target), element[2]))
        ask = f"Which element has the atomic number closest to {target} (the lower one of a tie)?"
        names = [name for name, _, _ in ranked]
        steps, shown = 2, sorted(names)
    elif kind == 1:
        ranked = rng.sample(pool, options)
        ask = f"For which element does the symbol {ranked[0][1]} stand?"
        names = [name for name, _, _ in ranked]
        steps, shown = 1, sorted(names)
    else:
        first, second = rng.sample(pool, 2)
        right = first[2] + second[2]
        near = [n for k in range(1, 7) for n in (right + k, right - k) if n > 0]
        numbers = [right, *rng.sample(near, options - 1)]
        ask = f"What is the atomic number of {first[0]} plus that of {second[0]}?"
        names = [str(number) for number in numbers]
        steps, shown = 3, [str(number) for number in sorted(numbers)]
    return asked(
        ask,
        shown,
        names[0],
        names[1:],
        skill=Skill.KNOWLEDGE,
        steps=steps,
        load=0.15 + 0.6 * draw.load,
    )


def _describe_choice(draw: Draw) -> str:
    return (
        f"Multiple choice on given facts: {draw.padding(4, 10)} things with year, weight and "
        "price, and the cheapest one under conditions. The answer is the letter of an option."
    )


def _describe_elements(draw: Draw) -> str:
    return (
        "Multiple choice on common knowledge of the chemical elements. "
        "The answer is the letter of an option."
    )


CHOICE = Family("choice", "choice", Answer.LETTER, _describe_choice, _choice)
ELEMENTS = Family("elements", "choice", Answer.LETTER, _describe_elements, _elements)
