"""What a conversation asks for, and what it shows.

In: messages. Out: an Ask: the problem, the form of the reply, how much reasoning comes before
the answer, earlier answers and reports of failure that stand beside the question. Read from the
structure of the request; the wording of roles and instructions yields a small cue and no more.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from w4s.models.answer_book import AnswerBook, AnswerKey, Skill
from w4s.models.simulation.chance import Dice
from w4s.models.simulation.repertoire import Kind, Repertoire, plain_value, repertoire_of
from w4s.types import Message


class Part(StrEnum):
    """What a key of the reply is for."""

    ANSWER = "answer"
    CODE = "code"
    REASONING = "reasoning"
    EVIDENCE = "evidence"
    PLAN = "plan"
    RESTATEMENT = "restatement"
    CRITIQUE = "critique"
    VERDICT = "verdict"
    FAULT = "fault"
    CONFIDENCE = "confidence"
    PICK = "pick"
    EXPERT = "expert"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Ask:
    """A request as the simulated model understands it."""

    repertoire: Repertoire | None
    """Of the problem it is about, where that is known."""
    keys: tuple[tuple[str, Part], ...]
    """Of the JSON object asked for, in order; empty for free text."""
    free: Part
    """What free text is to be: an answer, a plan or a critique."""
    code: bool
    """Whether a program is asked for."""
    effort: float | None
    """Reasoning before the answer: 0 for none, 1 for a chain of thought, a little more for
    several stages. None for free text that leaves it open."""
    evidence: bool
    """Whether facts are to be picked out first, or have been."""
    planned: bool
    """Whether a plan made of pieces of the question is shown."""
    cue: float
    """Effect of the wording, in probits."""
    shown: tuple[str, ...]
    """Earlier answers, as plain values, one per mention."""
    shown_programs: tuple[str, ...]
    """Known programs that the conversation shows, one per mention, in their order."""
    approved: bool
    """A critic found no fault with the earlier answer."""
    doubted: bool
    """A critic found one."""
    failed: bool
    """Something outside reports an error or a failing test of a shown program."""
    passed: bool
    """Something outside reports success."""
    rest: str
    """The conversation without the question."""
    digest: str


def read_ask(messages: Sequence[Message], json_mode: bool, book: AnswerBook, cues: bool) -> Ask:
    """Understand a conversation."""
    whole = "\n".join(message.content for message in messages)
    key = book.find(whole)
    repertoire = repertoire_of(key) if key is not None else None
    system = "\n".join(m.content for m in messages if m.role == "system")
    rest = _without(whole, key)
    beside = rest[len(system) :] if rest.startswith(system) else rest
    keys = _keys(system, beside, json_mode)
    code = _asks_code(keys, rest, repertoire)
    programs = _shown_programs(repertoire, beside)
    digest = hashlib.blake2b(digest_size=16)
    for message in messages:
        digest.update(f"{message.role}\0{message.content}\0".encode("utf-8", "surrogatepass"))
    shown = _shown(repertoire, beside)
    return Ask(
        repertoire=repertoire,
        keys=keys,
        free=Part.ANSWER if keys else _free_part(rest, bool(shown or programs)),
        code=code,
        effort=_effort(keys, rest, cues),
        evidence=any(part is Part.EVIDENCE for _, part in keys),
        planned=repertoire is not None and _quotes(beside, repertoire.key),
        cue=_cue(system, rest, repertoire) if cues else 0.0,
        shown=shown,
        shown_programs=programs,
        approved=NO_MISTAKE in beside,
        doubted=A_MISTAKE in beside,
        failed=bool(programs) and _FAILED.search(beside) is not None,
        passed=bool(programs) and _PASSED.search(beside) is not None,
        rest=rest,
        digest=digest.hexdigest(),
    )


NO_MISTAKE = "no mistake"
A_MISTAKE = "a mistake"
"""What critiques of the simulated model contain, so that it knows them again."""

_FAILED = re.compile(
    r"Traceback|\b\w*Error\b|\bfail(?:s|ed|ing|ure)\b|\bexception\b|-> ?failed", re.IGNORECASE
)
_PASSED = re.compile(r"\bno errors?\b|\btests? pass(?:es|ed)?\b|\bpassed\b", re.IGNORECASE)


def _without(whole: str, key: AnswerKey | None) -> str:
    if key is None:
        return whole
    question = key.question
    for quoted in (question, json.dumps(question, ensure_ascii=False)[1:-1], repr(question)[1:-1]):
        if quoted in whole:
            return whole.replace(quoted, "\n")
    words = re.findall(r"\w+", question)
    return re.sub(r"(?:\W|\\n)+?".join(map(re.escape, words)), "\n", whole)


# --- The form of the reply ---------------------------------------------------------------------

_KEYS_WORD = re.compile(r"\b(?:keys?|fields?)\b", re.IGNORECASE)
_QUOTED_NAME = re.compile(r"[\"'`]([A-Za-z_][\w .-]{0,40})[\"'`]")
_TEMPLATE_NAME = re.compile(r"[\"'`]([A-Za-z_][\w -]{0,40})[\"'`]\s*:")
_BARE_NAME = re.compile(r"[A-Za-z_]\w{0,40}")


def _keys(system: str, beside: str, json_mode: bool) -> tuple[tuple[str, Part], ...]:
    """The keys asked for; `answer` alone where JSON is asked for and no key named."""
    for text in (system, beside):
        if "json" not in text.lower():
            continue
        names = _named_after_word(text) or _TEMPLATE_NAME.findall(text)
        if names:
            return tuple((name, _part(name)) for name in dict.fromkeys(names))
    wants = json_mode or "json" in system.lower()
    return (("answer", Part.ANSWER),) if wants else ()


def _named_after_word(text: str) -> list[str]:
    for word in _KEYS_WORD.finditer(text):
        line = text[word.end() :].partition("\n")[0]
        quoted: list[str] = _QUOTED_NAME.findall(line)
        if quoted:
            return quoted
        _, colon, listed = line.partition(":")
        bare = [name.strip() for name in listed.rstrip(" .").split(",")]
        if colon and bare and all(_BARE_NAME.fullmatch(name) for name in bare):
            return bare
    return []


_PARTS: tuple[tuple[Part, str], ...] = (
    (Part.CODE, "code program python implementation script function source"),
    (Part.CONFIDENCE, "confidence certainty probability score rating likelihood"),
    (Part.FAULT, "wrong incorrect error mistake fault flawed revise revision"),
    (Part.VERDICT, "correct valid verdict pass passed satisfied approved agree ok acceptable "
                   "judgment judgement consistent"),
    (Part.PICK, "best winner index selected pick chosen"),
    (Part.EXPERT, "expert role specialist persona agent route domain experts roles"),
    (Part.CRITIQUE, "critique feedback review comment comments issues errors mistakes suggestion "
                    "suggestions weaknesses flaws reflection criticism"),
    (Part.PLAN, "plan strategy subproblems subquestions subtasks decomposition outline approach "
                "sub questions tasks"),
    (Part.EVIDENCE, "facts evidence quotes quote relevant extract extracted entities data known "
                    "given givens table list sentences passages information details notes fact"),
    (Part.RESTATEMENT, "question rephrased restated restatement problem task rewritten paraphrase"),
    (Part.REASONING, "reasoning thinking thought thoughts analysis explanation rationale steps "
                     "step work working chain derivation calculation calculations computation "
                     "justification scratchpad understanding process logic reason argument think "
                     "draft verification check double"),
)  # fmt: skip
_PART_OF_WORD = {word: part for part, words in reversed(_PARTS) for word in words.split()}
_ANSWER_WORDS = frozenset(
    {"answer", "answers", "result", "final", "output", "choice", "letter", "option", "number"}
    | {"value", "conclusion", "response", "solution", "total", "decision"}
)


@lru_cache(maxsize=1024)
def _part(name: str) -> Part:
    """What a key is for, by its words; the last word decides."""
    words = [
        w for w in re.split(r"[^a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()) if w
    ]
    if not words:
        return Part.OTHER
    if words[-1] in _ANSWER_WORDS:
        return Part.ANSWER
    for word in reversed(words):
        part = _PART_OF_WORD.get(word)
        if part is not None:
            flat = part is Part.FAULT and len(words) == 1 and word not in ("wrong", "incorrect")
            return Part.CRITIQUE if flat else part
    return Part.ANSWER if _ANSWER_WORDS.intersection(words) else Part.OTHER


_CODE_WORDS = re.compile(
    r"def solution|```python|python (?:code|program|function|source)|"
    r"\bwrite (?:a |the |some )?(?:whole )?(?:code|program|function|script)\b",
    re.IGNORECASE,
)


def _asks_code(
    keys: tuple[tuple[str, Part], ...], rest: str, repertoire: Repertoire | None
) -> bool:
    if any(part is Part.CODE for _, part in keys):
        return True
    if repertoire is not None and repertoire.key.skill is Skill.CODE:
        return not keys or any(part is Part.ANSWER for _, part in keys)
    return not keys and _CODE_WORDS.search(rest) is not None


_PLANS = re.compile(r"\bplan\b|\boutline\b|\bsub-?(?:problem|question|task)s?\b", re.IGNORECASE)
_NOT_YET = re.compile(
    r"(?:do not|don't|without) (?:yet )?(?:solv|answer)|no answer yet", re.IGNORECASE
)
_CRITIC = re.compile(r"critici[sz]|critique|feedback|what is wrong|mistakes|errors", re.IGNORECASE)
_ANEW = re.compile(
    r"final answer|improve|correct(?:ed|ion)|rewrit|revis|refine|solve|again|own answer|new answer",
    re.IGNORECASE,
)


def _free_part(rest: str, shows: bool) -> Part:
    if _PLANS.search(rest) and _NOT_YET.search(rest):
        return Part.PLAN
    if shows and _CRITIC.search(rest) and not _ANEW.search(rest):
        return Part.CRITIQUE
    return Part.ANSWER


# --- Effort and wording ------------------------------------------------------------------------

_WEIGHTS = {
    Part.REASONING: 1.0,
    Part.PLAN: 0.7,
    Part.EVIDENCE: 0.6,
    Part.CRITIQUE: 0.5,
    Part.RESTATEMENT: 0.3,
    Part.OTHER: 0.3,
}
_NO_WORDS = re.compile(
    r"nothing else|(?:without|no) (?:any )?explanation|\b(?:only|just) (?:with )?the (?:final )?"
    r"(?:answer|number|letter|name|code)|answer alone",
    re.IGNORECASE,
)
_MANY_WORDS = re.compile(
    r"step[ -]by[ -]step|\bthink\b|\breason(?:ing)?\b|show your work|\bexplain", re.IGNORECASE
)


def _effort(keys: tuple[tuple[str, Part], ...], rest: str, cues: bool) -> float | None:
    if keys:
        weight = 0.0
        for _, part in keys:
            if part in (Part.ANSWER, Part.CODE, Part.VERDICT, Part.FAULT, Part.PICK):
                break
            weight += _WEIGHTS.get(part, 0.0)
        return min(weight, 1.0) + 0.15 * min(max(weight - 1.0, 0.0), 2.0)
    many = _MANY_WORDS.search(rest) is not None
    if _NO_WORDS.search(rest) and not many:
        return 0.0
    return 1.0 if cues and many else None


_MOST_CUE = 0.1
_CARE = (
    "careful",
    "double-check",
    "double check",
    "step by step",
    "step-by-step",
    "verify",
    "precise",
)
_FITTING = {
    Skill.ARITHMETIC: re.compile(r"math|arithmetic|account|engineer|statisti|calculat|logic", re.I),
    Skill.READING: re.compile(r"read|editor|librar|journal|detective|analyst|linguist", re.I),
    Skill.KNOWLEDGE: re.compile(r"profess|scien|chemi|expert|teacher|physic|encyclop", re.I),
    Skill.CODE: re.compile(r"program|python|software|develop|coder", re.I),
}


def _cue(system: str, rest: str, repertoire: Repertoire | None) -> float:
    """A fitting role and an appeal to care help a little; each wording has its own luck."""
    if repertoire is None:
        return 0.0
    role = system.partition("\n")[0]
    cue = 0.06 * (Dice(f"role\0{role}\0{repertoire.key.skill}").uniform() - 0.5)
    if _FITTING[repertoire.key.skill].search(role):
        cue += 0.05
    low = rest.lower()
    if any(word in low for word in _CARE):
        cue += 0.04
    return max(-_MOST_CUE, min(_MOST_CUE, cue))


# --- What is shown beside the question ---------------------------------------------------------

_QUOTE = re.compile(r"\\?\"([^\"\n]{10,90}?)\\?\"")
_MARKED = re.compile(
    r"(?:answers?|candidates?|solutions?|results?|proposals?|responses?|outputs?|opinions?|votes?|"
    r"final|computed|returned|says?|said|conclusion|values?|choices?|options?|got|get)\b"
    r"(?:[\"'`)\]*]*\s*(?:#?\d{1,2}\b|[A-E]\b)?[\"'`)\]*]*\s*|(?: [a-z]+){1,4} ?)"
    r"(?:\b(?:is|was|are)|:|=|->|→)+$",
    re.IGNORECASE,
)
_LINKS = (":", "=", "->", "→", "is", "was", "are")
_OPENING = " \n\t[\"'`(\\*${"
"""What may stand between a link and the value."""
_BEFORE = 60
"""Characters before a value in which its mark stands."""
_ITEM = re.compile(
    r"^\s*(?:[-*•]|\(?\d{1,2}[.):]|\w+ (?:\d{1,2}|[A-E])\s*[:)])"
    r"\s*[\"'`]?(?P<value>[^\n\"'`]{1,60})[\"'`]?\s*$",
    re.MULTILINE,
)
_LONGEST_LIST = 400


def _quotes(beside: str, key: AnswerKey) -> bool:
    """Whether at least two pieces of the question are quoted, as plans and notes do."""
    if '"' not in beside:
        return False
    squeezed = " ".join(key.question.split())
    return sum(piece in squeezed for piece in set(_QUOTE.findall(beside))) >= 2


def _shown(repertoire: Repertoire | None, beside: str) -> tuple[str, ...]:
    """Values that stand where answers stand: behind a mark, in a marked list, alone in a line."""
    if repertoire is None or repertoire.kind is Kind.SOURCE:
        return ()
    values = repertoire.values
    found = {m.start(): m[0] for m in values.finditer(beside) if _is_marked(beside, m.start())}
    for item in _ITEM.finditer(beside):
        value = values.fullmatch(item["value"].strip())
        if value:
            found[item.start("value")] = value[0]
    return tuple(plain_value(value, repertoire.kind) for _, value in sorted(found.items()))


def _is_marked(text: str, start: int) -> bool:
    """Whether `answer:` or the like stands before a value, or before the list that it is in."""
    opened = text.rfind("[", max(0, start - _LONGEST_LIST), start)
    if opened >= 0 and text.find("]", opened, start) < 0:
        start = opened + 1
    before = text[max(0, start - _BEFORE) : start].rstrip(_OPENING)
    return before.endswith(_LINKS) and _MARKED.search(before) is not None


def _shown_programs(repertoire: Repertoire | None, beside: str) -> tuple[str, ...]:
    if repertoire is None or "def " not in beside:
        return ()
    known = dict.fromkeys((repertoire.program, *repertoire.broken, repertoire.crashing))
    found: list[tuple[int, str]] = []
    for text in sorted(known, key=len, reverse=True):  # a program may be the start of a longer one
        source = text.strip()
        start = beside.find(source)
        while start >= 0:
            found.append((start, text))
            beside = f"{beside[:start]}{' ' * len(source)}{beside[start + len(source) :]}"
            start = beside.find(source, start)
    return tuple(text for _, text in sorted(found))
