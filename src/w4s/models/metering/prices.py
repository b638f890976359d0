"""What tokens cost: a dated table, and over it what the user says.

In: a model, the host that serves it, and `MODEL=IN/OUT` words. Out: a Price, or None where
nobody knows one; nothing is guessed from the names of relatives. The table stands in
`prices.toml` beside this file, with its source and date.
"""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from w4s.errors import ConfigError

_PER = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per million tokens."""

    prompt: float
    completion: float

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Dollars for so many tokens."""
        return (prompt_tokens * self.prompt + completion_tokens * self.completion) / _PER

    def __str__(self) -> str:
        return f"{self.prompt:g}/{self.completion:g}"


FREE = Price(0.0, 0.0)
"""Models on this machine or in this process."""


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Published prices of one day, by host and model."""

    dated: str
    """Day of the figures, `YYYY-MM-DD`."""
    source: str
    hosts: Mapping[str, Mapping[str, Price]]
    """`api.openai.com` → `gpt-4o-mini` → price."""

    def find(self, model: str, host: str) -> Price | None:
        return self.hosts.get(host, {}).get(model)

    def relatives(self, model: str, host: str) -> list[str]:
        """Listed models of similar name, as `NAME at IN/OUT`."""
        listed = self.hosts.get(host, {})
        return [f"{name} at {listed[name]}" for name in difflib.get_close_matches(model, listed)]


@cache
def published() -> PriceTable:
    """The table of this package."""
    text = resources.files("w4s.models.metering").joinpath("prices.toml").read_text("utf-8")
    data = tomllib.loads(text)
    hosts = {
        host: {model: Price(*pair) for model, pair in models.items()}
        for host, models in data["hosts"].items()
    }
    return PriceTable(data["dated"], data["source"], hosts)


def read_price(text: str) -> Price:
    """Read `IN/OUT`, dollars per million tokens."""
    parts = text.split("/")
    try:
        prompt, completion = (float(part) for part in parts)
    except ValueError:
        prompt = completion = math.nan
    if not (0 <= prompt < math.inf and 0 <= completion < math.inf):
        raise ConfigError(
            f"'{text}' is no price: give dollars per million tokens in and out, as in 0.15/0.60"
        )
    return Price(prompt, completion)


def split_words(words: Sequence[str]) -> dict[str, str]:
    """Turn the words of `--price MODEL=IN/OUT` into a mapping of MODEL to `IN/OUT`."""
    prices = {}
    for word in words:
        model, equals, price = word.rpartition("=")
        if not equals or not model:
            raise ConfigError(f"'{word}' is no price: write --price MODEL=IN/OUT")
        prices[model] = price
    return prices


def find_price(model: str, host: str, overrides: Mapping[str, str]) -> Price | None:
    """What the user says, else the published price, else None."""
    if model in overrides:
        return read_price(overrides[model])
    return published().find(model, host)


def need_price(model: str, host: str, overrides: Mapping[str, str]) -> Price:
    """As `find_price`, where dollars have to be counted."""
    price = find_price(model, host, overrides)
    if price is None:
        table = published()
        listed = table.relatives(model, host)
        hint = f"; listed there: {', '.join(listed)}" if listed else ""
        raise ConfigError(
            f"--max-usd needs a price, and none is known for '{model}' at {host} (table of"
            f" {table.dated}){hint}. Give one, in dollars per million tokens in and out:"
            f" --price {model}=IN/OUT"
        )
    return price
