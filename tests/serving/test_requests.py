"""What of a request becomes the question, and which options are used, ignored or refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from w4s.answering import entry_point_in, wants_entry_point
from w4s.models.chat_api import ApiError
from w4s.serving.requests import IGNORED, REFUSED, USED, Question, read_question
from w4s.serving.settings import Reading
from w4s.types import Workflow
from w4s.workflow import baseline_names, load_baseline


def read(
    *messages: tuple[str, str],
    reading: Reading = Reading.CONVERSATION,
    writes_code: bool = False,
    **options: Any,
) -> Question:
    body: dict[str, Any] = {
        "model": "m",
        "messages": [{"role": role, "content": content} for role, content in messages],
        **options,
    }
    return read_question(
        json.dumps(body).encode(), model="m", reading=reading, writes_code=writes_code
    )


def refusal(**options: Any) -> dict[str, Any]:
    with pytest.raises(ApiError) as caught:
        read(("user", "hi"), **options)
    error: dict[str, Any] = json.loads(caught.value.body)["error"]
    return error


def test_a_single_message_is_the_question_as_it_stands() -> None:
    assert read(("user", "  2 + 2?\n")).problem.question == "  2 + 2?\n"


def test_instructions_stand_before_the_question() -> None:
    asked = read(("system", "Be brief."), ("developer", "In French."), ("user", "2 + 2?"))
    assert asked.problem.question == "Be brief.\n\nIn French.\n\n2 + 2?"


TALK = (("system", "Be brief."), ("user", "2 + 2?"), ("assistant", "4"), ("user", "Sure?"))


def test_a_conversation_is_told_as_a_transcript() -> None:
    assert read(*TALK).problem.question == (
        "Be brief.\n\nThe conversation so far:\n\nUser: 2 + 2?\n\nAssistant: 4\n\n"
        "The message to answer now:\n\nSure?"
    )


def test_the_last_message_alone_where_that_is_wanted() -> None:
    assert read(*TALK, reading=Reading.LAST).problem.question == "Sure?"


def test_parts_of_text_are_joined() -> None:
    parts = [{"type": "text", "text": "2 + "}, {"type": "text", "text": "2?"}]
    assert read(("user", parts)).problem.question == "2 + 2?"  # type: ignore[arg-type]


def test_equal_questions_are_one_problem_and_the_seed_tells_draws_apart() -> None:
    first, second = read(("user", "a")), read(("user", "a"), seed=3)
    assert first.problem == second.problem
    assert (first.trial, second.trial) == (0, 3)
    assert read(("user", "b")).problem.id != first.problem.id


@pytest.mark.parametrize("option", sorted(IGNORED))
def test_options_of_sampling_are_ignored_and_named(option: str) -> None:
    options: dict[str, Any] = {option: 1}
    assert read(("user", "hi"), **options).ignored == (option,)


@pytest.mark.parametrize("option", sorted(REFUSED))
def test_options_that_no_workflow_serves_are_refused(option: str) -> None:
    error = refusal(**{option: [{"name": "f"}]})
    assert (error["type"], error["param"]) == ("invalid_request_error", option)
    unset: dict[str, Any] = {option: None}
    assert read(("user", "hi"), **unset).ignored == ()


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"n": 2}, "n"),
        ({"n": 0}, "n"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"modalities": ["audio"]}, "modalities"),
        ({"stream": "yes"}, "stream"),
        ({"seed": 1.5}, "seed"),
        ({"temprature": 1}, "temprature"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "messages"),
        ({"messages": [{"role": "user", "content": " "}]}, "messages"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages[0].content"),
        ({"model": "other"}, "model"),
        ({"model": None}, "model"),
        ({"public_tests": "assert True"}, "public_tests"),
        ({"entry_point": "no name", "writes_code": True}, "entry_point"),
        ({"writes_code": True}, "entry_point"),
    ],
)
def test_a_mistake_names_its_parameter(options: dict[str, Any], param: str) -> None:
    assert refusal(**options)["param"] == param


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b"NaN"])
def test_a_body_that_is_no_object_is_refused(raw: bytes) -> None:
    with pytest.raises(ApiError):
        read_question(raw, model="m", reading=Reading.LAST, writes_code=False)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Write a Python function `area_of(r)` that …\n\narea_of(2) == 12", "area_of"),
        ("def helper(x):\n    return x\n\n\ndef solve_it(x: int) -> int:\n    ...", "solve_it"),
        ("Implement `def area(r):`, as you did `round(x)`.", "area"),
        ("How large is a circle (with radius 2)?", None),
    ],
)
def test_the_function_to_write_is_found_in_the_question(text: str, name: str | None) -> None:
    assert entry_point_in(text) == name


def test_a_code_workflow_gets_the_name_and_the_tests() -> None:
    text = "Write a function `twice(x)`."
    asked = read(("user", text), writes_code=True, public_tests=["assert twice(1) == 2"])
    assert asked.problem.entry_point == "twice"
    assert asked.problem.public_tests == ("assert twice(1) == 2",)
    other = read(("user", text), writes_code=True, entry_point="thrice")
    assert other.problem.entry_point == "thrice"


def test_which_workflows_write_code() -> None:
    writing = {name for name in baseline_names() if wants_entry_point(load_baseline(name))}
    assert writing == {n for n in baseline_names() if n.startswith("code_")} - {"code_generation"}
    assert not wants_entry_point(Workflow("def solver(:"))


def test_the_documentation_names_every_option() -> None:
    text = (Path(__file__).parents[2] / "docs" / "production.md").read_text("utf-8")
    table = text[text.index("### Options of a request") : text.index("**Equal questions")]
    named = set(re.findall(r"`([a-z_]+)`", table))
    assert named == USED | IGNORED | REFUSED
