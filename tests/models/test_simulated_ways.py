"""What ways of working are worth with the simulated executor: bands around published gaps.

Each band is wide enough for a few hundred problems; `python -m benchmarks.calibration` measures
the same with whole workflows in the sandbox.
"""

import json
from collections import Counter
from collections.abc import Callable
from functools import cache

import pytest

from w4s.models.answer_book import AnswerBook, AnswerKey, Skill
from w4s.models.sampler import Sampling
from w4s.models.simulated import SimulatedExecutor
from w4s.types import Message

COUNT = 300

Way = Callable[[SimulatedExecutor, AnswerKey, int], str]
"""Answers one problem under a seed."""


@cache
def problems(skill: Skill, steps: int, load: float) -> tuple[AnswerKey, ...]:
    """Problems with set demands; their text is only a name."""
    letters = skill in (Skill.KNOWLEDGE, Skill.READING)
    return tuple(
        AnswerKey(
            question=f"Problem {i} is of {skill}. It has {steps} steps. What is case {7 * i + 3}?",
            answer="C" if letters else str(1000 + 13 * i),
            skill=skill,
            steps=steps,
            load=load,
            program=None if letters else f"def solution():\n    return {1000 + 13 * i}\n",
            slips=("A", "B", "D") if letters else tuple(str(1000 + 13 * i + k) for k in (1, 9, 50)),
            broken=() if letters else (f"def solution():\n    return {i}\n",),
        )
        for i in range(COUNT)
    )


@cache
def executor(
    keys: tuple[AnswerKey, ...], profile: str = "standard", cues: bool = True
) -> SimulatedExecutor:
    return SimulatedExecutor(AnswerBook(keys), profile, cues)


def accuracy(
    keys: tuple[AnswerKey, ...], way: Way, profile: str = "standard", cues: bool = True
) -> float:
    model = executor(keys, profile, cues)
    return sum(plain(way(model, key, i)) == key.answer for i, key in enumerate(keys)) / len(keys)


def plain(answer: str) -> str:
    return answer.removeprefix("The answer is ").strip("*().").replace(",", "").split(" ")[0]


def ask(
    model: SimulatedExecutor,
    content: str,
    seed: int,
    keys: tuple[str, ...] = ("reasoning", "answer"),
    *,
    wanted: str = "answer",
    temperature: float = 0.8,
    role: str = "task solver",
    instructions: str = "",
) -> str:
    named = ", ".join(json.dumps(key) for key in keys)
    system = (
        f"You are a {role}.\nReply with one JSON object with these keys: {named}.\n{instructions}"
    )
    messages = (Message("system", system), Message("user", content))
    text = model.sample(messages, Sampling(seed, temperature, json_mode=True)).text
    try:
        return str(json.loads(text).get(wanted, ""))
    except ValueError:
        return ""


def direct(model: SimulatedExecutor, key: AnswerKey, seed: int) -> str:
    return ask(model, key.question, 100 * seed, ("answer",))


def reasoned(model: SimulatedExecutor, key: AnswerKey, seed: int) -> str:
    return ask(model, key.question, 100 * seed)


def greedy(model: SimulatedExecutor, key: AnswerKey, seed: int) -> str:
    return ask(model, key.question, 100 * seed, temperature=0.0)


def answer_first(model: SimulatedExecutor, key: AnswerKey, seed: int) -> str:
    return ask(model, key.question, 100 * seed, ("answer", "reasoning"))


def voted(count: int, temperature: float = 0.8) -> Way:
    def way(model: SimulatedExecutor, key: AnswerKey, seed: int) -> str:
        votes = Counter(
            plain(ask(model, key.question, 100 * seed + k, temperature=temperature))
            for k in range(count)
        )
        return votes.most_common(1)[0][0]

    return way


def programmed(model: SimulatedExecutor, key: AnswerKey, seed: int) -> str:
    text = ask(model, key.question, 100 * seed, ("reasoning", "code"), wanted="code")
    return key.answer if key.program is not None and key.program.strip() in text else "wrong"


def planned(model: SimulatedExecutor, key: AnswerKey, seed: int) -> str:
    plan = ask(model, key.question, 100 * seed, ("plan",), wanted="plan")
    return ask(model, f"{key.question}\n\nFollow this plan:\n{plan}", 100 * seed)


def reviewed(model: SimulatedExecutor, key: AnswerKey, seed: int) -> str:
    first = reasoned(model, key, seed)
    content = f"{key.question}\n\nAn earlier answer: {first}\nCheck it, then answer."
    return ask(model, content, 100 * seed)


def judged(model: SimulatedExecutor, key: AnswerKey, seed: int) -> str:
    shown = [ask(model, key.question, 100 * seed + k) for k in range(5)]
    return ask(model, f"{key.question}\n\nCandidates: {shown}\nWhich is right?", 100 * seed)


EASY = problems(Skill.ARITHMETIC, 4, 0.09)
HEAVY = problems(Skill.ARITHMETIC, 4, 0.6)
SHORT = problems(Skill.ARITHMETIC, 1, 0.09)
READ = problems(Skill.READING, 2, 0.5)
KNOWN = problems(Skill.KNOWLEDGE, 1, 0.4)


def test_a_chain_of_thought_helps_where_there_are_many_steps() -> None:
    assert 0.25 < accuracy(EASY, reasoned) - accuracy(EASY, direct) < 0.55
    assert accuracy(SHORT, reasoned) - accuracy(SHORT, direct) < 0.15
    assert accuracy(KNOWN, reasoned) - accuracy(KNOWN, direct) < 0.10


def test_reasoning_after_the_answer_does_not_help() -> None:
    assert abs(accuracy(EASY, answer_first) - accuracy(EASY, direct)) < 0.08


def test_programs_are_strong_on_large_numbers_and_weak_on_reading() -> None:
    assert 0.0 < accuracy(EASY, programmed) - accuracy(EASY, reasoned) < 0.2
    assert 0.25 < accuracy(HEAVY, programmed) - accuracy(HEAVY, reasoned) < 0.6


def test_voting_helps_and_saturates() -> None:
    right: Counter[int] = Counter()
    for i, key in enumerate(EASY):
        answers = [plain(ask(executor(EASY), key.question, 100 * i + k)) for k in range(21)]
        for n in (1, 5, 9, 21):
            right[n] += Counter(answers[:n]).most_common(1)[0][0] == key.answer
    one, five, nine, many = (right[n] / COUNT for n in (1, 5, 9, 21))
    assert 0.05 < five - one < 0.2
    assert nine - five < 0.08
    assert many - nine < 0.06
    assert many < 0.95


def test_voting_helps_little_on_knowledge() -> None:
    assert -0.03 < accuracy(KNOWN, voted(5)) - accuracy(KNOWN, voted(1)) < 0.08


def test_voting_at_temperature_0_changes_nothing() -> None:
    assert accuracy(EASY, voted(5, temperature=0.0)) == accuracy(EASY, greedy)
    assert abs(accuracy(EASY, greedy) - accuracy(EASY, reasoned)) < 0.08


def test_voting_at_low_temperature_helps_less() -> None:
    low = accuracy(EASY, voted(5, 0.1)) - accuracy(EASY, voted(1, 0.1))
    high = accuracy(EASY, voted(5)) - accuracy(EASY, voted(1))
    assert low < high - 0.02


def test_a_review_mends_some_answers_and_breaks_others() -> None:
    model = executor(EASY)
    before = [plain(reasoned(model, key, i)) == key.answer for i, key in enumerate(EASY)]
    after = [plain(reviewed(model, key, i)) == key.answer for i, key in enumerate(EASY)]
    mended = sum(not b and a for b, a in zip(before, after, strict=True)) / COUNT
    broken = sum(b and not a for b, a in zip(before, after, strict=True)) / COUNT
    assert 0.03 < mended < 0.2
    assert 0.03 < broken < 0.2
    assert abs(mended - broken) < 0.08


def test_a_judge_is_about_a_vote() -> None:
    assert -0.08 < accuracy(EASY, judged) - accuracy(EASY, voted(5)) < 0.05


def test_a_plan_helps_a_little_on_long_problems() -> None:
    long = problems(Skill.ARITHMETIC, 8, 0.1)
    assert 0.0 < accuracy(long, planned) - accuracy(long, reasoned) < 0.2


def test_an_invented_plan_is_no_plan() -> None:
    long = problems(Skill.ARITHMETIC, 8, 0.1)

    def invented(model: SimulatedExecutor, key: AnswerKey, seed: int) -> str:
        return ask(model, f'{key.question}\n\nPlan:\n1. "Do it well."\n2. "Be right."', 100 * seed)

    assert accuracy(long, invented) < accuracy(long, planned) - 0.01


def test_a_critic_recognises_right_answers_better_than_chance() -> None:
    model = executor(EASY)

    def satisfied(key: AnswerKey, answer: str, seed: int) -> bool:
        content = f"{key.question}\n\nProposed answer: {answer}"
        return ask(model, content, seed, ("reasoning", "correct"), wanted="correct") == "True"

    right = sum(satisfied(key, key.answer, i) for i, key in enumerate(EASY)) / COUNT
    wrong = sum(satisfied(key, key.slips[0], i) for i, key in enumerate(EASY)) / COUNT
    assert right > wrong + 0.3
    assert 0.03 < wrong < 0.5


# --- Wording -------------------------------------------------------------------------------------

ROLES = ("task solver", "careful mathematician", "poet", "wise old professor of logic")


def in_role(role: str, instructions: str = "") -> Way:
    def way(model: SimulatedExecutor, key: AnswerKey, seed: int) -> str:
        return ask(model, key.question, 100 * seed, role=role, instructions=instructions)

    return way


def test_wording_moves_success_by_a_few_points_at_most() -> None:
    found = [accuracy(EASY, in_role(role)) for role in ROLES]
    found.append(accuracy(EASY, in_role("task solver", "Think step by step and double-check.")))
    assert max(found) - min(found) < 0.1  # four points, and the noise of 300 problems twice


@pytest.mark.parametrize("role", ROLES)
def test_without_cues_wording_has_no_effect_on_the_most_probable_reply(role: str) -> None:
    model = executor(EASY, cues=False)
    for i, key in enumerate(EASY[:60]):
        plainly = ask(model, key.question, i, temperature=0.0)
        worded = ask(
            model, key.question, i, temperature=0.0, role=role, instructions="Verify each step!"
        )
        if worded and plainly:  # neither is malformed
            assert plain(worded) == plain(plainly)


# --- Functions, tests and profiles ---------------------------------------------------------------

FUNCTIONS = tuple(
    AnswerKey(
        question=f"Write a function f{i}(n) that returns n plus {i}.",
        answer=f"def f{i}(n):\n    return n + {i}\n",
        skill=Skill.CODE,
        steps=4,
        load=0.4,
        broken=(f"def f{i}(n):\n    return n - {i}\n", f"def f{i}(n):\n    return {i}\n"),
    )
    for i in range(COUNT)
)


def written(model: SimulatedExecutor, content: str, seed: int) -> str:
    return model.sample((Message("user", content),), Sampling(seed, 0.8)).text


def test_a_report_of_failing_tests_helps_to_mend_a_function() -> None:
    model = executor(FUNCTIONS)

    def mended(report: str) -> float:
        right = 0
        for i, key in enumerate(FUNCTIONS):
            content = f"{key.question}\n\nThis solution:\n```python\n{key.broken[0]}```\n{report}"
            right += key.answer.strip() in written(model, content, i)
        return right / COUNT

    fresh = sum(k.answer.strip() in written(model, k.question, i) for i, k in enumerate(FUNCTIONS))
    assert 0.5 < fresh / COUNT < 0.9
    assert mended("fails its tests:\nassert f(1) == 2\n  -> AssertionError") > fresh / COUNT + 0.05
    assert mended("Is it right?") < fresh / COUNT - 0.03


def test_some_programs_stop_with_an_error() -> None:
    model = executor(FUNCTIONS)
    texts = [written(model, key.question, i) for i, key in enumerate(FUNCTIONS)]
    assert 0.01 < sum("reslut" in text for text in texts) / COUNT < 0.15


def test_profiles_differ_in_what_they_are_good_at() -> None:
    assert accuracy(READ, reasoned, "reader") > accuracy(READ, reasoned, "coder") + 0.05
    assert accuracy(HEAVY, programmed, "coder") > accuracy(HEAVY, programmed, "reader") + 0.05
    text = executor(EASY).sample((Message("user", EASY[0].question),), Sampling(1)).text
    terse = executor(EASY, "terse").sample((Message("user", EASY[0].question),), Sampling(1)).text
    assert len(terse) < len(text)
