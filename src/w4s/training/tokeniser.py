"""A tokeniser for small models: byte-level BPE for prose, whole phrases for code, ChatML for turns.

In: texts, replies, and a size. Out: a tokeniser of the Qwen2 kind, which is what transformers
makes of any tokeniser that lies beside a Qwen2 model. Every text can be written with it, since the
bytes themselves are tokens. Lines of code and quoted phrases that come up again and again are
tokens of their own, so that a program has about a hundred.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from tokenizers import AddedToken
from transformers import Qwen2Tokenizer

BEGIN, END = "<|im_start|>", "<|im_end|>"

_PHRASE = re.compile(
    r'\n(?: {4,}|def |import )[^\n"]*'  # a line of code, up to the first quote
    r'|"[^"\n]{2,}"[^\n"]*'  # a phrase in it, and what follows
    r"|[ ]?[a-z_]+=[\w.]+,?"  # a slot and its value
    r"|\n?```[a-z]*"
)
_PROSE_SHARE = 0.4
"""Of the vocabulary; the rest is for phrases."""
_OFTEN = 1 / 1000
"""Replies in which a phrase must come up."""
_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def train_tokeniser(prose: Iterable[str], size: int, replies: Sequence[str] = ()) -> Any:
    """Learn a vocabulary of at most `size` tokens, 258 of which are bytes and marks of a turn;
    phrases are learned from `replies`."""
    blank = Qwen2Tokenizer(
        unk_token=END,
        eos_token=END,
        pad_token=END,
        extra_special_tokens=[BEGIN],
        chat_template=_TEMPLATE,
        clean_up_tokenization_spaces=False,
    )
    phrases = _phrases(replies, size - int(size * _PROSE_SHARE))
    known = re.compile("|".join(map(re.escape, sorted(phrases, key=len, reverse=True))) or "$^")
    rest = [part for text in (*prose, *replies) for part in known.split(text)]
    tokeniser = blank.train_new_from_iterator(rest, size - len(phrases), show_progress=False)
    tokeniser.add_tokens([AddedToken(phrase, normalized=False) for phrase in phrases])
    return tokeniser


def _phrases(replies: Sequence[str], most: int) -> list[str]:
    counts = Counter(phrase for reply in replies for phrase in set(_PHRASE.findall(reply)))
    often = [p for p, count in counts.most_common() if count >= _OFTEN * len(replies)]
    return [phrase for phrase in often if len(phrase) > 3][:most]
