"""Models as they are named on the command line, and the wrappers around them.

    simulated[:PROFILE]        the simulated executor, in this process
    grammar                    the grammar meta-agent, in this process
    scripted:FILE              replies from a file
    local:CHECKPOINT           a transformers model, in this process
    small[:CHECKPOINT]         a small meta-agent, in this process: the package's own, or another
    openai:MODEL               OpenAI
    openai:MODEL@BASE_URL      any server that speaks OpenAI's protocol

In: such a spec, and the environment for the key. Out: a Model, bare or as a run uses it. Every
mistake in a spec is a ConfigError, before anything is sent.
"""

from __future__ import annotations

import difflib
import ipaddress
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from w4s.errors import ConfigError
from w4s.extras import needs
from w4s.models.answer_book import AnswerBook
from w4s.models.base import Model
from w4s.models.cached import Cached
from w4s.models.checkpoints import SMALL, find_checkpoint
from w4s.models.choices import AllChoices
from w4s.models.grammar import Grammar
from w4s.models.metering.budget import Budget
from w4s.models.metering.metered import Metered
from w4s.models.metering.prices import FREE, Price, find_price, need_price, published
from w4s.models.sampler import InProcess
from w4s.models.scripted import Scripted, read_script
from w4s.models.simulated import SimulatedExecutor
from w4s.settings import nearest

OPENAI_HOST = "api.openai.com"
OPENAI_KEY = "OPENAI_API_KEY"
FORMS = (
    "simulated[:PROFILE], grammar, scripted:FILE, local:CHECKPOINT, small[:CHECKPOINT],"
    " openai:MODEL, openai:MODEL@BASE_URL"
)


class Kind(StrEnum):
    """Where a model's replies come from."""

    SIMULATED = "simulated"
    GRAMMAR = "grammar"
    SCRIPTED = "scripted"
    LOCAL = "local"
    SMALL = "small"
    OPENAI = "openai"


_NAMED = {Kind.SCRIPTED: "FILE", Kind.LOCAL: "CHECKPOINT", Kind.OPENAI: "MODEL"}
"""Kinds that say nothing without a name, and what the name is of."""


@dataclass(frozen=True, slots=True)
class Spec:
    """A model spec, read and found well-formed."""

    kind: Kind
    detail: str = ""
    """Profile, file, checkpoint or model, after the colon."""
    base_url: str | None = None
    """None: OpenAI's own."""

    @property
    def remote(self) -> bool:
        """Whether replies come over the network, and are worth keeping."""
        return self.kind is Kind.OPENAI

    @property
    def checkpoint(self) -> str | None:
        """What transformers loads for it; None where that is none of its business."""
        if self.kind not in (Kind.LOCAL, Kind.SMALL):
            return None
        return find_checkpoint(self.detail or SMALL)

    @property
    def priced_as(self) -> str:
        """What a price names: the model, or its kind where nothing stands behind the colon."""
        return self.detail or self.kind.value

    @property
    def host(self) -> str:
        return (urlsplit(self.base_url).hostname or "") if self.base_url else OPENAI_HOST

    @property
    def local(self) -> bool:
        """Whether nobody sends a bill: this process, this machine or this network."""
        return not self.remote or _is_local(self.host)


def read_spec(text: str) -> Spec:
    """Read a model spec; raises ConfigError that says what to type."""
    word, colon, detail = text.strip().partition(":")
    if word not in list(Kind):
        close = difflib.get_close_matches(word, list(Kind), n=1)
        hint = f"did you mean '{close[0]}'? Models are" if close else "models are"
        raise ConfigError(f"unknown model '{text}'; {hint} {FORMS}")
    kind = Kind(word)
    if kind is Kind.GRAMMAR and colon:
        raise ConfigError(f"'{text}': write just 'grammar'")
    if not detail and (kind in _NAMED or (kind is Kind.SMALL and colon)):
        what = _NAMED.get(kind, "CHECKPOINT")
        raise ConfigError(f"'{text}' lacks a name: write {kind}:{what}")
    if kind is not Kind.OPENAI:
        return Spec(kind, detail)
    model, url = _split_url(text, detail)
    return Spec(kind, model, url)


def open_model(
    spec: Spec,
    *,
    environ: Mapping[str, str],
    answer_book: AnswerBook | None = None,
    key_env: str = OPENAI_KEY,
    key_flag: str = "--key-env",
    token_ids: bool = False,
) -> Model:
    """The bare model. `key_env` names the variable with the key, and `key_flag` the option that
    gives another one; local servers need none.
    `token_ids` asks a server for the ids of prompt and reply; models in this process give theirs.
    """
    match spec.kind:
        case Kind.SIMULATED:
            if answer_book is None:
                raise ConfigError("the simulated executor answers for a task; none is given here")
            return InProcess(_simulated(answer_book, spec.detail))
        case Kind.GRAMMAR:
            return InProcess(Grammar())
        case Kind.SCRIPTED:
            return Scripted(read_script(Path(spec.detail)), name=f"scripted:{spec.detail}")
        case Kind.LOCAL | Kind.SMALL:
            checkpoint = spec.checkpoint
            assert checkpoint is not None
            with needs("train", f"a model in this process ({spec.kind})"):
                from w4s.models.local import LocalModel
            return LocalModel(checkpoint)
        case Kind.OPENAI:
            # Imported here alone: aiohttp takes a third of a second of CPU to import, which no
            # command without a server should spend.
            from w4s.models.endpoint.http import HttpModel

            key = _key(spec, environ, key_env, key_flag)
            return HttpModel(
                spec.detail, spec.base_url, key, token_ids=token_ids, scout=not spec.local
            )


def check_priced(prices: Iterable[str], specs: Iterable[Spec]) -> None:
    """ConfigError when a price was given to a model that takes no part."""
    names = [spec.priced_as for spec in specs]
    for name in prices:
        if name not in names:
            raise ConfigError(
                f"--price {name}=…: no such model takes part{nearest(name, names)}"
                f" (models: {', '.join(names)})"
            )


@dataclass(frozen=True, slots=True)
class Quote:
    """What is known of a model's price."""

    price: Price | None
    """None where nobody knows one."""
    source: str
    """`free`, `given` (by the user), `table of 2026-07-02`, or `unknown`."""


def quote(spec: Spec, overrides: Mapping[str, str]) -> Quote:
    """What the model's tokens cost, and who says so; `overrides` maps a model, as it is
    `priced_as`, to `IN/OUT`."""
    given = spec.priced_as in overrides
    if spec.local and not given:
        return Quote(FREE, "free")
    price = find_price(spec.priced_as, spec.host, overrides)
    if price is None:
        return Quote(None, "unknown")
    return Quote(price, "given" if given else f"table of {published().dated}")


def spec_price(spec: Spec, overrides: Mapping[str, str], *, needed: bool) -> Price:
    """What the model's tokens cost; `overrides` maps a model to `IN/OUT`.

    With `needed` (a limit in dollars) an unknown price is a ConfigError, otherwise it counts
    as nothing.
    """
    known = quote(spec, overrides).price
    if known is None and needed:
        return need_price(spec.detail, spec.host, overrides)
    return known or FREE


def wrap_model(
    model: Model,
    spec: Spec,
    *,
    role: str,
    budget: Budget,
    price: Price,
    rng: random.Random,
    replies: Path,
) -> Model:
    """The model as a run uses it: all choices, kept on disk, paid for once.

    `replies` is the file of the cache. Models in this process give equal replies anyway, so
    theirs are counted but not kept.
    """
    metered = Metered(model, role=role, budget=budget, price=price, rng=rng)
    if not spec.remote:
        return metered
    on_hit = partial(budget.ledger.count_cached, role)
    return AllChoices(Cached(metered, replies, on_hit=on_hit))


def _split_url(text: str, detail: str) -> tuple[str, str | None]:
    """`MODEL[@BASE_URL]`; a model's name may hold an @ too."""
    for scheme in ("@http://", "@https://"):
        model, at, rest = detail.partition(scheme)
        if at:
            url = at[1:] + rest
            if not model:
                raise ConfigError(f"'{text}' lacks the model's name: openai:MODEL@{url}")
            return model, _checked_url(text, url)
    model, at, rest = detail.rpartition("@")
    if at and model and ("/" in rest or ":" in rest or rest == "localhost"):
        raise ConfigError(f"'{text}': did you mean openai:{model}@http://{rest}?")
    return detail, None


def _checked_url(text: str, url: str) -> str:
    try:
        parts = urlsplit(url)
        port_is_readable = parts.port != 0
    except ValueError:
        parts, port_is_readable = urlsplit(""), False
    if not parts.hostname or not port_is_readable or any(c.isspace() for c in url):
        raise ConfigError(f"'{text}': the base URL is none, try http://HOST:PORT/v1")
    if parts.username or parts.password or parts.query:
        # Not repeating the text: what stands there may be a secret.
        raise ConfigError(
            "a base URL with a user name, password or query: keys belong into an environment"
            " variable, which --key-env or --executor-key-env names"
        )
    return url


def _key(spec: Spec, environ: Mapping[str, str], key_env: str, key_flag: str) -> str:
    key = environ.get(key_env, "").strip()
    if key or (spec.local and key_env == OPENAI_KEY):
        return key
    raise ConfigError(
        f"{spec.host} needs a key: set the environment variable {key_env}, or name the one that"
        f" holds it with {key_flag}"
    )


def _is_local(host: str) -> bool:
    """This machine, a private network, or a bare host name as containers have."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith((".localhost", ".local", ".internal"))
    return address.is_loopback or address.is_private


def _simulated(book: AnswerBook, profile: str) -> SimulatedExecutor:
    return SimulatedExecutor(book, profile=profile) if profile else SimulatedExecutor(book)
