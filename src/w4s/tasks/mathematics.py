"""Word problems with a number as answer: GSM8K, GSM-Plus, SVAMP, MGSM.

In: upstream's files. Out: Tasks. GSM8K's test problems, GSM-Plus and MGSM share origins with each
other and with GSM-Hard; in the default split each origin has one role in all of them
(`gsm8k_origins`), in the paper split the published sets are kept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from w4s.models.answer_book import AnswerKey
from w4s.tasks import data, gsm8k_origins
from w4s.tasks.about import About, Drawn, Row, assemble, keyed
from w4s.tasks.answers import near, plain, read_first_number, read_number
from w4s.tasks.base import Sizes, Task
from w4s.tasks.keys import numeric_key, program_of, value_of
from w4s.tasks.scorers import SHOWN, Judged, natural
from w4s.tasks.splits import Sets, by_role, drawn, pooled, shuffled
from w4s.types import JSON, Problem, Score

_PLAIN = (
    "The answer must be the number alone, in digits: no words, units, currency signs or percent "
    "signs."
)

_STRING_RULE = (
    "The answer, without commas and (where it has a point) without trailing zeros, is the same "
    "string as the gold answer; `18.00` passes, `$18` does not. Rule of openai/simple-evals and "
    "ADAS. The reason says when a forgiving reading (last number of the text, as in AFlow) would "
    "have been right."
)

_SHARED_SETS = (
    "By origin, with the role that W4S's shuffle of GSM-Hard gives each GSM8K test problem: "
    "disjoint across gsm8k, gsm_hard, gsm_plus and mgsm."
)

GSM8K = About(
    name="gsm8k",
    family="mathematics",
    description="Solve grade-school math word problems. They take two to eight steps of basic "
    "arithmetic on small numbers; most mistakes come from missing a condition of the story. "
    + _PLAIN,
    metric="accuracy",
    rule=_STRING_RULE,
    sets=f"{_SHARED_SETS} Training: upstream's training file. Paper: ADAS's 128 and 800 of the "
    "test file, shuffled with seed 0.",
    licence="MIT",
    source="openai/grade-school-math",
    files=("gsm8k/train.jsonl.gz", "gsm8k/test.jsonl.gz"),
    rows=7473 + 1319,
    sizes=Sizes(private=128, public=10, training=7473, test=500),
)

GSM_PLUS = About(
    name="gsm_plus",
    family="mathematics",
    description="Solve grade-school math word problems that were rewritten to be tricky: other "
    "numbers, more digits, decimals and fractions, an added or reversed step, a distracting "
    "sentence, or a condition removed. The answer is a number. Where a needed piece of "
    "information is missing, so that no number can be found, the answer must be `None`.",
    metric="accuracy",
    rule="The first number behind `####`, else the last number of the answer, equals the gold "
    "number (fractions count as their value); for rows whose gold is None the answer says that "
    "information is missing. Upstream's rule (qtli/GSM-Plus), without its habit of taking any "
    "answer that lacks `####` for `None`.",
    sets=f"{_SHARED_SETS} Paper: no division is published; the rows shuffled with seed 0, as for "
    "MGSM.",
    licence="CC BY-SA 4.0 (hub card)",
    source="qtli/GSM-Plus, dataset/gsmplus_testmini.jsonl",
    files=("gsm_plus/gsmplus_testmini.jsonl.gz",),
    rows=2400,
    sizes=Sizes(private=128, public=10, training=920, test=888),
)

SVAMP = About(
    name="svamp",
    family="mathematics",
    description="Solve short math word problems of one or two steps. The numbers are small, but "
    "the stories hold numbers that are not needed, and the wording decides which operation is "
    "right. " + _PLAIN,
    metric="accuracy",
    rule=_STRING_RULE,
    sets="Shuffled with seed 0: 128 validation, 500 test, 200 public, the rest for training. "
    "Nothing is published for a search.",
    licence="MIT",
    source="arkilpatel/SVAMP, SVAMP.json",
    files=("svamp/SVAMP.json.gz",),
    rows=1000,
    sizes=Sizes(private=128, public=10, training=172, test=500),
)

LANGUAGES = ("bn", "de", "en", "es", "fr", "ja", "ru", "sw", "te", "th", "zh")

MGSM = About(
    name="mgsm",
    family="mathematics",
    description="Solve grade-school math word problems written in one of eleven languages "
    "(Bengali, German, English, Spanish, French, Japanese, Russian, Swahili, Telugu, Thai, "
    "Chinese). They take two to eight steps of basic arithmetic. " + _PLAIN,
    metric="accuracy over all languages",
    rule=_STRING_RULE,
    sets=f"{_SHARED_SETS} 128 validation and 800 test problems over all languages. Paper: ADAS's "
    "128 and 800 of all rows joined in the order of the language codes, shuffled with seed 0.",
    licence="CC BY 4.0",
    source="google-research/url-nlp, mgsm/",
    files=tuple(f"mgsm/mgsm_{language}.tsv.gz" for language in LANGUAGES),
    rows=2750,
    sizes=Sizes(private=128, public=10, training=1023, test=800),
)


def load_gsm8k(seed: int = 0, sizes: Sizes | None = None, split: str = "default") -> Task:
    train, test = (data.load(name) for name in GSM8K.files)
    training_rows, rows = train.records(), test.records()
    training = [_gsm8k_problem(train, "train", i, row) for i, row in enumerate(training_rows)]
    problems = [_gsm8k_problem(test, "test", i, row) for i, row in enumerate(rows)]
    if split == "paper":
        pools = pooled(shuffled(problems, 0), private=128, test=800, public=200)
    else:
        pools = by_role(problems, gsm8k_origins.roles(), 0)
    pools = Sets(pools.private, pools.public, tuple(training), pools.test)
    return assemble(
        GSM8K,
        drawn(GSM8K.name, pools, sizes, seed),
        Judged(judge_number_string),
        keyed([*problems, *training], [*rows, *training_rows], _gsm8k_key),
        Drawn(split, seed, sizes, (train.sha256, test.sha256)),
    )


def load_gsm_plus(seed: int = 0, sizes: Sizes | None = None, split: str = "default") -> Task:
    file = data.load(GSM_PLUS.files[0])
    rows = file.records()
    problems = [_gsm_plus_problem(file, i, row) for i, row in enumerate(rows)]
    return assemble(
        GSM_PLUS,
        drawn(GSM_PLUS.name, _shared_pools(problems, split), sizes, seed),
        Judged(judge_gsm_plus),
        keyed(problems, rows, _gsm_plus_key),
        Drawn(split, seed, sizes, (file.sha256,)),
        answer=lambda problem: str(problem.target),
    )


def load_svamp(seed: int = 0, sizes: Sizes | None = None, split: str = "default") -> Task:
    file = data.load(SVAMP.files[0])
    rows = file.document()
    problems = [_svamp_problem(file, i, row) for i, row in enumerate(rows)]
    pools = pooled(shuffled(problems, 0), private=128, test=500, public=200)
    return assemble(
        SVAMP,
        drawn(SVAMP.name, pools, sizes, seed),
        Judged(judge_number_string),
        keyed(problems, rows, _svamp_key),
        Drawn(split, seed, sizes, (file.sha256,)),
    )


def load_mgsm(seed: int = 0, sizes: Sizes | None = None, split: str = "default") -> Task:
    files = {language: data.load(f"mgsm/mgsm_{language}.tsv.gz") for language in LANGUAGES}
    problems = [p for language, file in files.items() for p in _mgsm_problems(file, language)]
    pools = _shared_pools(problems, split)
    pools = Sets(pools.private, pools.public, pools.training, pools.test[:800])
    return assemble(
        MGSM,
        drawn(MGSM.name, pools, sizes, seed),
        Judged(judge_number_string),
        keyed(problems, _english_solutions() * len(LANGUAGES), _mgsm_key),
        Drawn(split, seed, sizes, tuple(file.sha256 for file in files.values())),
    )


# --- Scores --------------------------------------------------------------------------------


def judge_number_string(target: JSON, answer: str) -> Score:
    """The string rule: see `_STRING_RULE`."""
    prediction, gold = _number_string(answer), natural(target).replace(",", "")
    right = prediction == gold
    if right:
        return Score(1.0, prediction[:SHOWN], "the number")
    found, wanted = read_number(answer), read_number(gold)
    if found is not None and wanted is not None and near(found, wanted):
        return Score(0.0, prediction[:SHOWN], "not the plain number, though it stands in the text")
    return Score(0.0, prediction[:SHOWN], "another number" if found is not None else "no number")


def _number_string(answer: str) -> str:
    if "." in answer:
        answer = answer.rstrip("0").rstrip(".")
    return answer.replace(",", "")


_MISSING = re.compile(
    r"\bnone\b|\bunknown\b|\binsufficient\b|not enough|missing (?:\w+ )?information"
    r"|(?:do not|don't|does not|doesn't|did not|didn't|is not|isn't|not) "
    r"(?:have enough|know|specif|provide|mention|given|state|possible|be (?:calc|determ|comput))"
    r"|(?:can't|cannot|can not|impossible to|unable to) "
    r"(?:be )?(?:provide|calculate|determine|compute|find|answer|say|know|solve)"
)


def judge_gsm_plus(target: JSON, answer: str) -> Score:
    """Upstream's reading of free text: see `GSM_PLUS.rule`."""
    if target == "None":
        lower = answer[-5000:].lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
        said = _MISSING.search(lower)
        return Score(
            float(said is not None),
            said[0] if said else answer.strip()[:SHOWN],
            "says that something is missing" if said else "takes the question for answerable",
        )
    _, marked, behind = answer.rpartition("####")
    found = (read_first_number(behind) if marked else None) or read_number(answer)
    wanted = read_number(natural(target))
    if found is None or wanted is None:
        return Score(0.0, answer.strip()[:SHOWN], "no number in the answer")
    right = near(found, wanted)
    return Score(float(right), plain(found)[:SHOWN], "the number" if right else "another number")


# --- Rows ----------------------------------------------------------------------------------


def _shared_pools(problems: Sequence[Problem], split: str) -> Sets:
    if split == "paper":
        return pooled(shuffled(problems, 0), private=128, test=800, public=200)
    return by_role(problems, gsm8k_origins.roles(), 0)


def _gsm8k_problem(file: data.DataFile, part: str, row_number: int, row: Row) -> Problem:
    index = row_number
    question = file.field(row, "question", str, row_number)
    if part == "test":
        known = gsm8k_origins.of_question(question)
        index = row_number if known is None else known
    gold = file.field(row, "answer", str, row_number).rpartition("####")[2].strip()
    return Problem(
        id=f"gsm8k/{part}/{row_number}",
        origin=f"gsm8k/{part}/{index}",
        question=question,
        target=gold.replace(",", ""),
    )


def _gsm_plus_problem(file: data.DataFile, row_number: int, row: Row) -> Problem:
    index = gsm8k_origins.of_question(file.field(row, "seed_question", str, row_number))
    if index is None:
        raise file.unexpected(row_number, "its seed question is no test problem of GSM8K")
    return Problem(
        id=f"gsm_plus/{row_number}",
        origin=gsm8k_origins.origin(index),
        question=file.field(row, "question", str, row_number),
        target=file.field(row, "answer", str, row_number),
    )


def _svamp_problem(file: data.DataFile, row_number: int, row: Row) -> Problem:
    body = file.field(row, "Body", str, row_number).strip()
    return Problem(
        id=f"svamp/{file.field(row, 'ID', str, row_number)}",
        origin=f"svamp/{row['ID']}",
        question=f"{body} {file.field(row, 'Question', str, row_number).strip()}",
        target=plain(Decimal(repr(file.field(row, "Answer", float, row_number)))),
    )


def _mgsm_problems(file: data.DataFile, language: str) -> list[Problem]:
    lines = [line for line in file.text.split("\n") if line.strip()]
    problems = []
    for row_number, line in enumerate(lines):
        question, tab, gold = line.rpartition("\t")
        if not tab or read_number(gold) is None:
            raise file.unexpected(row_number, "it is not a question, a tab and a number")
        problems.append(
            Problem(
                id=f"mgsm/{language}/{row_number}",
                origin=gsm8k_origins.origin(row_number),
                question=question.strip(),
                target=gold.strip().replace(",", ""),
            )
        )
    return problems


# --- Answer keys ---------------------------------------------------------------------------

_MARK = re.compile(r"<<([-+*/(). \d]+)=[^<>]*>>")
_WRITTEN = re.compile(r"(\(?\d[\d.]*(?: ?[-+*/] ?\(?\d[\d.]*\)?)+) ?=")

_LANGUAGE_STRAIN = {"en": 0.0, "bn": 0.25, "sw": 0.25, "te": 0.3, "th": 0.2}
"""How much harder a step is in a language that models have read less of; 0.1 for the others."""


def _gsm8k_key(problem: Problem, row: Row) -> AnswerKey:
    return _solved_key(problem, str(row["answer"]))


def _gsm_plus_key(problem: Problem, row: Row) -> AnswerKey:
    if problem.target == "None":
        seed = str(row.get("seed_answer", "0"))
        key = numeric_key(problem.question, seed, steps=3)
        return AnswerKey(
            problem.question, "None", key.skill, key.steps, 0.5, slips=(seed, *key.slips)[:6]
        )
    return _solved_key(problem, str(row["solution"]))


def _solved_key(problem: Problem, solution: str, strain: float = 0.0) -> AnswerKey:
    """A key whose program follows the calculations written in a solution, where they lead to the
    gold answer."""
    lines = _MARK.findall(solution) or _WRITTEN.findall(solution)
    result = value_of(lines[-1]) if lines else None
    wanted = read_number(str(problem.target))
    leads_there = result is not None and wanted is not None and abs(result - float(wanted)) < 1e-6
    program = program_of(lines) if leads_there else None
    steps = len(lines) or max(1, solution.count("\n"))
    return numeric_key(problem.question, str(problem.target), program, steps, strain)


def _svamp_key(problem: Problem, row: Row) -> AnswerKey:
    program = program_of([str(row["Equation"])])
    return numeric_key(problem.question, str(problem.target), program)


def _mgsm_key(problem: Problem, row: Row) -> AnswerKey:
    strain = _LANGUAGE_STRAIN.get(problem.id.split("/")[1], 0.1)
    return _solved_key(problem, str(row.get("answer", "")), strain)


def _english_solutions() -> list[Row]:
    """GSM8K's rows behind the 250 of MGSM, if they are at hand; empty rows otherwise."""
    path = data.find("gsm8k/test.jsonl.gz")
    return list(data.read(path).records()[:250]) if path else [{}] * 250
