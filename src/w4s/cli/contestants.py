"""Who takes part in a comparison.

In: its settings. Out: each contestant's name, and the settings of a search that are its own. What
would be overruled or left out in silence is a ConfigError, before anything runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from w4s.config import CompareConfig
from w4s.errors import ConfigError
from w4s.methods import METHODS
from w4s.settings import named_once, nearest
from w4s.types import JSON
from w4s.workflow import baseline_names

_SEALED = frozenset(("test", "split"))
"""Settings that decide which problems are sealed."""
_OF_THE_WHOLE = {"task": "tasks", "seed": "seeds and first_seed", "run": "run"}
"""Settings that a comparison gives to each search, and what gives them to the comparison."""


def contestants_of(config: CompareConfig) -> dict[str, dict[str, JSON]]:
    """Name to settings that differ; methods first, then the user's own, then baselines."""
    named_once(config.tasks, "give seeds to run it more often")
    _check_known(config.methods, "method", list(METHODS))
    _check_known(config.baselines, "baseline", baseline_names())
    _check_settings("[search]", config.search)
    for name, own in config.contestants.items():
        _check_name(name, config)
        _check_own(name, own)
    methods: dict[str, dict[str, JSON]] = {name: {"method": name} for name in config.methods}
    baselines: dict[str, dict[str, JSON]] = {name: {"workflow": name} for name in config.baselines}
    return {**methods, **config.contestants, **baselines}


def _check_known(given: Sequence[str], kind: str, known: Sequence[str]) -> None:
    for name in given:
        if name not in known:
            raise ConfigError(
                f"unknown {kind} {name!r}{nearest(name, known)} ({kind}s: {', '.join(known)})"
            )
    named_once(given, "give seeds to run it more often")


def _check_name(name: str, config: CompareConfig) -> None:
    for kind, names in {"methods": config.methods, "baselines": config.baselines}.items():
        if name in names:
            raise ConfigError(
                f"contestant {name!r} has the name of one of the {kind}; give it another, such as"
                f" [contestants.my-{name}], or leave {name} out of {kind}"
            )


def _check_own(name: str, own: Mapping[str, JSON]) -> None:
    for setting in _SEALED & own.keys():
        raise ConfigError(
            f"contestant {name!r} has a {setting} of its own, so its sealed problems would not"
            f" be those of the others; give {setting} under [search]"
        )
    _check_settings(f"contestant {name!r}", own)
    workflow = own.get("workflow", "")
    if not isinstance(workflow, str):
        raise ConfigError(
            f"contestant {name!r} has workflow={workflow}, which is no name; write it as text:"
            ' workflow = "my_workflow.py", or a baseline'
        )


def _check_settings(where: str, settings: Mapping[str, JSON]) -> None:
    for setting in settings:
        if setting in _OF_THE_WHOLE:
            raise ConfigError(
                f"{where} has a {setting} of its own, which the comparison gives to each search;"
                f" take it out, and give {_OF_THE_WHOLE[setting]} above the tables of the file"
            )
