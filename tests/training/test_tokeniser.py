"""The tokeniser of the small meta-agent."""

import itertools
import json
import random
from pathlib import Path

import pytest

pytest.importorskip("torch")

from transformers import AutoTokenizer

from w4s.training.corpus import corpus
from w4s.training.tokeniser import train_tokeniser
from w4s.training.tokens import chat_ids

SEEN = list(itertools.islice(corpus(random.Random(0)), 400))
TOKENISER = train_tokeniser(
    [m.content for e in SEEN for m in e.prompt], 1200, [e.reply for e in SEEN]
)


def test_a_program_has_about_a_hundred_tokens_and_stays_the_same() -> None:
    lengths = []
    for example in SEEN:
        ids = TOKENISER(example.reply).input_ids
        assert TOKENISER.decode(ids) == example.reply
        lengths.append(len(ids))
    assert sum(lengths) / len(lengths) < 130


def test_any_text_can_be_written() -> None:
    text = 'naïve “quotes”, 東京, 12,345.6\n\n    "half a line'
    assert TOKENISER.decode(TOKENISER(text).input_ids) == text


def test_transformers_makes_the_same_of_it_beside_a_qwen2_model(tmp_path: Path) -> None:
    TOKENISER.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "qwen2"}))
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    for example in SEEN[:50]:
        assert loaded(example.reply).input_ids == TOKENISER(example.reply).input_ids
        assert list(chat_ids(loaded, example.prompt)) == list(chat_ids(TOKENISER, example.prompt))
