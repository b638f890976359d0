"""A conversation as token ids, in the form that a chat model was made for.

In: a transformers tokeniser and messages. Out: the ids up to where the reply begins. The model in
this process and the trainer share it, so that both see the same prompt. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from w4s.types import Message


def prompt_tokens(tokeniser: Any, messages: Sequence[Message]) -> list[int]:
    """The ids of a conversation, with the beginning of the assistant's turn."""
    plain = [{"role": m.role, "content": m.content} for m in messages]
    ids: list[int] = tokeniser.apply_chat_template(
        plain, add_generation_prompt=True, return_dict=False
    )
    return ids
