"""Prices: published ones, the user's own, and what is said where there is none."""

from __future__ import annotations

from datetime import date

import pytest

from w4s.errors import ConfigError
from w4s.models.metering.prices import (
    Price,
    find_price,
    need_price,
    published,
    read_price,
    split_words,
)

OPENAI = "api.openai.com"


def test_the_table_says_where_it_comes_from() -> None:
    table = published()
    assert date.fromisoformat(table.dated) <= date.today()
    assert table.source
    for models in table.hosts.values():
        for price in models.values():
            assert 0 < price.prompt <= price.completion < 1000


def test_a_price_is_for_a_million_tokens() -> None:
    price = find_price("gpt-4o-mini", OPENAI, {})
    assert price == Price(0.15, 0.6)
    assert price.cost(2_000_000, 500_000) == pytest.approx(0.6)


def test_a_model_costs_what_its_host_asks() -> None:
    assert find_price("gpt-4o-mini", "router.example.com", {}) is None


def test_the_user_knows_better() -> None:
    overrides = split_words(["gpt-4o-mini=1/2", "a=b=0/0.5"])
    assert find_price("gpt-4o-mini", OPENAI, overrides) == Price(1, 2)
    assert find_price("a=b", "anywhere", overrides) == Price(0, 0.5)


def test_a_price_that_is_needed_and_unknown_says_what_to_type() -> None:
    with pytest.raises(ConfigError) as caught:
        need_price("gpt-4o-minni", OPENAI, {})
    words = str(caught.value)
    assert "--price gpt-4o-minni=IN/OUT" in words
    assert "gpt-4o-mini at 0.15/0.6" in words
    assert published().dated in words


@pytest.mark.parametrize("text", ["", "1", "1/2/3", "a/b", "-1/2", "nan/1", "1/inf"])
def test_what_is_no_price_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="dollars per million tokens in and out"):
        read_price(text)


@pytest.mark.parametrize("word", ["gpt-4o", "=1/2"])
def test_what_is_no_word_is_refused(word: str) -> None:
    with pytest.raises(ConfigError, match="--price MODEL=IN/OUT"):
        split_words([word])
