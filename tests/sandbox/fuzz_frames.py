"""Coverage-guided fuzzing of what the host does with a child's bytes. A script, not a test.

    pip install atheris
    python tests/sandbox/fuzz_frames.py -max_total_time=60 tests/sandbox/corpus

Inputs that reach new code are kept in `corpus/`; the tests feed all of them to the parser again.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

atheris: Any = importlib.import_module("atheris")
with atheris.instrument_imports():
    from w4s.sandbox.frames import BadFrame, FrameReader, pack
    from w4s.sandbox.values import decode

LIMIT = 4096


def read(pieces: list[bytes]) -> tuple[list[dict[str, Any]], bool]:
    """The messages, and whether the stream broke."""
    reader = FrameReader(LIMIT)
    messages: list[dict[str, Any]] = []
    try:
        for piece in pieces:
            for message in reader.feed(piece):
                messages.append(message)
    except BadFrame:
        return messages, True
    return messages, False


def one_input(data: bytes) -> None:
    whole = read([data])
    in_bytes = read([data[i : i + 1] for i in range(len(data))])
    assert whole == in_bytes, "how the bytes are cut must not matter"
    for message in whole[0]:
        pack(message)
        try:
            decode(message)
        except ValueError:
            continue


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
