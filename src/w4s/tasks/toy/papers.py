"""Old papers: letters between friends, a diary, the minutes of a club.

In: a random generator and a draw. Out: one problem; where counting or adding is asked for, with a
program whose data has been read out of the papers.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from w4s.models.answer_book import Skill
from w4s.tasks.toy.draws import (
    GUESTS,
    Answer,
    Draft,
    Draw,
    Family,
    Variant,
    computed,
    number_of_digits,
    solved,
    with_asides,
    worked_out,
)

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


def _date(day: int) -> str:
    """The words for one of 336 days: twelve months of 28 days."""
    return f"{day % 28 + 1} {_MONTHS[day // 28]}"


# --- Letters ---------------------------------------------------------------------------------

_VILLAGES = (
    "Abbotsea", "Birkholm", "Cravenna", "Dorvik", "Estrelle", "Farnmoor", "Gravina", "Hexley",
    "Ilmenau", "Jesolo", "Kilbride", "Larvik", "Montrose", "Narwick", "Oakhaven", "Pontresa",
)  # fmt: skip
_SUBJECTS = (
    "a lost umbrella", "the new piano", "an unpaid bill", "a wedding", "the flooded cellar",
    "a comet", "the price of wool", "a stray dog", "the school play", "a broken tooth",
    "the harvest", "a shipwreck", "a chess problem", "the inheritance", "a snowstorm", "a recipe",
)  # fmt: skip
_POST = (
    "On {date} {sender} wrote to {recipient} from {place}; the matter was {subject}.",
    "{recipient} has a letter dated {date} that came from {sender} in {place} and is about "
    "{subject}.",
    "Sent from {place} on {date}: {sender} to {recipient}, concerning {subject}.",
)
_POSTSCRIPTS = (
    "The ink on it is faded.",
    "The envelope has been lost.",
    "The handwriting is hard to make out.",
    "This sheet was found in the attic.",
    "A corner of the page is torn.",
    "It closes with the usual greetings.",
    "The archive keeps it in a blue box.",
)


@dataclass(frozen=True, slots=True)
class _Letter:
    sender: str
    recipient: str
    place: str
    subject: str
    day: int


def _letters(rng: random.Random, draw: Draw) -> Draft:
    """Everybody writes one letter and gets one, so that letters can be followed as a chain."""
    count = draw.padding(5, 14)
    people = rng.sample(GUESTS, count)
    letters = [
        _Letter(*facts)
        for facts in zip(
            people,
            [*people[1:], people[0]],
            rng.sample(_VILLAGES, count),
            rng.sample(_SUBJECTS, count),
            rng.sample(range(336), count),
            strict=True,
        )
    ]
    sentences = [
        draw.choose(_POST).format(
            date=_date(letter.day),
            sender=letter.sender,
            recipient=letter.recipient,
            place=letter.place,
            subject=letter.subject,
        )
        for letter in letters
    ]
    hops = draw.count(1, 4)
    start = rng.randrange(count)
    ask, answer = _inquiry(letters, start, hops)
    named = answer in people
    near = [letters[(start + k) % count] for k in (0, 1, 2, -1, 3)]
    slips = [letter.recipient if named else letter.place for letter in near]
    return solved(
        f"{with_asides(sentences, _POSTSCRIPTS, draw, rng)}\n\n{ask}",
        [Variant(answer, "")],
        skill=Skill.READING,
        steps=hops,
        load=0.15 + 0.5 * draw.length + 0.2 * draw.load,
        more_slips=slips,
    )


def _inquiry(letters: Sequence[_Letter], start: int, hops: int) -> tuple[str, str]:
    """A question that takes so many facts, about the letter at `start`, and its answer."""
    subject, count = letters[start].subject, len(letters)
    if hops == 1:
        return f"Who was the recipient of the letter about {subject}?", letters[start].recipient
    if hops == 2:
        return (
            f"From which place did the recipient of the letter about {subject} write?"
        ), letters[(start + 1) % count].place
    if hops == 3:
        return (
            f"The recipient of the letter about {subject} wrote to somebody, and that person wrote "
            "to somebody else. Who is the last one in this chain?"
        ), letters[(start + 2) % count].recipient
    dated = sorted(range(count), key=lambda i: letters[i].day)
    place = dated.index(start)
    side, other = ("after", place + 1) if place + 1 < count else ("before", place - 1)
    return (
        f"All letters are of the same year. Take the letter that comes directly {side} the one "
        f"about {subject}, by date. From which place did its recipient write?"
    ), letters[(dated[other] + 1) % count].place


# --- Diary -----------------------------------------------------------------------------------

_WEATHER = ("rain", "sunshine", "fog", "snow")
_OUTINGS = ("swimming", "walking", "rowing", "skating", "riding")
_DIARIES = (
    ("{date}. {Weather}. Out {outing} for {n} minutes.", "entries"),
    ("{Weather} again, on {date}; {n} minutes of {outing} all the same.", "notes"),
    ("My {outing} on {date} took {n} minutes, in {weather}.", "pages"),
)  # fmt: skip
_THOUGHTS = (
    "Slept badly.",
    "The neighbours are building a shed.",
    "I must answer my cousin soon.",
    "Read half a novel in bed.",
    "Nothing else worth noting.",
    "The cat has come back.",
    "Soup for supper.",
)


def _diary(rng: random.Random, draw: Draw) -> Draft:
    template, pages = _DIARIES[draw.wording % len(_DIARIES)]
    weathers, outings = rng.sample(_WEATHER, 3), rng.sample(_OUTINGS, 2)
    days = rng.sample(range(336), draw.padding(7, 22))
    most = 10 + draw.digits(10, 200)
    entries = [(rng.choice(weathers), rng.choice(outings), rng.randrange(5, most)) for _ in days]
    weather, outing, _ = rng.choice(entries)
    sentences = [
        template.format(date=_date(day), Weather=w.capitalize(), weather=w, outing=o, n=n)
        for day, (w, o, n) in zip(days, entries, strict=True)
    ]
    passage = with_asides(sentences, _THOUGHTS, draw, rng)
    counting = rng.random() < 0.4
    ask = (
        f"How many {pages} of this diary tell of {outing} in {weather}?"
        if counting
        else f"For how many minutes, over all these {pages}, did the writer go {outing} in "
        f"{weather}?"
    )
    both = [n for w, o, n in entries if (w, o) == (weather, outing)]
    either = [n for w, o, n in entries if w == weather or o == outing]
    lost = rng.randrange(len(both))
    readings = [
        both,
        both[:lost] + both[lost + 1 :],
        [n for _, o, n in entries if o == outing],
        [n for w, _, n in entries if w == weather],
        either,
    ]
    total = "len(found)" if counting else "sum(found)"
    return computed(
        f"{passage}\n\n{ask}",
        [worked_out(f"return {total}", found=found) for found in readings],
        rng,
        skill=Skill.READING,
        steps=len(both) + 1,
        load=0.1 + 0.5 * draw.length + 0.2 * draw.load,
    )


# --- Minutes ---------------------------------------------------------------------------------

_CAUSES = (
    "a new roof", "the summer fete", "garden chairs", "a guest speaker", "the rose beds",
    "two ladders", "a coffee urn", "repairs to the fence", "the brass band", "a projector",
    "first-aid boxes", "the youth team",
)  # fmt: skip
_AGENDAS = (
    ("{sum} dollars for {cause} were moved; {yes} voted yes, {no} voted no.",
     "Before the vote on {cause} the amount was changed to {less} dollars.", "dollars"),
    ("Proposal on {cause}: {sum} pounds. Ayes {yes}, noes {no}.",
     "The proposal on {cause} was put to the vote with {less} pounds instead.", "pounds"),
    ("The board asked for {sum} florins for {cause}, which got {yes} votes with {no} against.",
     "For {cause} the vote was about {less} florins only, after a short debate.", "florins"),
)  # fmt: skip
_REMARKS = (
    "The treasurer was excused.",
    "A window was opened.",
    "Coffee was served at half past eight.",
    "The previous record was approved without changes.",
    "Two visitors were welcomed.",
    "The chair thanked the helpers.",
)


@dataclass(frozen=True, slots=True)
class _Motion:
    cause: str
    asked: int
    voted: int
    """The sum put to the vote, which may be less than the one asked for."""
    yes: int
    no: int


def _minutes(rng: random.Random, draw: Draw) -> Draft:
    motion_text, cut_text, currency = _AGENDAS[draw.wording % len(_AGENDAS)]
    causes = rng.sample(_CAUSES, draw.count(3, 8))
    motions = [_motion(rng, cause, draw) for cause in causes]
    sentences = [
        motion_text.format(sum=m.asked, cause=m.cause, yes=m.yes, no=m.no)
        + (" " + cut_text.format(less=m.voted, cause=m.cause) if m.voted != m.asked else "")
        for m in motions
    ]
    passage = with_asides(sentences, _REMARKS, draw, rng)
    question = (
        f"{passage}\n\nA sum is granted if more people voted for it than against it. How many "
        f"{currency} were granted at this meeting in all?"
    )
    passed = [m for m in motions if m.yes > m.no]
    readings = [
        [m.voted for m in passed],
        [m.asked for m in passed],
        [m.voted for m in motions],
        [m.voted for m in passed[:-1]],
        [m.voted for m in motions if m.yes >= m.no],
    ]
    return computed(
        question,
        [worked_out("return sum(granted)", granted=sums) for sums in readings],
        rng,
        skill=Skill.READING,
        steps=len(motions) + sum(m.voted != m.asked for m in passed),
        load=0.1 + 0.2 * draw.length + 0.35 * draw.load,
    )


def _motion(rng: random.Random, cause: str, draw: Draw) -> _Motion:
    asked = number_of_digits(rng, draw.digits(2, 5))
    voted = rng.randrange(asked // 2, asked) if rng.random() < 0.3 else asked
    yes, no = rng.randrange(4, 20), rng.randrange(2, 16)
    if rng.random() < 0.1:
        no = yes
    return _Motion(cause, asked, voted, yes, no)


def _describe_letters(draw: Draw) -> str:
    return (
        f"A bundle of {draw.padding(5, 14)} letters with senders, recipients, places, dates and "
        f"subjects. The question follows {draw.count(1, 4)} of these links. "
        "An answer is somebody's first name, or a place."
    )


def _describe_diary(draw: Draw) -> str:
    return (
        f"Some {draw.padding(7, 22)} lines of a diary about outings in all weathers; those that "
        "match two conditions are counted, or their minutes totalled. "
        "An answer is a count, or a total in minutes."
    )


def _describe_minutes(draw: Draw) -> str:
    return (
        f"The record of a meeting with {draw.count(3, 8)} votes on money, some of them on amended "
        "amounts; how much was granted altogether. An answer is an amount of money without cents."
    )


LETTERS = Family("letters", "reading", Answer.TEXT, _describe_letters, _letters)
DIARY = Family("diary", "reading", Answer.NUMBER, _describe_diary, _diary)
MINUTES = Family("minutes", "reading", Answer.NUMBER, _describe_minutes, _minutes)
