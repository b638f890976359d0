"""What all settings share: how they are read, checked, compared and written.

In: a TOML file (`--config FILE`), `key=value` words, flags; the later ones win. Out: a checked
record, and its resolved form as TOML for the run folder. Which settings there are stands in
`config`, by command.
"""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from w4s.errors import ConfigError
from w4s.models.metering.prices import read_price
from w4s.types import JSON


class Record(BaseModel):
    """What all settings share: how they are read, compared and written."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def resolve(cls, *layers: Mapping[str, object]) -> Self:
        """Lay settings over each other, the last on top, and check the whole."""
        merged: dict[str, object] = {}
        for layer in layers:
            for key in layer:
                if key not in cls.model_fields:
                    raise ConfigError(_unknown(key, list(cls.model_fields)))
            merged |= layer
        try:
            return cls.model_validate(merged)
        except ValidationError as error:
            raise ConfigError(cls._first(error)) from None

    @classmethod
    def free(cls) -> frozenset[str]:
        """Settings that may change when a run goes on: they move no result."""
        return frozenset(name for name, f in cls.model_fields.items() if FREE in f.metadata)

    def settings(self) -> dict[str, JSON]:
        """Everything, as plain values; what is not set is left out."""
        return self.model_dump(mode="json", exclude_none=True)

    @classmethod
    def _first(cls, error: ValidationError) -> str:
        """The first of the faults, in one line."""
        fault = error.errors(include_url=False, include_context=False)[0]
        name = ".".join(str(part) for part in fault["loc"]) or "settings"
        match fault["type"]:
            case "missing" | "too_short":
                return next(m.asks for m in cls.model_fields[name].metadata if isinstance(m, Asked))
            case "tuple_type":
                return f"{name}: write a list, {name} = [{json.dumps(fault['input'], default=str)}]"
            case "string_pattern_mismatch":
                # Not repeating what was typed: it may be the key itself.
                return f"{name} takes the name of an environment variable, never the key"
            case _:
                return f"{name}={fault['input']}: {fault['msg'][:1].lower()}{fault['msg'][1:]}"


@dataclass(frozen=True, slots=True)
class Asked:
    """Metadata of a setting that has no default: what is said where it is not given."""

    asks: str
    """A question, and what to type."""


RUN_FOLDER = Asked("where to? add --run FOLDER")


FREE = "may change when a run goes on"


def _price(text: str) -> str:
    read_price(text)
    return text


Prices = dict[str, Annotated[str, AfterValidator(_price)]]
"""Model to `IN/OUT`."""
Dollars = Annotated[float, Field(ge=0)]
Seed = Annotated[int, Field(ge=0, le=2**63 - 1)]
"""As far as every generator of random numbers takes it."""
Count = Annotated[int, Field(ge=1)]
Size = Annotated[int, Field(ge=1, le=100_000)]
"""Problems of one set. Toy tasks make as many as they are asked for."""
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Tracking = tuple[Literal["tensorboard", "trackio", "wandb", "mlflow"], ...]
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


def read_overrides(words: Sequence[str]) -> dict[str, object]:
    """`key=value` words of the command line. A value in brackets or braces is TOML."""
    settings: dict[str, object] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise ConfigError(f"{word!r} is no setting; write it as key=value")
        settings[key.strip().replace("-", "_")] = _value(value.strip())
    return settings


def read_file(path: Path, wanted: str = "--config takes a TOML file") -> dict[str, JSON]:
    """The settings in a TOML file of the user's; `wanted` is what to say where there is none."""
    try:
        return from_toml(path.read_text(encoding="utf-8"), path)
    except FileNotFoundError:
        raise ConfigError(f"no file {path}; {wanted}") from None
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {os.strerror(error.errno or 0)}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text; {wanted}") from None


def from_toml(text: str, path: Path) -> dict[str, JSON]:
    """Parse TOML; `path` is for the message."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from None


def to_toml(settings: Mapping[str, JSON]) -> str:
    """Plain values and one level of tables as TOML; what is None is left out."""
    plain = {k: v for k, v in settings.items() if v is not None and not isinstance(v, Mapping)}
    tables = {k: v for k, v in settings.items() if isinstance(v, Mapping) and v}
    lines = [f"{key} = {_toml(value)}" for key, value in plain.items()]
    for name, table in tables.items():
        lines += ["", f"[{name}]", *(f"{_toml(k)} = {_toml(v)}" for k, v in table.items())]
    return "\n".join(lines) + "\n"


def differences(
    was: Mapping[str, JSON], now: Mapping[str, JSON], free: frozenset[str]
) -> list[str]:
    """What differs, each as `key was this, is that`; settings in `free` may differ."""
    flat_was, flat_now = _flat(was), _flat(now)
    keys = [*flat_was, *(key for key in flat_now if key not in flat_was)]
    return [
        f"{key} was {_shown(flat_was.get(key))}, is {_shown(flat_now.get(key))}"
        for key in keys
        if not {key, key.partition(".")[0]} & free and flat_was.get(key) != flat_now.get(key)
    ]


def nearest(word: str, words: Sequence[str], cutoff: float = 0.6) -> str:
    """`; did you mean 'x'?`, or nothing when no word is near."""
    near = difflib.get_close_matches(word, words, n=1, cutoff=cutoff)
    return f"; did you mean {near[0]!r}?" if near else ""


def named_once(names: Sequence[str], instead: str) -> None:
    """ConfigError where a list holds a name twice; `instead` is what to give."""
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"{name} is named twice; {instead}")


def _unknown(key: str, keys: Sequence[str]) -> str:
    return f"unknown setting {key!r}{nearest(key, keys)} (settings: {', '.join(keys)})"


def _value(text: str) -> object:
    if text[:1] not in ("[", "{"):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{text!r} is not valid TOML: {error}") from None


def _toml(value: JSON) -> str:
    if isinstance(value, str):
        # A TOML string is a JSON string, apart from one control character.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Sequence):
        return f"[{', '.join(_toml(item) for item in value)}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_toml(k)} = {_toml(v)}' for k, v in value.items())}}}"
    return json.dumps(value)


def _flat(settings: Mapping[str, JSON]) -> dict[str, JSON]:
    flat: dict[str, JSON] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            flat |= {f"{key}.{inner}": item for inner, item in value.items()}
        else:
            flat[key] = value
    return flat


def _shown(value: JSON) -> str:
    return "not set" if value is None else str(value)
