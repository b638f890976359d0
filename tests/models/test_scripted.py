"""Scripted models, from lists, functions and files."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from endpoints import question
from w4s.errors import ConfigError, Rejected
from w4s.models.scripted import Scripted, read_script


def test_a_list_is_given_out_in_order_until_it_ends() -> None:
    async def main() -> None:
        model = Scripted(["a", "b", "c"])
        assert [c.text for c in (await model.complete(question(n=2))).choices] == ["a", "b"]
        reply = await model.complete(question())
        assert reply.choices[0].text == "c"
        assert reply.usage.calls == 1
        with pytest.raises(Rejected, match="3 replies, and all have been given"):
            await model.complete(question())

    asyncio.run(main())


def test_a_function_sees_each_response_as_a_request_of_its_own() -> None:
    model = Scripted(lambda r: f"{r.messages[-1].content} {r.first_choice} {r.n}")
    reply = asyncio.run(model.complete(question("q", n=3)))
    assert [c.text for c in reply.choices] == ["q 0 1", "q 1 1", "q 2 1"]


@pytest.mark.parametrize("text", ['["a\\nb", "☃"]', '"a\\nb"\n\n"☃"\n'])
def test_a_file_holds_a_list_or_lines(tmp_path: Path, text: str) -> None:
    path = tmp_path / "script"
    path.write_text(text, "utf-8")
    assert read_script(path) == ["a\nb", "☃"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('"fine"\nnot json', "line 2: no JSON string"),
        ('"fine"\n{"text": "b"}', "line 2: not a JSON string"),
        ('["a", 5]', "reply 2 is not a string"),
        ('["a"', "is no JSON"),
        ("", "holds no replies"),
        ("[]", "holds no replies"),
    ],
)
def test_a_bad_file_is_named_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "script"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words) as caught:
        read_script(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read the script .*nowhere"):
        read_script(tmp_path / "nowhere")
