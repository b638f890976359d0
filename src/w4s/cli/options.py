"""The options of a command, made from its record of settings.

In: a record of `w4s.config`, and which of its fields are positional. Out: a function that typer
can read, with one option per other field, its help and its default taken from the record. All
values go through the record's own checks, so a wrong one gets the same line from a flag, a
`key=value` word and a file.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import typer
from pydantic.fields import FieldInfo

from w4s.config import Limits, Setup
from w4s.errors import ConfigError
from w4s.settings import Record, read_file, read_overrides

R = TypeVar("R", bound=Record)

_SETTING = re.compile(r"[A-Za-z][A-Za-z_-]*=")


def takes(
    record: type[R],
    positional: str | None,
    *,
    several: bool = False,
    rehearsal: Callable[[R], None] | None = None,
) -> Callable[[Callable[[R], None]], Callable[..., None]]:
    """Decorate a command that takes one record; `positional` is its field without a flag, if any.

    With `several`, every positional word that is no `key=value` belongs to that field. With a
    `rehearsal` the command has a flag `--dry-run`, which calls that in its stead."""

    def decorate(command: Callable[[R], None]) -> Callable[..., None]:
        def run(
            words: list[str] | None, config: str | None, dry_run: bool = False, **flags: object
        ) -> None:
            given = {
                name: _table(name, value) if _is_table(record.model_fields[name]) else value
                for name, value in flags.items()
                if value is not None
            }
            file = read_file(Path(config)) if config is not None else {}
            named, settings = _sorted_words(words or [], positional, several)
            settled = record.resolve(file, settings, given, named)
            _check_priced({**settings, **given}.get("prices"), settled)
            if dry_run and rehearsal is not None:
                rehearsal(settled)
            else:
                command(settled)

        parameters = [_words(record, positional), *_options(record, positional), _config()]
        if rehearsal is not None:
            parameters.append(_dry_run())
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        run.__doc__ = command.__doc__
        run.__name__ = command.__name__
        return run

    return decorate


def _check_priced(typed: object, settled: Record) -> None:
    """Prices that were typed are those of the command's models; a file may hold a whole list."""
    models = [getattr(settled, role, "") for role in ("executor", "meta_agent")]
    if isinstance(typed, Mapping) and None not in models:
        # What knows models is imported when it is wanted: help and listings must come at once.
        from w4s.models.specs import check_priced, read_spec

        check_priced(typed, map(read_spec, filter(None, models)))


def _table(name: str, entries: object) -> dict[str, str]:
    """The entries of a repeated flag as a table."""
    table = {}
    for entry in entries if isinstance(entries, list) else []:
        key, equals, text = entry.rpartition("=")
        if not equals or not key:
            raise ConfigError(f"{entry!r}: write --{name.removesuffix('s')} KEY=VALUE")
        table[key] = text
    return table


def _sorted_words(
    words: list[str], positional: str | None, several: bool
) -> tuple[Mapping[str, object], Mapping[str, object]]:
    """What the positional field gets, and the `key=value` words."""
    settings = [word for word in words if _SETTING.match(word)]
    rest = [word for word in words if not _SETTING.match(word)]
    if positional is None:
        if rest:
            raise ConfigError(f"this command takes options alone, not {rest[0]!r}")
        return {}, read_overrides(settings)
    if several:
        return ({positional: tuple(rest)} if rest else {}), read_overrides(settings)
    if len(rest) > 1:
        raise ConfigError(f"one {positional} at a time, not {' and '.join(rest)}")
    return ({positional: rest[0]} if rest else {}), read_overrides(settings)


def _words(record: type[Record], positional: str | None) -> inspect.Parameter:
    described = f"{record.model_fields[positional].description} " if positional else ""
    argument = typer.Argument(
        metavar=f"{positional.upper()}|KEY=VALUE" if positional else "KEY=VALUE",
        help=f"{described}Words like seed=1 are settings, named as the options are.",
        show_default=False,
        default=None,
    )
    return _parameter("words", list[str] | None, argument)


def _options(record: type[Record], positional: str | None) -> list[inspect.Parameter]:
    """The command's own settings first, then those it shares with others."""
    names = [name for name in record.model_fields if name != positional]
    names.sort(key=lambda name: (name in Limits.model_fields, name in Setup.model_fields))
    return [
        _parameter(name, _flag_type(field), _option(name, field))
        for name in names
        for field in (record.model_fields[name],)
    ]


def _flag_type(field: FieldInfo) -> Any:
    """What typer reads; the record checks the rest."""
    if field.annotation is bool:
        return bool | None
    return list[str] | None if _is_table(field) or _is_list(field) else str | None


def _option(name: str, field: FieldInfo) -> Any:
    # `as_json` is `--json`: a record cannot have a field of that name.
    flag, metavar = f"--{name.removeprefix('as_').replace('_', '-')}", _metavar(field)
    if _is_table(field):
        # One flag for each entry: `--price a=1/2 --price b=3/4`.
        flag, metavar = flag.removesuffix("s"), "KEY=VALUE"
    shown = isinstance(field.default, str | int | float) and field.default
    default = f" [{field.default}]" if shown else ""
    help = f"{field.description}{default}"
    return typer.Option(None, flag, help=help, metavar=metavar, show_default=False)


def _config() -> inspect.Parameter:
    help = "TOML file with settings, named as the options are; flags win over it."
    return _parameter("config", str | None, typer.Option(None, metavar="FILE", help=help))


def _dry_run() -> inspect.Parameter:
    help = "Say what it would take: calls, tokens, dollars, minutes. Needs no key, calls nobody."
    return _parameter("dry_run", bool, typer.Option(False, "--dry-run", help=help))


def _parameter(name: str, annotation: Any, info: Any) -> inspect.Parameter:
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Parameter(name, kind, default=info, annotation=annotation)


def _is_table(field: FieldInfo) -> bool:
    return str(field.annotation).startswith("dict")


def _is_list(field: FieldInfo) -> bool:
    return str(field.annotation).startswith("tuple")


def _metavar(field: FieldInfo) -> str | None:
    if field.annotation is bool:
        return None
    text = str(field.annotation)
    if "Path" in text:
        return "PATH"
    return "NUMBER" if "int" in text or "float" in text else "TEXT"
