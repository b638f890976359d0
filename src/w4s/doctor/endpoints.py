"""The models a user names: does the endpoint answer, to what, and how fast?

In: a model spec and the environment. Out: Findings. An endpoint is asked for its list of models,
which is free, then a few calls of some dozen tokens each: one per feature it refuses, and one
that is timed. Nothing is repeated, so a fault shows as what it is.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from w4s.doctor.finding import Finding, Verdict
from w4s.errors import AccessDenied, ConfigError, Overloaded, ProviderError
from w4s.models.base import Identity, Purpose, Reply, Request
from w4s.models.endpoint.features import Features, SystemRole
from w4s.models.endpoint.http import HttpModel
from w4s.models.metering.prices import find_price, published
from w4s.models.scripted import read_script
from w4s.models.specs import Kind, Spec, open_model, read_spec
from w4s.settings import nearest
from w4s.types import Message

TIMEOUT_SECONDS = 60.0
SLOW_SECONDS = 20.0
"""A call of a hundred tokens that takes longer makes a search a matter of days."""
SMALL_CONTEXT = 16_384
"""Tokens. The meta-agent's prompt with three examples and two turns, and its reply, want more."""
_CONTEXT_FIELDS = ("max_model_len", "context_length", "context_window", "max_context_length")
"""How lists of models name the context length: vLLM and SGLang, OpenRouter, Groq, Mistral."""
_TIMED = Request(
    (
        Message("system", "You answer with one JSON object."),
        Message("user", 'List the squares of 1 to 20 as {"squares": [1, 4, …]}.'),
    ),
    Identity(0, Purpose.PROBE, "timed"),
    max_tokens=256,
    json_mode=True,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One model to look at."""

    room: str
    """`executor` or `meta-agent`."""
    text: str
    """The spec as it was typed."""
    key_env: str

    @property
    def key_flag(self) -> str:
        return "--executor-key-env" if self.room == "executor" else "--key-env"

    def ok(self, what: str, found: str) -> Finding:
        return Finding(self.room, what, Verdict.OK, found)

    def note(self, what: str, found: str, fix: str = "") -> Finding:
        return Finding(self.room, what, Verdict.NOTE, found, fix)

    def fails(self, what: str, found: str, fix: str) -> Finding:
        return Finding(self.room, what, Verdict.FAILS, found, fix)


async def check_model(asked: Asked, environ: Mapping[str, str]) -> list[Finding]:
    """Look at one model. ConfigError for a spec that is none; whatever else is wrong is a
    Finding, and the last one, since nothing behind it can be tried."""
    spec = read_spec(asked.text)
    if not spec.remote:
        return [_in_process(asked, spec)]
    try:
        model = open_model(spec, environ=environ, key_env=asked.key_env)
    except ConfigError:
        fix = f"export {asked.key_env}=…, or name the variable that holds it with {asked.key_flag}"
        return [asked.fails("key", f"{asked.key_env} is not set, and {spec.host} needs one", fix)]
    assert isinstance(model, HttpModel)
    async with aclosing(model), aclosing(_looks(asked, spec, model, environ)) as looks:
        return [finding async for finding in looks]


async def _looks(
    asked: Asked, spec: Spec, model: HttpModel, environ: Mapping[str, str]
) -> AsyncGenerator[Finding, None]:
    offered: dict[str, dict[str, Any]] = {}
    try:
        offered = await model.offered()
        features = await model.probe()
        start = time.monotonic()
        reply = await model.complete(_TIMED)
        seconds = time.monotonic() - start
    except ProviderError as error:
        yield _refusal(asked, spec, offered, error)
        return
    yield _key(asked, spec, environ)
    yield _model(asked, spec, offered)
    yield _json(asked, features, reply)
    yield _choices(asked, features)
    yield _rest(asked, features)
    yield _context(asked, offered.get(spec.detail, {}))
    yield _speed(asked, reply, seconds)
    yield _price(asked, spec)


def _in_process(asked: Asked, spec: Spec) -> Finding:
    """What needs no server: is its file there, and what loads it? The model is not loaded."""
    try:
        if spec.kind is Kind.SCRIPTED:
            read_script(Path(spec.detail))
        elif spec.checkpoint is not None and find_spec("torch") is None:
            return asked.fails("model", f"{asked.text} needs torch", "pip install 'w4s[train]'")
    except ConfigError as error:
        found, _, advice = str(error).partition("; ")
        return asked.fails("model", found, advice or f"name another: --{asked.room} {spec.kind}:…")
    return asked.ok("model", f"{asked.text}, in this process: no key, no network")


def _refusal(
    asked: Asked, spec: Spec, offered: Mapping[str, object], error: ProviderError
) -> Finding:
    """What kept the endpoint from answering, and what to do about it."""
    if isinstance(error, AccessDenied):
        if error.status in (401, 403):
            fix = f"export {asked.key_env}=… with a key of {spec.host}"
            return asked.fails("key", str(error), fix)
        if error.status == 404:
            return asked.fails("model", str(error), _other_model(asked, spec, offered))
        return asked.fails("account", str(error), f"see the account at {spec.host}")
    if isinstance(error, Overloaded):
        return asked.fails("answer", str(error), "give the same command later, or raise the quota")
    fix = f"start the server, or correct the address: {asked.text}"
    return asked.fails("answer", str(error), fix)


def _other_model(asked: Asked, spec: Spec, offered: Mapping[str, object]) -> str:
    names = sorted(offered)
    if not names:
        return "correct the model's name, or the base URL, which mostly ends in /v1"
    listed = f"{', '.join(names[:5])}{', …' if len(names) > 5 else ''}"
    url = f"@{spec.base_url}" if spec.base_url else ""
    return f"--{asked.room} openai:MODEL{url} with one of: {listed}{nearest(spec.detail, names)}"


def _key(asked: Asked, spec: Spec, environ: Mapping[str, str]) -> Finding:
    held = bool(environ.get(asked.key_env, "").strip())
    where = f"from {asked.key_env}" if held else "none needed"
    return asked.ok("key", f"{where}; {spec.host} accepts it" if held else where)


def _model(asked: Asked, spec: Spec, offered: Mapping[str, object]) -> Finding:
    if spec.detail in offered or not offered:
        return asked.ok("model", f"{spec.detail} at {spec.host}")
    return asked.ok("model", f"{spec.detail} at {spec.host}; it answers, though it is not listed")


def _json(asked: Asked, features: Features, reply: Reply) -> Finding:
    choice = reply.choices[0]
    if not features.json_mode:
        return asked.note("JSON mode", "refused; prompts ask for JSON instead, and replies vary")
    try:
        is_object = isinstance(json.loads(choice.text), dict)
    except ValueError:
        is_object = choice.finish_reason == "length"  # cut off, which is nobody's fault
    if is_object:
        return asked.ok("JSON mode", "taken, and the reply is JSON")
    return asked.note("JSON mode", "taken, but the reply is no JSON; workflows read what they can")


def _choices(asked: Asked, features: Features) -> Finding:
    if features.n:
        return asked.ok("n", "several choices in one call")
    return asked.note("n", "one choice a call; five samples are five calls")


def _rest(asked: Asked, features: Features) -> Finding:
    lost = [name for name in ("seed", "temperature", "top_p") if not getattr(features, name)]
    if features.system_role is SystemRole.USER:
        lost.append("system role")
    if not features.length_limits:
        lost.append("a limit on the reply's length")
    if not lost:
        return asked.ok("parameters", "seed, temperature, top_p, system role, length limit")
    hint = "" if features.seed else "; without a seed a repeated run differs (one resumed does not)"
    return asked.note("parameters", f"without {', '.join(lost)}{hint}")


def _context(asked: Asked, told: Mapping[str, Any]) -> Finding:
    lengths = [told[name] for name in _CONTEXT_FIELDS if isinstance(told.get(name), int)]
    meta = told.get("meta")
    if isinstance(meta, dict) and isinstance(meta.get("n_ctx_train"), int):
        lengths.append(meta["n_ctx_train"])  # llama.cpp
    if not lengths:
        return asked.ok("context", "not told by the server")
    if lengths[0] >= SMALL_CONTEXT:
        return asked.ok("context", f"{lengths[0]:,} tokens")
    fix = f"serve it with at least {SMALL_CONTEXT} tokens, or search with --reply-tokens 1024"
    return asked.note("context", f"{lengths[0]:,} tokens", fix)


def _speed(asked: Asked, reply: Reply, seconds: float) -> Finding:
    tokens = reply.usage.completion_tokens
    found = f"{tokens} tokens in {seconds:.1f} s"
    if seconds < SLOW_SECONDS:
        return asked.ok("speed", found)
    return asked.note("speed", found, "see w4s estimate before a search, or take a faster model")


def _price(asked: Asked, spec: Spec) -> Finding:
    if spec.local:
        return asked.ok("price", "none: a server on this machine or network")
    price = find_price(spec.detail, spec.host, {})
    if price is not None:
        dated = published().dated
        return asked.ok("price", f"${price} per million tokens in/out (table of {dated})")
    fix = f"--price {spec.detail}=IN/OUT, in dollars per million tokens"
    return asked.note("price", "not in the table; dollars would not be counted", fix)
