"""The reply of the simulated model, in the form that was asked for.

In: an Ask and an Opinion. Out: text. Reasoning, plans and notes quote pieces of the question, so
that they mean something to a later call; their length grows with the problem, so that tokens do.
Now and then a reply is malformed or its answer decorated.
"""

from __future__ import annotations

import json
import re

from w4s.models.answer_book import AnswerKey, Skill
from w4s.models.simulation.asking import A_MISTAKE, NO_MISTAKE, Ask, Part
from w4s.models.simulation.chance import Dice
from w4s.models.simulation.opinion import Opinion
from w4s.models.simulation.profiles import Profile
from w4s.models.simulation.repertoire import Kind, Repertoire, plain_value

_STEPS = (
    "Take what is said first: {piece}",
    "Next comes this part: {piece}",
    "From there we go on with {piece}",
    "It also matters that {piece}",
    "Putting this together with {piece}",
    "Now the following applies: {piece}",
    "What remains to be used is {piece}",
    "Keeping track of the intermediate result, turn to {piece}",
)
_CHECKS = (
    "Each of these steps follows from the one before it, so the intermediate result stands.",
    "Going over it once more gives the same intermediate result.",
    "Nothing in the question contradicts this so far.",
)
_JSON_MODE_MALFORMED = 0.3
"""Of the malformed replies, how many a server's JSON mode lets through."""


def write(
    ask: Ask, repertoire: Repertoire, opinion: Opinion, profile: Profile, dice: Dice, strict: bool
) -> str:
    """The whole reply. `strict` is the server's JSON mode."""
    answer = _decorated(opinion.text, repertoire, profile, dice)
    if not ask.keys:
        return _free_text(ask, repertoire, opinion, answer, profile, dice)
    values = {
        name: _value(part, ask, repertoire, opinion, answer, profile, dice)
        for name, part in ask.keys
    }
    return _json_text(values, profile, dice, strict)


def write_without_problem(ask: Ask, profile: Profile, dice: Dice, strict: bool) -> str:
    """A bland reply to a request that quotes no known problem."""
    if not ask.keys:
        if ask.code:
            return "```python\ndef solution():\n    return None\n```"
        return "Here is a careful general answer: it depends on what exactly is given and asked."
    values = {name: _bland(part, ask, dice) for name, part in ask.keys}
    return _json_text(values, profile, dice, strict)


def reasoning(repertoire: Repertoire, effort: float, profile: Profile, dice: Dice) -> list[str]:
    """Sentences of a chain of thought, about one for each step."""
    key = repertoire.key
    count = max(1, round((1 + 0.9 * key.steps) * (0.4 + 0.6 * effort) * profile.verbosity))
    pieces = repertoire.fragments
    start = dice.below(len(_STEPS))
    sentences = [
        _STEPS[(start + i) % len(_STEPS)].format(piece=pieces[i % len(pieces)])
        for i in range(min(count, 14))
    ]
    if effort >= 1:
        sentences.append(_CHECKS[dice.below(len(_CHECKS))])
    return sentences


# --- Free text ---------------------------------------------------------------------------------


def _free_text(
    ask: Ask, repertoire: Repertoire, opinion: Opinion, answer: str, profile: Profile, dice: Dice
) -> str:
    if ask.free is Part.PLAN:
        return _plan(repertoire)
    effort = profile.habit if ask.effort is None else ask.effort
    lines = reasoning(repertoire, effort, profile, dice) if effort > 0 else []
    if ask.free is Part.CRITIQUE:
        return "\n".join([*lines, _critique(opinion, dice)])
    if ask.code:
        lines.append(f"```python\n{opinion.program.rstrip()}\n```")
    elif not lines:
        lines.append(answer)
    elif "boxed" in ask.rest:
        lines.append(f"The answer is \\boxed{{{answer}}}.")
    else:
        lines.append(f"So the answer is {answer}.")
    return "\n".join(lines)


# --- JSON --------------------------------------------------------------------------------------


def _value(
    part: Part,
    ask: Ask,
    repertoire: Repertoire,
    opinion: Opinion,
    answer: str,
    profile: Profile,
    dice: Dice,
) -> object:
    match part:
        case Part.ANSWER:
            return answer
        case Part.CODE:
            return _decorated(opinion.program, repertoire, profile, dice, program=True)
        case Part.PLAN:
            return _plan(repertoire)
        case Part.EVIDENCE:
            return _evidence(repertoire)
        case Part.RESTATEMENT:
            return repertoire.key.question
        case Part.CRITIQUE:
            return _critique(opinion, dice)
        case Part.VERDICT:
            return _yes_or_no(opinion.agrees, ask.rest)
        case Part.FAULT:
            return _yes_or_no(not opinion.agrees, ask.rest)
        case Part.CONFIDENCE:
            return _confidence(opinion.right, ask.rest, dice)
        case Part.PICK:
            return _pick(ask, repertoire, opinion, answer)
        case Part.EXPERT:
            return _expert(ask, repertoire.key, dice)
        case Part.OTHER:
            return _notes(repertoire, dice)
        case Part.REASONING:
            return _thought(ask, repertoire, opinion, profile, dice)


def _thought(
    ask: Ask, repertoire: Repertoire, opinion: Opinion, profile: Profile, dice: Dice
) -> str:
    effort = 1.0 if ask.effort is None else max(0.6, ask.effort)
    sentences = reasoning(repertoire, effort, profile, dice)
    if not ask.code:
        answered = any(part is Part.ANSWER for _, part in ask.keys)
        sentences.append(
            f"That leaves {opinion.text}." if answered else f"So the answer is {opinion.text}."
        )
    return " ".join(sentences)


def _plan(repertoire: Repertoire) -> str:
    pieces = repertoire.fragments[: max(2, min(8, repertoire.key.steps + 1))]
    lines = [f'{i}. Work out what follows from "{piece}"' for i, piece in enumerate(pieces, 1)]
    return "\n".join([*lines, f"{len(lines) + 1}. Put the results together and check them."])


def _evidence(repertoire: Repertoire) -> str:
    """Pieces of the question that share words with its last sentence, which usually asks."""
    pieces = repertoire.fragments
    asked = set(re.findall(r"\w{4,}", pieces[-1].lower()))
    ranked = sorted(pieces[:-1], key=lambda p: -len(asked & set(re.findall(r"\w{4,}", p.lower()))))
    return "\n".join(f'- "{piece}"' for piece in [*ranked[:5], pieces[-1]])


def _notes(repertoire: Repertoire, dice: Dice) -> str:
    """What comes to mind, without an answer."""
    pieces = repertoire.fragments
    start = dice.below(len(pieces))
    chosen = dict.fromkeys(pieces[(start + i) % len(pieces)] for i in range(3))
    quoted = "; ".join(f'"{piece}"' for piece in chosen)
    return f"What counts here: {quoted}."


def _critique(opinion: Opinion, dice: Dice) -> str:
    doubt = dice.uniform()
    if opinion.agrees or doubt < 0.15:
        return f"Going through it step by step I find {NO_MISTAKE}; the reasoning holds."
    where = f"There is {A_MISTAKE} in one of the steps"
    if doubt < 0.7 and "\n" not in opinion.own:
        return f"{where}: done anew, the result is {opinion.own}."
    return f"{where}; it should be worked through again from the start."


def _yes_or_no(yes: bool, rest: str) -> str:
    low = rest.lower()
    if re.search(r"\byes\b.{0,12}\bno\b", low):
        return "Yes" if yes else "No"
    if re.search(r"\bpass\b.{0,12}\bfail\b", low):
        return "PASS" if yes else "FAIL"
    return "True" if yes else "False"


def _confidence(right: bool, rest: str, dice: Dice) -> object:
    """Overconfident, and a little higher when right."""
    share = min(0.99, max(0.3, 0.84 + (0.05 if right else -0.05) + 0.08 * dice.normal()))
    if re.search(r"0\s*(?:-|to|and)\s*100|percent|%", rest):
        return round(100 * share)
    if re.search(r"(?:0|1)\s*(?:-|to|and)\s*10\b|out of (?:10|ten)", rest):
        return round(10 * share)
    return round(share, 2)


def _pick(ask: Ask, repertoire: Repertoire, opinion: Opinion, answer: str) -> object:
    """The number of the shown answer, where numbers are asked for; else the answer."""
    if not ask.shown or not re.search(
        r"\bindex\b|\bnumber of\b|\bwhich (?:one|number)\b", ask.rest
    ):
        return answer
    value = plain_value(opinion.text, repertoire.kind)
    order = list(dict.fromkeys(ask.shown))
    place = order.index(value) if value in order else 0
    from_zero = re.search(
        r"\b(?:candidate|answer|solution|response) ?\[?0\b|0-based|from 0", ask.rest
    )
    return place if from_zero else place + 1


_EXPERTS = {
    Skill.ARITHMETIC: "Mathematician",
    Skill.READING: "Reading Comprehension Specialist",
    Skill.KNOWLEDGE: "Subject Expert",
    Skill.CODE: "Python Programmer",
}
_FITS = {
    Skill.ARITHMETIC: re.compile(r"math|arithm|algebra|account|statisti|logic|calculat", re.I),
    Skill.READING: re.compile(r"read|text|lingu|editor|journal|detective|language", re.I),
    Skill.KNOWLEDGE: re.compile(r"scien|chemi|physic|profess|subject|histor|knowledge", re.I),
    Skill.CODE: re.compile(r"program|python|software|develop|code", re.I),
}
_LISTED = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s*([A-Z][\w /'-]{2,40})", re.MULTILINE)
_AFTER_COLON = re.compile(
    r"(?:experts?|roles?|specialists?|options?|one of|among|from)\b[^:\n]{0,60}:\s*([^\n]{4,300})",
    re.I,
)


def _expert(ask: Ask, key: AnswerKey | None, dice: Dice) -> str:
    """One of the listed experts, the fitting one more often than not."""
    listed: list[str] = _LISTED.findall(ask.rest)
    line = _AFTER_COLON.search(ask.rest)
    if not listed and line:
        items = line[1].split(";") if ";" in line[1] else re.split(r",|\bor\b|\band\b", line[1])
        listed = [item.strip(" .?[](){}\"'`") for item in items]
        listed = [item for item in listed if 2 < len(item) < 41]
    if not listed:
        return _EXPERTS[key.skill] if key is not None else "Generalist"
    fitting = [item for item in listed if key is not None and _FITS[key.skill].search(item)]
    if fitting and dice.chance(0.85):
        return fitting[0]
    return listed[dice.below(len(listed))]


def _bland(part: Part, ask: Ask, dice: Dice) -> object:
    match part:
        case Part.EXPERT:
            return _expert(ask, None, dice)
        case Part.VERDICT:
            return _yes_or_no(True, ask.rest)
        case Part.FAULT:
            return _yes_or_no(False, ask.rest)
        case Part.CONFIDENCE:
            return _confidence(False, ask.rest, dice)
        case Part.CODE:
            return "def solution():\n    return None\n"
        case Part.PLAN:
            return "1. Read what is given.\n2. Work it out.\n3. Check the result."
        case Part.ANSWER | Part.PICK:
            return "unknown"
        case _:
            return "Nothing specific can be said without the question itself."


def _json_text(values: dict[str, object], profile: Profile, dice: Dice, strict: bool) -> str:
    fate = dice.uniform()
    dumped = json.dumps(values, ensure_ascii=False)
    rate = profile.malformed
    if fate > rate:
        fenced = not strict and fate > 0.85
        return (
            f"```json\n{json.dumps(values, ensure_ascii=False, indent=2)}\n```"
            if fenced
            else dumped
        )
    kind = fate / rate
    if kind < 0.4 and len(values) > 1:
        lost = list(values)[dice.below(len(values))]
        return json.dumps({k: v for k, v in values.items() if k != lost}, ensure_ascii=False)
    if strict and kind > 0.4 + 0.6 * _JSON_MODE_MALFORMED:
        return dumped
    if kind < 0.7:
        return dumped[: max(2, int(len(dumped) * (0.3 + 0.6 * dice.uniform())))]
    return "\n".join(f"{name}: {value}" for name, value in values.items())


# --- Answers -----------------------------------------------------------------------------------


def _decorated(
    text: str, repertoire: Repertoire, profile: Profile, dice: Dice, *, program: bool = False
) -> str:
    """Now and then an answer comes in a sentence, in bold, or with thousands commas."""
    fate = dice.uniform() / profile.decorated
    if program or repertoire.kind is Kind.SOURCE:
        return f"```python\n{text.rstrip()}\n```" if fate < 0.5 else text
    if fate >= 1:
        return text
    if repertoire.kind is Kind.NUMBER and fate < 0.4:
        return f"{int(text):,}" if re.fullmatch(r"-?\d{4,}", text) else f"{text} in all"
    if repertoire.kind is Kind.LETTER and fate < 0.5:
        return f"({text})"
    return f"**{text}**" if fate < 0.7 else f"The answer is {text}."
