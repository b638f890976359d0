"""The simulated executor: purity, the form of its replies, what its book lets it answer."""

import json
import subprocess
import sys
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from w4s.errors import ConfigError
from w4s.models.answer_book import AnswerBook, AnswerKey, Skill
from w4s.models.base import Choice
from w4s.models.sampler import Sampling
from w4s.models.simulated import PROFILES, SimulatedExecutor, simulator_digest
from w4s.models.simulation.asking import read_ask
from w4s.types import Message

SUM = AnswerKey(
    "Otto buys 3 boxes of 14 nails and loses 5 nails. How many nails has he?",
    "37",
    Skill.ARITHMETIC,
    steps=2,
    load=0.05,
    program="def solution():\n    return 3 * 14 - 5\n",
    slips=("42", "12"),
    broken=("def solution():\n    return 3 * 14\n",),
)
TOWN = AnswerKey(
    "Ada lives in Brevik. Otto lives in Kelso. Ada keeps bees. Where does the bee-keeper live?",
    "Brevik",
    Skill.READING,
)
LETTER = AnswerKey("Which is a metal?\nA) neon\nB) iron\nC) argon", "B", Skill.KNOWLEDGE)
FUNCTION = AnswerKey(
    "Write a function `twice(n)` that returns n times two.",
    "def twice(n):\n    return n * 2\n",
    Skill.CODE,
)
BARE = AnswerKey("What is 23 times 17, less 1,000?", "-609", Skill.ARITHMETIC, steps=2)
BOOK = AnswerBook([SUM, TOWN, LETTER, FUNCTION, BARE])
EXECUTOR = SimulatedExecutor(BOOK)


def conversation(system: str, *contents: str) -> tuple[Message, ...]:
    return (Message("system", system), *(Message("user", content) for content in contents))


def in_json(keys: Sequence[str], role: str = "task solver", instructions: str = "") -> str:
    named = ", ".join(json.dumps(key) for key in keys)
    request = f"Reply with one JSON object that has exactly these keys: {named}."
    return f"You are a {role}.\n{request}\n{instructions}"


def samples(
    messages: tuple[Message, ...],
    count: int,
    temperature: float = 0.8,
    executor: SimulatedExecutor = EXECUTOR,
) -> list[Choice]:
    return [
        executor.sample(messages, Sampling(seed, temperature, json_mode=True))
        for seed in range(count)
    ]


def texts(messages: tuple[Message, ...], count: int) -> list[str]:
    """Replies without the server's JSON mode."""
    return [EXECUTOR.sample(messages, Sampling(seed, 0.8)).text for seed in range(count)]


def objects(messages: tuple[Message, ...], count: int) -> list[dict[str, str]]:
    """The replies that are well formed."""
    found = []
    for choice in samples(messages, count):
        try:
            found.append(json.loads(choice.text))
        except ValueError:
            continue
    return found


# --- Purity --------------------------------------------------------------------------------------


def test_equal_calls_give_equal_replies_and_other_seeds_give_others() -> None:
    messages = conversation(in_json(["reasoning", "answer"]), SUM.question)
    first = samples(messages, 20)
    again = samples(messages, 20, executor=SimulatedExecutor(AnswerBook([*BOOK])))
    assert first == again
    assert len({choice.text for choice in first}) > 10


def test_the_order_of_calls_does_not_matter() -> None:
    messages = conversation(in_json(["answer"]), SUM.question)
    fresh = SimulatedExecutor(BOOK)
    backwards = [
        fresh.sample(messages, Sampling(seed, 0.8, json_mode=True)) for seed in (3, 2, 1, 0)
    ]
    assert backwards[::-1] == samples(messages, 4)


def test_at_temperature_0_the_seed_does_not_matter() -> None:
    for key in BOOK:
        messages = conversation(in_json(["reasoning", "answer"]), key.question)
        assert len({choice.text for choice in samples(messages, 10, temperature=0.0)}) == 1


def test_other_words_are_another_draw_under_the_same_seed() -> None:
    ask = in_json(["reasoning", "answer"])
    texts = {
        samples(conversation(ask, f"{BARE.question}\nAttempt {i}."), 1)[0].text for i in range(12)
    }
    assert len(texts) > 6


def test_replies_are_the_same_in_every_process() -> None:
    script = (
        "from w4s.models.simulated import SimulatedExecutor\n"
        "from w4s.models.answer_book import AnswerBook\n"
        "from w4s.models.sampler import Sampling\n"
        "from w4s.tasks.base import Sizes\n"
        "from w4s.tasks.toy import load_toy\n"
        "from w4s.types import Message\n"
        "for name in ('toy_ledger', 'toy_choice', 'toy_passage', 'toy_lists'):\n"
        "    task = load_toy(name, seed=1, sizes=Sizes(4, 1, 1, 1))\n"
        "    keys = [task.answer_keys(p) for p in task.search.private]\n"
        "    executor = SimulatedExecutor(AnswerBook(keys))\n"
        "    print(executor.name)\n"
        "    for key in keys:\n"
        "        print(executor.sample([Message('user', key.question)], Sampling(5)).text)\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in (1, 2)
    }
    assert len(outputs) == 1


def test_the_name_tells_everything_that_changes_replies() -> None:
    names = {
        SimulatedExecutor(BOOK).name,
        SimulatedExecutor(BOOK, "reader").name,
        SimulatedExecutor(BOOK, cues=False).name,
        SimulatedExecutor(AnswerBook([SUM])).name,
    }
    assert len(names) == 4
    assert all(simulator_digest()[:8] in name for name in names)


def test_an_unknown_profile_is_named_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'standard'"):
        SimulatedExecutor(BOOK, "standart")
    assert {"standard", "terse", "coder", "reader"} <= set(PROFILES)


# --- The form of replies -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("system", "keys"),
    [
        (in_json(["reasoning", "answer"]), ["reasoning", "answer"]),
        (in_json(["plan", "working_out", "final_answer"]), ["plan", "working_out", "final_answer"]),
        ("Answer as JSON with the keys 'thought' and 'answer'.", ["thought", "answer"]),
        ("Respond in JSON. Keys: analysis, answer", ["analysis", "answer"]),
        ('Reply in this JSON form: {"thinking": "...", "answer": "..."}', ["thinking", "answer"]),
        ("Reply with one JSON object.", ["answer"]),
    ],
)
def test_replies_have_the_keys_that_were_asked_for(system: str, keys: list[str]) -> None:
    found = objects(conversation(system, SUM.question), 40)
    assert len(found) > 30
    assert sum(list(reply) == keys for reply in found) > 0.9 * len(found)


def test_keys_in_the_question_are_not_mistaken_for_the_form() -> None:
    key = AnswerKey('The JSON {"a": 1} has which key?', "a", Skill.READING)
    executor = SimulatedExecutor(AnswerBook([key]))
    reply = executor.sample(conversation(in_json(["answer"]), key.question), Sampling(1))
    assert list(json.loads(reply.text)) == ["answer"]


def test_free_text_ends_with_the_answer_in_the_form_asked_for() -> None:
    plain = conversation("You are a solver.", f"{SUM.question}\nThink step by step.")
    boxed = conversation("You are a solver.", f"{SUM.question}\nPut the answer in \\boxed{{}}.")
    short = conversation("You are a solver.", f"{SUM.question}\nGive only the number.")
    assert all("answer is" in text.splitlines()[-1] for text in texts(plain, 10))
    assert all("\\boxed{" in text.splitlines()[-1] for text in texts(boxed, 10))
    assert all("\n" not in text for text in texts(short, 10))


def test_programs_come_when_asked_for_and_are_the_reference_or_broken() -> None:
    known = {SUM.program, *SUM.broken}
    found = objects(conversation(in_json(["reasoning", "code"]), SUM.question), 60)
    programs = [reply["code"] for reply in found if "code" in reply]
    assert all("def solution" in text for text in programs)
    assert {SUM.program} <= set(programs)
    assert sum(text in known for text in programs) > 0.8 * len(programs)
    free = conversation("You write Python.", f"{SUM.question}\nWrite a program.")
    assert all("```python\ndef solution" in text for text in texts(free, 10))


def test_a_coding_problem_is_answered_by_its_function() -> None:
    for system in ("You are a programmer.", in_json(["answer"])):
        found = texts(conversation(system, FUNCTION.question), 20)
        assert all("def twice" in text for text in found)
        assert len(set(found)) > 1


def test_malformed_and_decorated_replies_are_rare_and_do_occur() -> None:
    messages = conversation(in_json(["reasoning", "answer"]), SUM.question)
    whole = [t for t in texts(messages, 1500) if _keys_of(t) == ["reasoning", "answer"]]
    assert 0.003 < 1 - len(whole) / 1500 < 0.04
    plain = sum(json.loads(_unfenced(t))["answer"].isdigit() for t in whole)
    assert 0.01 < 1 - plain / len(whole) < 0.1


def _unfenced(text: str) -> str:
    return text.removeprefix("```json\n").removesuffix("\n```")


def _keys_of(text: str) -> list[str]:
    try:
        return list(json.loads(_unfenced(text)))
    except ValueError:
        return []


def test_long_replies_are_cut_at_max_tokens() -> None:
    messages = conversation("You are a solver.", f"{SUM.question} Think step by step.")
    choice = EXECUTOR.sample(messages, Sampling(1, max_tokens=10))
    assert choice.finish_reason == "length"
    assert len(choice.text) == 40
    assert EXECUTOR.sample(messages, Sampling(1)).finish_reason == "stop"


def test_reasoning_grows_with_the_problem() -> None:
    long = AnswerKey("Count. " * 5 + SUM.question, "37", Skill.ARITHMETIC, steps=9)
    executor = SimulatedExecutor(AnswerBook([SUM, long]))
    system = in_json(["reasoning", "answer"])
    short_text = executor.sample(conversation(system, SUM.question), Sampling(1)).text
    long_text = executor.sample(conversation(system, long.question), Sampling(1)).text
    assert len(long_text) > 1.5 * len(short_text)


# --- Requests that are no plain questions --------------------------------------------------------


def test_without_a_known_problem_the_reply_is_bland_but_well_formed() -> None:
    reply = objects(conversation(in_json(["reasoning", "answer"]), "What is love?"), 5)[0]
    assert list(reply) == ["reasoning", "answer"]
    assert EXECUTOR.sample([Message("user", "Hello")], Sampling(1)).text


def test_a_router_is_told_one_of_the_listed_experts() -> None:
    experts = ["poet", "mathematics professor", "historian"]
    content = f"Which of these experts should work on it: {'; '.join(experts)}?\n\n{SUM.question}"
    chosen = [
        reply.get("expert") for reply in objects(conversation(in_json(["expert"]), content), 40)
    ]
    assert set(chosen) <= {*experts, None}
    assert chosen.count("mathematics professor") > 25


def test_free_text_can_be_a_plan_or_a_critique() -> None:
    plan = texts(conversation("You plan.", f"{SUM.question}\nOutline a plan. Do not solve it."), 1)[
        0
    ]
    assert plan.startswith("1. ")
    assert "answer is" not in plan
    content = f"{SUM.question}\n\nProposed answer: 42\n\nName the mistakes in it, if any."
    critiques = texts(conversation("You are a critic.", content), 30)
    assert any("There is a mistake" in text for text in critiques)
    assert not any("answer is" in text for text in critiques)


def test_a_restated_question_is_known_again() -> None:
    reply = objects(conversation(in_json(["restated_problem"]), SUM.question), 1)[0]
    assert BOOK.find(reply["restated_problem"]) == SUM


def test_a_program_that_begins_like_another_is_told_apart() -> None:
    key = AnswerKey(
        "Write a function `same(n)` that returns n.",
        "def same(n):\n    return n\n",
        Skill.CODE,
        broken=("def same(n):\n    return n * 2\n",),
    )
    shown = f"{key.question}\n\n1:\n{key.broken[0]}\n2:\n{key.answer}\n3:\n{key.broken[0]}"
    ask = read_ask([Message("user", shown)], False, AnswerBook([key]), True)
    assert ask.shown_programs == (key.broken[0], key.answer, key.broken[0])


@pytest.mark.parametrize(
    ("shown", "values"),
    [
        ("Candidate 1: 42\nCandidate 2: 37", ("42", "37")),
        ("Candidates: ['37', '42', '37']", ("37", "42", "37")),
        ("The critic says: the answer is 42.", ("42",)),
        ('{"reasoning": "3 boxes of 14", "answer": "1,042"}', ("1042",)),
        ("1. 37\n2. 41", ("37", "41")),
        ("Result of the program: **37**", ("37",)),
        ("I used 3 boxes and 14 nails in step 2.", ()),
        ("Reply within 5 minutes.", ()),
    ],
)
def test_earlier_answers_are_seen_where_answers_stand(shown: str, values: tuple[str, ...]) -> None:
    content = f"{SUM.question}\n\n{shown}\n\nWhat do you say?"
    assert read_ask([Message("user", content)], False, BOOK, True).shown == values


@given(
    contents=st.lists(st.text(max_size=300), min_size=1, max_size=4),
    system=st.text(max_size=200),
    known=st.sampled_from([*(key.question for key in BOOK), ""]),
    json_mode=st.booleans(),
    temperature=st.sampled_from([0.0, 0.3, 1.0, 2.0]),
)
@settings(max_examples=150, deadline=None)
def test_any_conversation_gets_a_reply(
    contents: list[str], system: str, known: str, json_mode: bool, temperature: float
) -> None:
    messages = conversation(f"Keys: {system}. JSON", *contents, f"Answer: 42\n{known}\n[1, 2")
    choice = EXECUTOR.sample(messages, Sampling(1, temperature, json_mode=json_mode))
    assert choice.text


def test_numbers_of_the_question_are_no_earlier_answers() -> None:
    key = AnswerKey(
        "Old result: 12.\nNew result: 15.\nBy how much did it rise?", "3", Skill.READING
    )
    executor = SimulatedExecutor(AnswerBook([key]))
    system = in_json(["answer"])
    for content in (key.question, json.dumps(key.question), key.question.replace("\n", " ")):
        replies = [
            executor.sample(conversation(system, content), Sampling(seed)).text
            for seed in range(60)
        ]
        assert sum('"3"' in text for text in replies) > 30, content


def test_keys_without_slips_get_plausible_wrong_answers() -> None:
    for key, fits in ((BARE, _is_number), (LETTER, set("ABC").__contains__), (TOWN, str.isalpha)):
        found = objects(conversation(in_json(["answer"]), key.question), 200)
        answers = {reply["answer"].strip("*().") for reply in found if "answer" in reply}
        wrong = {a for a in answers if a != key.answer and "answer is" not in a and " " not in a}
        assert wrong, key.question
        assert all(fits(answer.replace(",", "")) for answer in wrong), wrong


def _is_number(text: str) -> bool:
    return text.removeprefix("-").isdigit()
