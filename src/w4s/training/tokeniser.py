"""A tokeniser for small models: byte-level BPE with the ChatML form of a conversation.

In: texts, and a size. Out: a transformers tokeniser that saves and loads like any other. Every
text can be written with it, since the bytes themselves are tokens. Lines of code and quoted
phrases may become single tokens, so that a program has about a hundred; prose is cut into words.
"""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

BEGIN, END = "<|im_start|>", "<|im_end|>"

_PIECES = "|".join(
    (
        r'\n(?: {4,}|def |import )[^\n"]*',  # a line of code, up to the first quote
        r'"[^"\n]*"[^\n"]*',  # a phrase in it, and what follows
        r" ?\p{L}+=[\p{L}\d._]+,?",  # a slot and its value
        r"\n?```\p{L}*",
        r" ?[\p{L}_]+",
        r" ?\p{N}{1,2}",
        r" ?[^\s\p{L}\p{N}`]+|`",
        r"\s+",
    )
)
"""What a token never reaches beyond."""
_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def train_tokeniser(texts: Iterable[str], size: int) -> PreTrainedTokenizerFast:
    """Learn a vocabulary of at most `size` tokens, 258 of which are bytes and marks of a turn."""
    tokeniser = Tokenizer(models.BPE())
    tokeniser.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokeniser.decoder = decoders.ByteLevel()
    tokeniser.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=size,
            special_tokens=[END, BEGIN],
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        ),
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokeniser,
        eos_token=END,
        pad_token=END,
        additional_special_tokens=[BEGIN],
        chat_template=_TEMPLATE,
        clean_up_tokenization_spaces=False,
    )
