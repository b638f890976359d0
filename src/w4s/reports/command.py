"""The command that makes a run with these settings.

In: the settings of a search. Out: one line to type. Settings that have their default value are
left out; what the user left open and the method filled in (turns, samples) is spelled out, so
that the line stands for this very run.
"""

from __future__ import annotations

import shlex

from w4s.config import SearchConfig
from w4s.models.specs import read_spec


def search_command(config: SearchConfig) -> str:
    """`w4s search TASK --run FOLDER …`, without the prices of models that take no part."""
    words = ["w4s", "search", config.task, "--run", str(config.run)]
    plain = SearchConfig(task=config.task, run=config.run).settings()
    priced = {read_spec(model).priced_as for model in (config.executor, config.meta_agent)}
    for name, value in config.settings().items():
        if name in ("task", "run") or value == plain.get(name):
            continue
        flag = f"--{name.replace('_', '-')}"
        if isinstance(value, dict):
            for key in sorted(priced & value.keys()):
                words += [flag.removesuffix("s"), f"{key}={value[key]}"]
        elif value is True:
            words.append(flag)
        else:
            words += [flag, str(value)]
    return shlex.join(words)
