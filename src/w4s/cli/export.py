"""`w4s export`: the best workflow of a run as one Python file."""

from __future__ import annotations

import shlex
from pathlib import Path

from w4s.commands.using import InUse, put_to_use
from w4s.errors import ConfigError
from w4s.exporting.file import Pins, exported
from w4s.exporting.standalone import WARNING
from w4s.models.specs import Kind, read_spec
from w4s.serving.settings import ExportConfig


def export(config: ExportConfig) -> None:
    """Write the file, and say what it does not hold."""
    used = put_to_use(config)
    text = exported(used.workflow, _pins(used), used.origin)
    _write(config.out, text)
    try_it = f"python {shlex.quote(str(config.out))} --help"
    print(f"{config.out}: pip install openai, then {try_it}\n\n{WARNING}")


def _pins(used: InUse) -> Pins:
    settings = used.settings
    spec = read_spec(settings.executor)
    if spec.kind is not Kind.OPENAI:
        raise ConfigError(
            f"'{settings.executor}' can only be called from w4s; name a model with an endpoint:"
            " --executor openai:MODEL[@BASE_URL]"
        )
    return Pins(
        model=spec.detail,
        base_url=spec.base_url or f"https://{spec.host}/v1",
        key_variable=settings.executor_key_env,
        seed=settings.seed,
        solver_calls=settings.solver_calls,
        reply_tokens=settings.executor_tokens,
        solver_seconds=settings.solver_seconds,
    )


def _write(path: Path, text: str) -> None:
    """Nothing is written over: there may be work in it."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigError(f"{path} exists; choose another with --out") from None
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from None
