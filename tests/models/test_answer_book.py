"""The answer book: which problem a conversation quotes."""

import json
import time

import pytest

from w4s.models.answer_book import AnswerBook, AnswerKey, Skill


def key(question: str, answer: str = "1") -> AnswerKey:
    return AnswerKey(question, answer, Skill.ARITHMETIC)


APPLES = key("Ada has 12 apples and gives 5 of them to Otto. How many are left?", "7")
PEARS = key("Ada has 12 pears and gives 5 of them to Otto. How many are left?", "7")
LONG = key(f"{APPLES.question} And how many does Otto have?", "5")
BOOK = AnswerBook([APPLES, PEARS, LONG])


@pytest.mark.parametrize(
    "text",
    [
        PEARS.question,
        f"Solve this.\n\n{PEARS.question}\n\nThink step by step.",
        f'Problem: "{PEARS.question}" (be careful)',
        json.dumps({"task": f"A first line.\n{PEARS.question}\nGood luck."}),
        PEARS.question.replace(" ", "\n  "),
        f"> {PEARS.question[:30]}\n> {PEARS.question[30:]}".replace("\n> ", ""),
    ],
)
def test_a_question_is_found_however_it_is_embedded(text: str) -> None:
    assert BOOK.find(text) == PEARS


def test_no_known_question_no_key() -> None:
    assert BOOK.find("Ada has 13 pears and gives 5 of them to Otto. How many are left?") is None
    assert BOOK.find("") is None
    assert AnswerBook().find(APPLES.question) is None


def test_of_questions_inside_one_another_the_longest_wins() -> None:
    assert BOOK.find(f"Please: {LONG.question}") == LONG
    assert BOOK.find(f"Please: {APPLES.question}") == APPLES


def test_of_questions_one_after_the_other_the_last_wins() -> None:
    text = f"Example: {PEARS.question} Answer: 7.\n\nNow: {APPLES.question}"
    assert BOOK.find_all(text) == (PEARS, APPLES)
    assert BOOK.find(text) == APPLES


def test_questions_that_differ_in_signs_only_are_told_apart() -> None:
    plus, minus = key("What is 31 + 4?", "35"), key("What is 31 - 4?", "27")
    book = AnswerBook([plus, minus])
    assert book.find("Tell me: What is 31 - 4?") == minus
    assert book.find("Tell me: What is 31 + 4?") == plus


def test_short_and_foreign_questions_are_found() -> None:
    keys = [
        key("Why?"),
        key("ロジャーは5個のテニスボールを持っています。いくつありますか。"),
        key("Où est-il ?"),
    ]
    book = AnswerBook(keys)
    for wanted in keys:
        assert book.find(f"Frage: {wanted.question} Danke.") == wanted
        assert book.find(json.dumps(wanted.question)) == wanted


def test_equal_questions_count_once() -> None:
    assert len(AnswerBook([APPLES, APPLES, PEARS])) == 2


def test_the_digest_tells_books_apart() -> None:
    assert AnswerBook([APPLES]).digest == AnswerBook([APPLES]).digest
    assert AnswerBook([APPLES]).digest != AnswerBook([PEARS]).digest


def test_looking_up_is_fast_in_a_book_of_20_000() -> None:
    template = "A mill in {} grinds {} sacks on day one and {} sacks on day two; how many in all?"
    keys = [key(template.format(f"town {i}", 3 * i + 7, 5 * i + 1)) for i in range(20_000)]
    book = AnswerBook(keys)
    text = f"{'Some words that stand before it. ' * 60}\n{keys[777].question}\n{'And after. ' * 80}"
    assert 2_500 < len(text) < 3_500
    best = min(_seconds(book, text) for _ in range(30))
    assert book.find(text) == keys[777]
    assert best < 0.001  # 0.1 ms on an idle machine; the limit leaves room for a busy one


def _seconds(book: AnswerBook, text: str) -> float:
    start = time.perf_counter()
    book.find(text)
    return time.perf_counter() - start
