"""The parser of frames under bytes from strangers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from w4s.sandbox.frames import HEADER, BadFrame, FrameReader, pack

messages = st.dictionaries(
    st.text(),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        # lone surrogates are replaced, so they are left out here
        | st.text(st.characters(exclude_categories=["Cs"])),
        lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
        max_leaves=10,
    ),
)


def in_pieces(data: bytes, size: int) -> list[bytes]:
    return [data[i : i + size] for i in range(0, len(data), size)]


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.dictionaries(st.text("ab"), st.integers() | st.text("xyzé"))),
    st.integers(min_value=1, max_value=50),
)
def test_messages_survive_any_cutting(sent: list[dict[str, Any]], size: int) -> None:
    reader = FrameReader(10_000)
    data = b"".join(pack(message) for message in sent)
    got = [message for piece in in_pieces(data, size) for message in reader.feed(piece)]
    assert got == sent


@settings(deadline=None, max_examples=50)
@given(st.lists(st.binary()))
def test_any_bytes_give_messages_or_a_bad_frame(pieces: list[bytes]) -> None:
    reader = FrameReader(1000)
    try:
        for piece in pieces:
            assert all(isinstance(message, dict) for message in reader.feed(piece))
    except BadFrame:
        pass


@settings(deadline=None, max_examples=50)
@given(st.binary())
def test_any_body_gives_a_message_or_a_bad_frame(body: bytes) -> None:
    try:
        (message,) = FrameReader(10_000).feed(HEADER.pack(len(body)) + body)
    except BadFrame:
        return
    pack(message)  # what was let in can be sent on


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"1",
        b"{} {}",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1e999}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": ' + b"[" * 100_000,
        b'{"a": "\xff"}',
        b'{"a": "\xed\xa0\x80"}',
        b"\x80\x04\x95pickle",
    ],
)
def test_bad_bodies(body: bytes) -> None:
    with pytest.raises(BadFrame):
        list(FrameReader(1 << 20).feed(HEADER.pack(len(body)) + body))


def test_a_giant_header_is_refused_before_anything_is_kept() -> None:
    with pytest.raises(BadFrame, match="4294967295"):
        list(FrameReader(1000).feed(b"\xff\xff\xff\xff"))


def test_lone_surrogates_are_replaced() -> None:
    body = b'{"a": ["\\ud800x"], "\\udc00": "\\ud83d\\ude00"}'
    (message,) = FrameReader(1000).feed(HEADER.pack(len(body)) + body)
    assert message == {"a": ["?x"], "?": "😀"}
    assert pack({"a": "\ud800"}).endswith(b'{"a":"?"}')


def test_what_stood_before_a_bad_frame_counts() -> None:
    messages = FrameReader(1000).feed(pack({"ready": True}) + b"\0\0\0\1x")
    assert next(messages) == {"ready": True}
    with pytest.raises(BadFrame):
        next(messages)


def test_the_corpus_of_the_fuzzer_reads_the_same_however_it_is_cut() -> None:
    """`fuzz_frames.py` fills the folder."""
    inputs = sorted(Path(__file__).with_name("corpus").iterdir())
    assert len(inputs) > 20
    for path in inputs:
        data = path.read_bytes()
        assert read_all([data]) == read_all(in_pieces(data, 1)), path.name


def read_all(pieces: list[bytes]) -> tuple[list[dict[str, Any]], bool]:
    """The messages, and whether the stream broke."""
    reader = FrameReader(4096)
    messages: list[dict[str, Any]] = []
    try:
        for piece in pieces:
            messages.extend(reader.feed(piece))
    except BadFrame:
        return messages, True
    return messages, False
