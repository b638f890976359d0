"""Whether the simulated model gets a problem right here, and what it makes of earlier answers.

In: an Ask, a Profile, temperature and draws. Out: an Opinion. Success follows a normal-ogive
item-response curve: ability less what the problem demands in this way of working, plus what is
peculiar to the problem, plus noise. Looking at earlier answers is a vote between them and a fresh
view of the model's own, so that reviews mend some answers and break others.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache

from w4s.models.answer_book import AnswerKey, Skill
from w4s.models.simulation.asking import Ask
from w4s.models.simulation.chance import Dice
from w4s.models.simulation.profiles import Profile
from w4s.models.simulation.repertoire import Kind, Repertoire, plain_value

_OWN_WAY = 0.6
"""Standard deviation of what makes a problem harder in one way of working than in another."""
_HEAVY = 0.6
"""Load beyond this adds less."""
_STAGES = 0.15
"""Effort that a shown plan adds."""
_NOTES = 0.35
"""Share of a passage's strain that picking out facts takes away."""
_FEEDBACK = 0.6
"""Won when something outside says that the last attempt failed."""
_LEARNT = 0.85
"""How often a failed program is not repeated."""
_KEPT = 0.95
"""How often a program stays that passed its tests or its review."""
_FRESH_SLIP = 0.35
"""Share of the wrong numbers off the lure that nobody else arrives at."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the model would say."""

    text: str
    """The answer; of a problem of code the program."""
    program: str
    """The program, where one is asked for."""
    right: bool
    """The answer, or where a program is asked for the program."""
    agrees: bool
    """With the answers it was shown, or there were none."""
    own: str
    """Its fresh view, before it looked at others."""


@dataclass(frozen=True, slots=True)
class Draws:
    """The two sources of chance in a sample, and how they mix."""

    greedy: Dice
    """Of the most probable reply: the same for every seed."""
    seeded: Dice
    share: float
    """Of the greedy draw; 1 at temperature 0, none from 0.8 on."""

    def normal(self) -> float:
        greedy, seeded = self.greedy.normal(), self.seeded.normal()
        return self.share * greedy + math.sqrt(1 - self.share**2) * seeded

    def uniform(self) -> float:
        greedy, seeded = self.greedy.uniform(), self.seeded.uniform()
        return greedy if self.seeded.uniform() < self.share else seeded


def opinion_of(
    ask: Ask, repertoire: Repertoire, profile: Profile, heat: float, draws: Draws
) -> Opinion:
    """What the model says here. `heat` is the temperature."""
    if repertoire.kind is Kind.SOURCE:
        return _program(ask, repertoire, profile, heat, draws)
    own = _fresh_answer(ask, repertoire, profile, heat, draws)
    answer = _weighed(ask, repertoire, profile, own, draws)
    if not ask.code:
        return answer
    program = _program(ask, repertoire, profile, heat, draws)
    return replace(program, text=answer.text)


def success(
    ask: Ask, repertoire: Repertoire, profile: Profile, heat: float = 1.0, *, program: bool = False
) -> float:
    """How far ability exceeds demand, in probits, for a fresh view of this problem.

    `program`: by way of a program that something else will run.
    """
    key = repertoire.key
    curve = profile.curves[key.skill]
    level = _programming(ask, key, profile) if program else _written(ask, key, profile)
    way = "program" if program else "words"
    peculiar = _peculiar(key.question, profile.name, profile.individuality, curve.spread, way)
    return level + ask.cue - 0.3 * max(0.0, heat - 0.9) + peculiar


# --- Item-response curves ----------------------------------------------------------------------


def _written(ask: Ask, key: AnswerKey, profile: Profile) -> float:
    curve = profile.curves[key.skill]
    effort = profile.habit if ask.effort is None else ask.effort
    if ask.planned:
        effort = min(1.375, effort + _STAGES * min(1.0, key.steps / 4))
    hold = curve.hold * (1 - curve.relief * effort) * math.log(key.steps)
    notes = _NOTES if key.skill is Skill.READING and (ask.evidence or ask.planned) else 0.0
    strain = curve.strain * _weight(key.load) * (1 - notes)
    return curve.ability + curve.gain * effort - hold - strain


def _programming(ask: Ask, key: AnswerKey, profile: Profile) -> float:
    craft = profile.programming
    if key.skill is Skill.ARITHMETIC and key.program is not None:
        thought = 0.05 * (ask.effort or 0.0)
        hold = craft.hold * math.log(key.steps)
        return craft.ability + thought - hold - craft.strain * _weight(key.load)
    # The program only states what was found in words; long sums in it are done right, though.
    words = _written(ask, key, profile) - craft.transcription
    if key.program is None:
        return words
    curve = profile.curves[key.skill]
    return words + 0.6 * curve.hold * math.log(key.steps)


def _weight(load: float) -> float:
    return min(load, _HEAVY) + 0.4 * max(0.0, load - _HEAVY)


@lru_cache(maxsize=8192)
def _peculiar(question: str, model: str, share: float, spread: float, way: str) -> float:
    """What the curve does not explain: in part common to all models, in part this model's own,
    in part that of the way of working."""
    common = Dice(f"item\0{question}").normal()
    own = Dice(f"item of {model}\0{question}").normal()
    of_way = Dice(f"{way} of {model}\0{question}").normal()
    return spread * (math.sqrt(1 - share**2) * common + share * own) + _OWN_WAY * of_way


# --- Answers -----------------------------------------------------------------------------------


def _fresh_answer(
    ask: Ask, repertoire: Repertoire, profile: Profile, heat: float, draws: Draws
) -> str:
    if success(ask, repertoire, profile, heat) + draws.normal() > 0:
        return repertoire.key.answer
    return _slip(repertoire, profile, draws)


def _slip(repertoire: Repertoire, profile: Profile, draws: Draws) -> str:
    """A wrong answer: the problem's lure, another known slip, or one of the moment."""
    place = _tempted(repertoire.key, profile, len(repertoire.wrong), draws)
    fresh = draws.uniform()
    if place > 0 and fresh < _FRESH_SLIP and repertoire.kind is Kind.NUMBER:
        return _momentary(repertoire.key.answer, draws)
    return repertoire.wrong[place]


def _tempted(key: AnswerKey, profile: Profile, count: int, draws: Draws) -> int:
    """Which of so many wrong ways is taken: the lure, or one of the others, the first likelier."""
    curve = profile.curves[key.skill]
    dice = Dice(f"lure of {profile.name}\0{key.question}")
    strength = curve.lure_low + (curve.lure_high - curve.lure_low) * dice.uniform()
    lure = min(count - 1, (0, 0, 0, 1, 1, 2)[dice.below(6)])
    draw = draws.uniform()
    if draw < strength or count == 1:
        return lure
    others = [place for place in range(count) if place != lure]
    rank = (draw - strength) / (1 - strength)
    return others[min(len(others) - 1, int(rank * rank * len(others)))]


def _momentary(answer: str, draws: Draws) -> str:
    """The answer with one digit wrong."""
    places = [i for i, c in enumerate(answer) if c.isdigit()]
    place = places[min(len(places) - 1, int(draws.uniform() * len(places)))]
    digit = (int(answer[place]) + 1 + int(draws.uniform() * 9)) % 10
    return f"{answer[:place]}{digit}{answer[place + 1 :]}"


# --- Earlier answers ---------------------------------------------------------------------------


def _weighed(ask: Ask, repertoire: Repertoire, profile: Profile, own: str, draws: Draws) -> Opinion:
    """A vote between the shown answers, if any, and the model's own fresh view."""
    kind = repertoire.kind
    right = plain_value(repertoire.key.answer, kind)
    own_value = plain_value(own, kind)
    if not ask.shown:
        return Opinion(own, "", own_value == right, True, own)
    votes: Counter[str] = Counter(ask.shown)
    first = ask.shown[0]
    if ask.approved:
        votes[first] += 1
    weights = {value: float(count) for value, count in votes.items()}
    if ask.doubted:
        weights[first] *= 0.5
    chosen = _vote(weights, own_value, right, ask, profile, draws)
    text = _as_text(chosen, own, own_value, repertoire)
    return Opinion(text, "", chosen == right, own_value == first, own)


def _vote(
    weights: dict[str, float], own: str, right: str, ask: Ask, profile: Profile, draws: Draws
) -> str:
    """What is taken up of what is shown and what the model itself would say.

    The more is shown, the less its own view counts and the surer the majority wins.
    """
    effort = profile.habit if ask.effort is None else ask.effort
    total = sum(weights.values())
    trust = profile.self_trust * (1 + 0.7 / total) * (0.35 + 0.65 * min(1.0, effort))
    weights[own] = weights.get(own, 0.0) + trust
    lean = math.exp(profile.discernment * min(1.0, 0.3 + effort))
    sharpness = min(4.0, 1.5 + 0.5 * total)
    powers = {v: w**sharpness * (lean if v == right else 1.0) for v, w in weights.items()}
    return _drawn(powers, draws.uniform())


def _drawn(weights: dict[str, float], share: float) -> str:
    *firsts, last = weights
    left = share * sum(weights.values())
    for value in firsts:
        left -= weights[value]
        if left < 0:
            return value
    return last


def _as_text(value: str, own: str, own_value: str, repertoire: Repertoire) -> str:
    """A plain value in its natural form."""
    if value == own_value:
        return own
    known = (repertoire.key.answer, *repertoire.wrong)
    return next((text for text in known if plain_value(text, repertoire.kind) == value), value)


# --- Programs ----------------------------------------------------------------------------------


def _program(
    ask: Ask, repertoire: Repertoire, profile: Profile, heat: float, draws: Draws
) -> Opinion:
    in_program = repertoire.kind is not Kind.SOURCE
    level = success(ask, repertoire, profile, heat, program=in_program)
    shown = ask.shown_programs
    if ask.failed and shown:
        level += _FEEDBACK
    own = _fresh_program(repertoire, profile, level, draws)
    if shown and ask.failed:
        own = _learnt(own, shown, repertoire, profile, level, draws)
    elif shown and (ask.passed or ask.approved):
        own = shown[-1] if draws.uniform() < _KEPT else own
    elif shown:
        votes = {text: float(count) for text, count in Counter(shown).items()}
        own = _vote(votes, own, repertoire.program, ask, profile, draws)
    right = own == repertoire.program
    return Opinion(own, own, right, not shown or own in shown, own)


def _fresh_program(repertoire: Repertoire, profile: Profile, level: float, draws: Draws) -> str:
    crash = draws.uniform()
    if level + draws.normal() > 0:
        typo = crash < 0.2 * profile.programming.crash
        return repertoire.crashing if typo else repertoire.program
    if crash < 3 * profile.programming.crash:
        return repertoire.crashing
    return repertoire.broken[_tempted(repertoire.key, profile, len(repertoire.broken), draws)]


def _learnt(
    own: str,
    shown: tuple[str, ...],
    repertoire: Repertoire,
    profile: Profile,
    level: float,
    draws: Draws,
) -> str:
    """Having seen a program fail, most of the time the model writes another one."""
    for _ in range(3):
        if own not in shown or draws.uniform() > _LEARNT:
            break
        own = _fresh_program(repertoire, profile, level, draws)
    return own
