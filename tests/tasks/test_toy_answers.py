"""Answers of the later toy families, found again from the text of the question alone.

The package works an answer out with the problem's own program; here it is found in another way,
as a patient reader would, so that a text and a program which disagree are noticed.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache
from itertools import permutations

import pytest

from w4s.tasks.base import Sizes
from w4s.tasks.toy import load_toy

Solver = Callable[[str], object]


def numbers(text: str) -> list[int]:
    return [int(found) for found in re.findall(r"\d+", text)]


# --- Households ------------------------------------------------------------------------------


def tiles(question: str) -> int:
    side, *rest = numbers(question)
    pack = rest.pop() if "How many boxes" in question else 1
    count = 0
    for w, h, x, y in zip(*(rest[i::4] for i in range(4)), strict=True):
        assert not any(size % side for size in (w, h, x, y))
        assert x < w
        assert y < h
        count += (w // side) * (h // side) - (x // side) * (y // side)
    boxes = 0
    while boxes * pack < count:
        boxes += 1
    return boxes


def minutes_under_way(question: str) -> int:
    start, *clocks = [60 * int(h) + int(m) for h, m in re.findall(r"(\d\d):(\d\d)", question)]
    head, *rest = numbers(re.sub(r"\d\d:\d\d", "", question))
    now, waited = start + head, 0
    assert len(rest) == 2 * len(clocks)
    for first_one, every, ride in zip(clocks, rest[::2], rest[1::2], strict=True):
        departures = set(range(first_one, now + 1000, every))
        while now not in departures:
            now, waited = now + 1, waited + 1
        now += ride
    return waited if "waiting" in question else now - start


def packs(question: str) -> int:
    recipe, shop = question.split(" Only whole packs")
    amounts = {
        name: int(n) for n, name in re.findall(r"(\d+) (m?[gl] of [a-z]+|ml of \w+)", recipe)
    }
    sold = {name: int(n) for n, name in re.findall(r"(\d+) (m?[gl] of [a-z]+|ml of \w+)", shop)}
    prices = [int(n) for n in re.findall(r"for (\d+) cents", shop)] or [1] * len(sold)
    plain = numbers(re.sub(r"\d+ (g|ml) of", "", recipe))
    few, many = plain
    assert list(sold) == list(amounts)
    total = 0
    for name, price in zip(sold, prices, strict=True):
        bought = 0
        while bought * sold[name] * few < amounts[name] * many:
            bought += 1
        total += bought * price
    return total


# --- Expressions -----------------------------------------------------------------------------


def beyond_full_rounds(question: str) -> int:
    expression = max(re.findall(r"\d[\d^*+ ]*\d", question), key=len)
    value = 0
    for term in expression.split(" + "):
        product = 1
        for factor in term.split(" * "):
            base, _, exponent = factor.partition("^")
            product *= int(base) ** int(exponent or 1)
        value += product
    plain = numbers(question.replace(expression, ""))
    modulus = plain[1] + 1 if question.startswith("A wheel") else plain[0]
    return (-value if "has to be added" in question else value) % modulus


def cells(question: str) -> int:
    if "An ant" in question:
        return walks(question)
    columns = int(re.findall(r"(\d+) columns", question)[0])
    rows = int(re.findall(r"(\d+) rows", question)[0])
    if "paint" in question:
        a, b = (int(n) for n in re.findall(r"one (?:row|column) in (\d+)", question))
        wanted = 2 if "twice" in question else 0
        coats = [(y % a == 0) + (x % b == 0) for y in range(1, rows + 1)
                 for x in range(1, columns + 1)]  # fmt: skip
        return coats.count(wanted)
    if "patches" in question:
        largest = max(int(n) for n in re.findall(r"(\d+) by \d+", question))
        return sum(
            1
            for k in range(1, largest + 1)
            for _ in range(columns - k + 1)
            for _ in range(rows - k + 1)
        )
    [(x, y)] = re.findall(r"in column (\d+) of row (\d+)", question)
    across = [(i, j) for i in range(1, columns + 1) for j in range(i, columns + 1)]
    down = [(i, j) for i in range(1, rows + 1) for j in range(i, rows + 1)]
    return sum(i <= int(x) <= j for i, j in across) * sum(i <= int(y) <= j for i, j in down)


def walks(question: str) -> int:
    columns, rows = numbers(question)[:2]
    barred = {(int(x), int(y)) for x, y in re.findall(r"column (\d+) of row (\d+)", question)}

    @cache
    def onward(x: int, y: int) -> int:
        if x > columns or y > rows or (x, y) in barred:
            return 0
        if (x, y) == (columns, rows):
            return 1
        return onward(x + 1, y) + onward(x, y + 1) + onward(x + 1, y + 1)

    return onward(1, 1)


# --- Places ----------------------------------------------------------------------------------


def locker(question: str) -> int:
    deeds = question.split("In turn: ")[1].split(". ")[0].split("; ")
    if "balls" in question:
        return ball(question, deeds)
    n = numbers(question.split("To flip")[0])[-1]
    opened: set[int] = set()
    for deed in deeds:
        told = numbers(deed)
        if "odd" in deed or "even" in deed:
            concerned = {i for i in range(1, n + 1) if i % 2 == ("odd" in deed)}
        elif "to" in deed.split():
            concerned = set(range(told[0], told[1] + 1))
        else:
            concerned = {i for i in range(1, n + 1) if i % told[0] == 0}
        opened ^= concerned
    return sum(opened) if "add up" in question else len(opened)


def ball(question: str, deeds: Sequence[str]) -> int:
    row = numbers(question.split("in this order, ")[1].split(". ")[0])
    for deed in deeds:
        if "every ball" in deed:
            row.insert(0, row.pop())
            continue
        low, high = numbers(deed)
        if "change places" in deed:
            row[low - 1], row[high - 1] = row[high - 1], row[low - 1]
        else:
            row[low - 1 : high] = list(reversed(row[low - 1 : high]))
    return row[numbers(question)[-1] - 1]


def seat_plan(question: str) -> str:
    *hints, ask = re.split(r"(?<=\.) ", question)
    told = [h for h in hints if re.search("The number|side by side|neither", h)]
    capitalised: set[str] = set(re.findall(r"\b[A-Z][a-z]+\b", question))
    names = sorted(capitalised - {"The", "A", "In", "Its", "Who"})
    fitting = [
        order
        for order in permutations(names)
        if all(fits(hint, order, "round" in question) for hint in told)
    ]
    assert len(fitting) == 1
    return fitting[0][numbers(ask)[0] - 1]


def fits(hint: str, order: Sequence[str], circular: bool) -> bool:
    n = len(order)
    seats = [order.index(name) + 1 for name in re.findall(r"[A-Z][a-z]+", hint) if name in order]
    a, b = seats[0], seats[-1]
    if "side by side" in hint:
        near = abs(a - b) == 1 or (circular and {a, b} == {1, n})
        return near != ("do not" in hint)
    if "neither" in hint:
        return 1 < a < n
    if "add up" in hint:
        return a + b == numbers(hint)[0]
    if "twice" in hint:
        return a == 2 * b
    if "2 more" in hint:
        return a - b == 2
    return a % 2 == ("odd" in hint)


# --- Papers ----------------------------------------------------------------------------------

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def link(question: str) -> str:
    passage, ask = question.split("\n\n")
    kinds = (
        r"On (?P<date>\d+ \w+) (?P<a>\w+) wrote to (?P<b>\w+) from (?P<p>\w+); "
        r"the matter was (?P<s>[^.]+)\.",
        r"(?P<b>\w+) has a letter dated (?P<date>\d+ \w+) that came from (?P<a>\w+) in (?P<p>\w+) "
        r"and is about (?P<s>[^.]+)\.",
        r"Sent from (?P<p>\w+) on (?P<date>\d+ \w+): (?P<a>\w+) to (?P<b>\w+), "
        r"concerning (?P<s>[^.]+)\.",
    )
    found = [match.groupdict() for kind in kinds for match in re.finditer(kind, passage)]
    by_sender = {letter["a"]: letter for letter in found}
    [about] = [x for x in found if re.search(rf"(letter|one) about {x['s']}\b", ask)]
    if "was the recipient" in ask:
        return about["b"]
    if "last one in this chain" in ask:
        return by_sender[by_sender[about["b"]]["b"]]["b"]
    if "by date" in ask:

        def day(letter: dict[str, str]) -> tuple[int, int]:
            number, month = letter["date"].split()
            return MONTHS.index(month[:3]), int(number)

        later = "directly after" in ask
        side = [x for x in found if (day(x) > day(about)) == later and x is not about]
        about = min(side, key=day) if later else max(side, key=day)
    return by_sender[about["b"]]["p"]


def outings(question: str) -> int:
    passage, ask = question.split("\n\n")
    lines = [
        (weather.lower(), outing, int(n))
        for weather, outing, n in re.findall(
            r"\. (\w+)\. Out (\w+) for (\d+) minutes", ". " + passage
        )
    ]
    lines += [
        (weather.lower(), outing, int(n))
        for weather, n, outing in re.findall(
            r"(\w+) again, on [^;]+; (\d+) minutes of (\w+)", passage
        )
    ]
    lines += [
        (weather, outing, int(n))
        for outing, n, weather in re.findall(
            r"My (\w+) on \d+ \w+ took (\d+) minutes, in (\w+)", passage
        )
    ]
    [(outing, weather)] = re.findall(r"(\w+) in (\w+)\?", ask)
    matching = [n for w, o, n in lines if (w, o) == (weather, outing)]
    return len(matching) if ask.startswith("How many") else sum(matching)


def granted(question: str) -> int:
    passage, _ = question.split("\n\n")
    moved = re.findall(
        r"(\d+) \w+ for ([^.]+?) were moved; (\d+) voted yes, (\d+) voted no", passage
    )
    moved += [
        (n, cause, yes, no)
        for cause, n, yes, no in re.findall(
            r"Proposal on ([^.]+?): (\d+) pounds\. Ayes (\d+), noes (\d+)", passage
        )
    ]
    moved += re.findall(
        r"asked for (\d+) florins for ([^.]+?), which got (\d+) votes with (\d+) against", passage
    )
    changed = dict(
        re.findall(r"the vote on ([^.]+?) the amount was changed to (\d+)", passage)
        + re.findall(r"proposal on ([^.]+?) was put to the vote with (\d+)", passage)
        + re.findall(r"For ([^.]+?) the vote was about (\d+)", passage)
    )
    return sum(int(changed.get(cause, n)) for n, cause, yes, no in moved if int(yes) > int(no))


# --- Auction ---------------------------------------------------------------------------------


def bid(question: str) -> str:
    passage, rest = question.split("\n\n")
    ask, *options = rest.split("\n")
    lots = [
        (int(number), int(estimate), int(price), buyer)
        for number, estimate, price, buyer in re.findall(
            r"Lot (\d+), [^:]+: estimate (\d+), sold for (\d+) to (\w+)\.", passage
        )
    ]
    lots += [
        (int(number), int(estimate), int(price), buyer)
        for buyer, number, price, estimate in re.findall(
            r"(\w+) took [^(]+\(lot (\d+)\) with a bid of (\d+); the catalogue had said (\d+)",
            passage,
        )
    ]
    lots += [
        (int(number), int(estimate), int(price), buyer)
        for price, number, estimate, buyer in re.findall(
            r"fell at (\d+) for lot (\d+), [^;]+, valued at (\d+); the paddle was that of (\w+)",
            passage,
        )
    ]
    letter = {option[3:]: option[0] for option in options}
    if ask.startswith("Who"):
        spent = {name: sum(p for _, _, p, buyer in lots if buyer == name) for name in letter}
        return letter[max(spent, key=spent.__getitem__)]
    for name in re.findall(r"did not go to (\w+)", ask):
        lots = [lot for lot in lots if lot[3] != name]
    for number in re.findall(r"a number above (\d+)", ask):
        lots = [lot for lot in lots if lot[0] > int(number)]
    worth = {number: p - (e if "estimate" in ask else 0) for number, e, p, _ in lots}
    best = max(worth, key=worth.__getitem__)
    assert list(worth.values()).count(worth[best]) == 1
    return letter[f"lot {best}"]


SOLVERS: dict[str, Solver] = {
    "toy_tiling": tiles,
    "toy_trains": minutes_under_way,
    "toy_recipes": packs,
    "toy_remainders": beyond_full_rounds,
    "toy_grids": cells,
    "toy_lockers": locker,
    "toy_seating": seat_plan,
    "toy_letters": link,
    "toy_diary": outings,
    "toy_minutes": granted,
    "toy_auction": bid,
}


@pytest.mark.parametrize("name", SOLVERS)
def test_a_reader_of_the_question_comes_to_the_same_answer(name: str) -> None:
    for draw in range(8):
        task = load_toy(f"{name}/{draw}", seed=4, sizes=Sizes(6, 1, 0, 1))
        for problem in task.search.private:
            assert str(SOLVERS[name](problem.question)) == problem.target, problem.question


@pytest.mark.parametrize("name", ["toy_rivers", "toy_auction"])
def test_no_option_is_offered_twice(name: str) -> None:
    for draw in range(8):
        for problem in load_toy(f"{name}/{draw}", sizes=Sizes(12, 1, 0, 1)).search.private:
            options = re.findall(r"^[A-J]\) (.+)$", problem.question, re.MULTILINE)
            assert 4 <= len(options) == len(set(options))
