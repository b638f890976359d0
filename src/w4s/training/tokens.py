"""From an example to token ids, and to the mask of what is trained.

In: an Example and a tokeniser. Out: a Row, the ids of prompt and action with a mask that covers
exactly the tokens that the model sampled, its end-of-turn token included. Ids come from the
collection where it kept them: text that is tokenised again need not give the tokens that were
sampled. A row that is too long is left out and counted, never cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from w4s.errors import ConfigError
from w4s.models.chat_template import prompt_tokens
from w4s.training.card import Lengths
from w4s.training.settings import Scope, Source
from w4s.types import Example, Message

Ids = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Row:
    """One conversation, ready for the loss."""

    ids: Ids
    """Prompt, then action."""
    trained: Mask
    """True where predicting this token is in the loss; never at the first token."""
    weight: float
    prompt: int
    """How many of the ids are the prompt."""

    @property
    def coefficients(self) -> npt.NDArray[np.float64]:
        """What -log π of each token counts: weight / N on the N trained tokens, 0 elsewhere."""
        share = self.weight / max(1, int(self.trained.sum()))
        return np.where(self.trained, share, 0.0)


@dataclass(frozen=True, slots=True)
class Tokenised:
    """The rows of a data set, and what was left out."""

    episodes: tuple[tuple[Row, ...], ...]
    """The rows of each episode; episodes with none are left out."""
    lengths: tuple[Lengths, ...]
    """Of every example, those left out included."""
    too_long: int


@dataclass(frozen=True, slots=True)
class Tokeniser:
    """A transformers tokeniser, and how examples are read with it."""

    tokeniser: Any
    max_tokens: int
    """Longest row."""
    scope: Scope = Scope.CURRENT_ACTION
    source: Source = Source.SAMPLED

    def rows(self, episodes: Sequence[Sequence[Example]]) -> Tokenised:
        """All rows, episode by episode."""
        kept, lengths, too_long = [], list[Lengths](), 0
        for episode in episodes:
            rows = [self.row(example) for example in episode]
            lengths += [Lengths(row.prompt, len(row.ids) - row.prompt) for row in rows]
            short = tuple(row for row in rows if len(row.ids) <= self.max_tokens)
            too_long += len(rows) - len(short)
            if short:
                kept.append(short)
        return Tokenised(tuple(kept), tuple(lengths), too_long)

    def row(self, example: Example) -> Row:
        """The row of one example, however long it is."""
        prompt, reply = self._prompt(example), self._reply(example)
        ids = np.concatenate([prompt, reply])
        trained = np.zeros(len(ids), dtype=np.bool_)
        match self.scope:
            case Scope.CURRENT_ACTION:
                trained[len(prompt) :] = True
            case Scope.ALL_ASSISTANT:
                trained[len(prompt) :] = True
                for start, end in self._earlier(example, prompt):
                    trained[start:end] = True
            case Scope.ALL_TOKENS:
                trained[1:] = True
        return Row(ids, trained, example.weight, len(prompt))

    def _prompt(self, example: Example) -> Ids:
        rendered = chat_ids(self.tokeniser, example.prompt)
        if self.source is Source.TEXT or example.prompt_ids is None:
            return rendered
        sampled = np.array(example.prompt_ids, dtype=np.int64)
        if not np.array_equal(sampled, rendered):
            raise ConfigError(
                f"the token ids of {example.trajectory}, turn {example.turn + 1}, were sampled"
                " with another tokeniser or chat template than this model's;"
                " give source=text to tokenise the text again"
            )
        return sampled

    def _reply(self, example: Example) -> Ids:
        if self.source is Source.SAMPLED and example.reply_ids is not None:
            return np.array(example.reply_ids, dtype=np.int64)
        ids = self.tokeniser(example.reply, add_special_tokens=False).input_ids
        return np.array([*ids, self.tokeniser.eos_token_id], dtype=np.int64)

    def _earlier(self, example: Example, prompt: Ids) -> list[tuple[int, int]]:
        """Where the earlier actions stand in the prompt, each with its end-of-turn token."""
        spans = []
        for number, message in enumerate(example.prompt):
            if message.role != "assistant":
                continue
            before = chat_ids(self.tokeniser, example.prompt[:number])
            start = len(before)
            ends = np.flatnonzero(prompt[start:] == self.tokeniser.eos_token_id)
            if not np.array_equal(prompt[:start], before) or not len(ends):
                raise ConfigError(
                    "scope=all_assistant needs a chat template that leaves earlier turns as they"
                    " were; this model's does not: use scope=current_action"
                )
            spans.append((start, start + int(ends[0]) + 1))
        return spans


def chat_ids(tokeniser: Any, messages: Sequence[Message]) -> Ids:
    """A conversation up to the place where the model's reply begins."""
    return np.array(prompt_tokens(tokeniser, messages), dtype=np.int64)
