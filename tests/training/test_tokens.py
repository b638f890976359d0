"""The mask covers the sampled action, neither more nor less."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from w4s.errors import ConfigError
from w4s.training.dataset import examples
from w4s.training.settings import Scope, Source
from w4s.training.tokens import Tokeniser, chat_ids
from w4s.types import Example, Trajectory


@pytest.fixture
def found(trajectory: Trajectory) -> list[Example]:
    return examples(trajectory)


def trained_text(tokeniser: Any, example: Example, scope: Scope) -> str:
    row = Tokeniser(tokeniser, 512, scope).row(example)
    return str(tokeniser.decode(row.ids[row.trained]))


def test_the_mask_is_the_action_and_its_end(tokeniser: Any, found: list[Example]) -> None:
    """One newline after the end-of-turn token would already be one token too many."""
    for example in found:
        text = trained_text(tokeniser, example, Scope.CURRENT_ACTION)
        assert text == example.reply + "<|im_end|>"


def test_earlier_actions_are_trained_only_when_asked_for(
    tokeniser: Any, found: list[Example]
) -> None:
    text = trained_text(tokeniser, found[2], Scope.ALL_ASSISTANT)
    assert text == "plan a\nbest<|im_end|>plan d<|im_end|>"


def test_all_tokens(tokeniser: Any, found: list[Example]) -> None:
    row = Tokeniser(tokeniser, 512, Scope.ALL_TOKENS).row(found[2])
    assert row.trained.sum() == len(row.ids) - 1
    assert not row.trained[0]


def test_the_sampled_ids_are_kept(tokeniser: Any, found: list[Example]) -> None:
    """A text can be written with other tokens than the shortest; the sampled ones count."""
    letters = tuple(tokeniser(list("plan b"), add_special_tokens=False).input_ids)
    sampled = tuple(i for part in letters for i in part)
    example = replace(found[1], reply_ids=sampled)

    row = Tokeniser(tokeniser, 512).row(example)
    again = Tokeniser(tokeniser, 512, source=Source.TEXT).row(example)

    assert tuple(row.ids[row.trained]) == sampled
    assert len(again.ids) < len(row.ids)


def test_a_reply_cut_by_its_limit_gets_no_end(tokeniser: Any, found: list[Example]) -> None:
    row = Tokeniser(tokeniser, 512).row(replace(found[1], reply_ids=(70, 71)))
    assert tuple(row.ids[row.trained]) == (70, 71)


def test_ids_of_another_tokeniser_are_refused(tokeniser: Any, found: list[Example]) -> None:
    example = replace(found[0], prompt_ids=(5, 6, 7))
    with pytest.raises(ConfigError, match="source=text"):
        Tokeniser(tokeniser, 512).row(example)
    row = Tokeniser(tokeniser, 512, source=Source.TEXT).row(example)
    assert row.prompt == len(chat_ids(tokeniser, example.prompt))


def test_a_row_that_is_too_long_is_left_out_whole_and_counted(
    tokeniser: Any, found: list[Example]
) -> None:
    longest = max(len(Tokeniser(tokeniser, 512).row(e).ids) for e in found)
    made = Tokeniser(tokeniser, longest - 1).rows([found])

    assert made.too_long >= 1
    assert len(made.episodes[0]) == len(found) - made.too_long
    assert len(made.lengths) == len(found)
    for row in made.episodes[0]:
        assert row.ids[-1] == tokeniser.eos_token_id
    assert Tokeniser(tokeniser, 5).rows([found]).episodes == ()


def test_coefficients_sum_to_the_weight(
    tokeniser: Any, found: list[Example], make_rows: Callable[..., Any]
) -> None:
    row = Tokeniser(tokeniser, 512).row(found[0])
    assert np.isclose(row.coefficients.sum(), found[0].weight)
    assert (row.coefficients[~row.trained] == 0).all()
