"""Multiple choice on the map of the world, and on the lots of an auction.

In: a random generator and a draw. Out: one problem whose answer is a letter.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from w4s.models.answer_book import Skill
from w4s.tasks.toy.draws import GUESTS, Answer, Draft, Draw, Family, asked

# --- Geography -------------------------------------------------------------------------------

_EUROPE, _ASIA, _AFRICA = "Europe", "Asia", "Africa"
_NORTH, _SOUTH, _OCEANIA = "North America", "South America", "Oceania"
_COUNTRIES = (
    ("France", "Paris", _EUROPE, ""),
    ("the United Kingdom", "London", _EUROPE, "Ben Nevis"),
    ("Spain", "Madrid", _EUROPE, "Teide"),
    ("Germany", "Berlin", _EUROPE, "Zugspitze"),
    ("Japan", "Tokyo", _ASIA, "Fuji"),
    ("Greece", "Athens", _EUROPE, "Mount Olympus"),
    ("Russia", "Moscow", "", "Elbrus"),
    ("Italy", "Rome", _EUROPE, ""),
    ("the United States", "Washington, D.C.", _NORTH, "Denali"),
    ("Egypt", "Cairo", "", "Mount Catherine"),
    ("Argentina", "Buenos Aires", _SOUTH, "Aconcagua"),
    ("India", "New Delhi", _ASIA, ""),
    ("Canada", "Ottawa", _NORTH, "Mount Logan"),
    ("Austria", "Vienna", _EUROPE, "Grossglockner"),
    ("Turkey", "Ankara", "", "Ararat"),
    ("Norway", "Oslo", _EUROPE, "Galdhøpiggen"),
    ("Sweden", "Stockholm", _EUROPE, "Kebnekaise"),
    ("Mexico", "Mexico City", _NORTH, "Pico de Orizaba"),
    ("Portugal", "Lisbon", _EUROPE, "Pico"),
    ("Ireland", "Dublin", _EUROPE, "Carrauntoohil"),
    ("Switzerland", "Bern", _EUROPE, "Dufourspitze"),
    ("Poland", "Warsaw", _EUROPE, "Rysy"),
    ("Brazil", "Brasília", _SOUTH, "Pico da Neblina"),
    ("Kenya", "Nairobi", _AFRICA, ""),
    ("Australia", "Canberra", _OCEANIA, "Mount Kosciuszko"),
    ("New Zealand", "Wellington", _OCEANIA, "Aoraki"),
    ("Peru", "Lima", _SOUTH, "Huascarán"),
    ("Chile", "Santiago", _SOUTH, "Ojos del Salado"),
    ("Iran", "Tehran", _ASIA, "Damavand"),
    ("Morocco", "Rabat", _AFRICA, "Toubkal"),
    ("Ethiopia", "Addis Ababa", _AFRICA, "Ras Dashen"),
    ("Pakistan", "Islamabad", _ASIA, "K2"),
    ("South Korea", "Seoul", _ASIA, "Hallasan"),
    ("Czechia", "Prague", _EUROPE, "Sněžka"),
    ("Hungary", "Budapest", _EUROPE, "Kékes"),
    ("Finland", "Helsinki", _EUROPE, "Halti"),
    ("Iceland", "Reykjavik", _EUROPE, "Hvannadalshnúkur"),
    ("Romania", "Bucharest", _EUROPE, "Moldoveanu"),
    ("Bulgaria", "Sofia", _EUROPE, "Musala"),
    ("Croatia", "Zagreb", _EUROPE, "Dinara"),
    ("Slovenia", "Ljubljana", _EUROPE, "Triglav"),
    ("Slovakia", "Bratislava", _EUROPE, "Gerlach Peak"),
    ("Denmark", "Copenhagen", _EUROPE, "Møllehøj"),
    ("Vietnam", "Hanoi", _ASIA, "Fansipan"),
    ("Malaysia", "Kuala Lumpur", _ASIA, "Kinabalu"),
    ("the Philippines", "Manila", _ASIA, "Mount Apo"),
    ("Ecuador", "Quito", _SOUTH, "Chimborazo"),
    ("Algeria", "Algiers", _AFRICA, "Tahat"),
    ("Ghana", "Accra", _AFRICA, ""),
    ("Senegal", "Dakar", _AFRICA, ""),
    ("Tanzania", "Dodoma", _AFRICA, "Kilimanjaro"),
    ("Uruguay", "Montevideo", _SOUTH, ""),
    ("Paraguay", "Asunción", _SOUTH, ""),
    ("Georgia", "Tbilisi", "", "Shkhara"),
    ("Armenia", "Yerevan", "", "Aragats"),
    ("Mongolia", "Ulaanbaatar", _ASIA, "Khüiten Peak"),
    ("Latvia", "Riga", _EUROPE, ""),
    ("Estonia", "Tallinn", _EUROPE, "Suur Munamägi"),
    ("Zambia", "Lusaka", _AFRICA, ""),
    ("Papua New Guinea", "Port Moresby", _OCEANIA, "Mount Wilhelm"),
)
"""Country, capital, continent where there is but one, highest mountain where it is not shared
with another country of the list and does not bear the country's name. Less known ones below."""
_RIVERS = (
    ("Nile", "Mediterranean Sea"), ("Danube", "Black Sea"), ("Rhine", "North Sea"),
    ("Mississippi", "Gulf of Mexico"), ("Volga", "Caspian Sea"), ("Ganges", "Bay of Bengal"),
    ("Vistula", "Baltic Sea"), ("Indus", "Arabian Sea"), ("Elbe", "North Sea"),
    ("Mekong", "South China Sea"), ("Yangtze", "East China Sea"), ("Dnieper", "Black Sea"),
    ("Colorado", "Gulf of California"), ("Rhône", "Mediterranean Sea"), ("Oder", "Baltic Sea"),
    ("Yukon", "Bering Sea"), ("Yellow River", "Bohai Sea"), ("Irrawaddy", "Andaman Sea"),
    ("Mackenzie", "Beaufort Sea"), ("Lena", "Laptev Sea"), ("Yenisei", "Kara Sea"),
    ("Ebro", "Mediterranean Sea"), ("Ural", "Caspian Sea"), ("Dniester", "Black Sea"),
    ("Nelson", "Hudson Bay"), ("Ob", "Kara Sea"), ("Northern Dvina", "White Sea"),
    ("Daugava", "Baltic Sea"), ("Mersey", "Irish Sea"), ("Kolyma", "East Siberian Sea"),
)  # fmt: skip
"""Where they end. No water of this list is a part of another one."""

_CAPITALS = (
    "Which city is the capital of {}?",
    "The government of {} has its seat in one of these cities. In which one?",
    "A traveller wants to see the seat of government of {}. Where does the trip end?",
)
_HEIGHTS = (
    "What is the highest mountain of {}?",
    "The top of {} is one of these summits. Which one?",
    "A climber stands as high above the sea as one can in {}. On which mountain is that?",
)
_MOUTHS = (
    "Into which water does the river {} flow at its mouth?",
    "The {} ends in one of these waters. In which one?",
    "A raft drifts down the {} to its very end. Which water does it reach?",
)
_BELOW = (
    "What is the capital of the country whose highest mountain is {}?",
    "One of these cities governs the country that has {} for its highest summit. Which one?",
    "A climber on {} has reached the highest point of a country. Which city is its capital?",
)
_CONTINENTS = (
    "Which of these cities is the capital of a country in {}?",
    "Only one of these capitals lies in {}. Which one?",
    "A diplomat is sent to {}. To which of these capitals can that be?",
)


def _rivers(rng: random.Random, draw: Draw) -> Draft:
    count = draw.padding(4, 8)
    known = _COUNTRIES[: 24 + round(draw.load * (len(_COUNTRIES) - 24))]
    with_peak = [country for country in known if country[3]]
    kind = (draw.wording // len(_CAPITALS) + rng.randrange(3)) % 5
    if kind == 0:
        chosen = rng.sample(known, count)
        ask, about, names = _CAPITALS, chosen[0][0], [capital for _, capital, _, _ in chosen]
    elif kind == 1:
        chosen = rng.sample(with_peak, count)
        ask, about, names = _HEIGHTS, chosen[0][0], [peak for _, _, _, peak in chosen]
    elif kind == 2:
        rivers = _RIVERS[: 14 + round(draw.load * (len(_RIVERS) - 14))]
        about, water = rng.choice(rivers)
        others = sorted({sea for _, sea in rivers} - {water})
        ask, names = _MOUTHS, [water, *rng.sample(others, count - 1)]
    elif kind == 3:
        chosen = rng.sample(with_peak, count)
        ask, about, names = _BELOW, chosen[0][3], [capital for _, capital, _, _ in chosen]
    else:
        right = rng.choice([country for country in known if country[2]])
        elsewhere = [country for country in known if country[2] not in ("", right[2])]
        chosen = [right, *rng.sample(elsewhere, count - 1)]
        ask, about, names = _CONTINENTS, right[2], [capital for _, capital, _, _ in chosen]
    text = draw.choose(ask).format(about)
    return asked(
        text[0].upper() + text[1:],
        sorted(names),
        names[0],
        names[1:],
        skill=Skill.KNOWLEDGE,
        steps=2 if kind > 2 else 1,
        load=0.15 + 0.6 * draw.load,
    )


# --- Auction ---------------------------------------------------------------------------------

_CATALOGUES = (
    "Lot {number}, {thing}: estimate {estimate}, sold for {price} to {buyer}.",
    "{buyer} took {thing} (lot {number}) with a bid of {price}; the catalogue had said {estimate}.",
    "The hammer fell at {price} for lot {number}, {thing}, valued at {estimate}; the paddle was "
    "that of {buyer}.",
)
_THINGS = (
    "a pocket watch", "an oak chest", "a chess set", "a silver spoon", "a sea chart", "a violin",
    "a tapestry", "a desk lamp", "a bronze horse", "a tea service", "a walking stick",
    "a first edition", "an oil painting", "a snuff box",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Lot:
    number: int
    thing: str
    estimate: int
    price: int
    buyer: str


def _auction(rng: random.Random, draw: Draw) -> Draft:
    buyers = sorted(rng.sample(GUESTS, 4))
    lots = _lots(rng, draw, buyers)
    by_buyer = (draw.wording // len(_CATALOGUES) + rng.randrange(2)) % 3 == 0
    if by_buyer:
        bought = {name: [lot.price for lot in lots if lot.buyer == name] for name in buyers}
        ask = "Who spent the most at this auction, all purchases added up?"
        ranking = {name: sum(prices) for name, prices in bought.items() if prices}
        options, steps = buyers, 1 + max(map(len, bought.values()))
    else:
        ask, ranking, steps = _lots_compared(rng, draw, lots, buyers)
        options = [f"lot {lot.number}" for lot in lots]
    ranked = sorted(ranking, key=ranking.__getitem__, reverse=True)
    if len(ranked) < 2 or ranking[ranked[0]] <= max(0, ranking[ranked[1]]):
        return _auction(rng, draw)
    told = [
        draw.choose(_CATALOGUES).format(
            number=lot.number,
            thing=lot.thing,
            estimate=lot.estimate,
            price=lot.price,
            buyer=lot.buyer,
        )
        for lot in lots
    ]
    rng.shuffle(told)
    return asked(
        f"{' '.join(told)}\n\n{ask}",
        options,
        ranked[0],
        [*ranked[1:], *(option for option in options if option not in ranking)],
        skill=Skill.READING,
        steps=steps,
        load=0.1 + 0.4 * draw.length + 0.25 * draw.load,
    )


def _lots(rng: random.Random, draw: Draw, buyers: Sequence[str]) -> list[_Lot]:
    """Lots in the order of their numbers."""
    count, most = draw.padding(5, 10), 10 ** draw.digits(2, 4)
    numbers, things = sorted(rng.sample(range(1, 60), count)), rng.sample(_THINGS, count)
    lots = []
    for number, thing in zip(numbers, things, strict=True):
        estimate = rng.randrange(20, most + 40)
        price = estimate + rng.randrange(-estimate // 2, estimate)
        lots.append(_Lot(number, thing, estimate, price, rng.choice(buyers)))
    return lots


def _lots_compared(
    rng: random.Random, draw: Draw, lots: Sequence[_Lot], buyers: Sequence[str]
) -> tuple[str, dict[str, int], int]:
    """A question for the best of the lots that meet conditions, their worth, and the steps."""
    rival, limit = rng.choice(buyers), lots[rng.randrange(len(lots) // 2)].number
    conditions: list[tuple[str, Callable[[_Lot], bool]]] = [
        (f"did not go to {rival}", lambda lot: lot.buyer != rival),
        (f"have a number above {limit}", lambda lot: lot.number > limit),
    ]
    conditions = conditions[: draw.count(0, 2)]
    fitting = [lot for lot in lots if all(test(lot) for _, test in conditions)]
    lots_text = (
        f"lots that {' and '.join(text for text, _ in conditions)}" if conditions else "lots"
    )
    if rng.random() < 0.5:
        ask = f"Of the {lots_text}, which one was sold the furthest above its estimate?"
        worth = {f"lot {lot.number}": lot.price - lot.estimate for lot in fitting}
        return ask, worth, 2 + len(conditions)
    ask = f"Which is the dearest of the {lots_text}?"
    return ask, {f"lot {lot.number}": lot.price for lot in fitting}, 1 + len(conditions)


def _describe_rivers(draw: Draw) -> str:
    return (
        "Geography from general education, with options: capitals, summits, where rivers end. "
        "An answer is the letter before an option."
    )


def _describe_auction(draw: Draw) -> str:
    return (
        f"The sales of an auction, {draw.padding(5, 10)} lots with estimates, prices and buyers; "
        "lots or bidders are compared, and options are offered. "
        "An answer is the letter before an option."
    )


RIVERS = Family("rivers", "choice", Answer.LETTER, _describe_rivers, _rivers)
AUCTION = Family("auction", "choice", Answer.LETTER, _describe_auction, _auction)
