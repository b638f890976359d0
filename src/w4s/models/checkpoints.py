"""Where a checkpoint lies: a folder, a name on the hub, or `small`, which the package brings along.

In: what the user typed. Out: what transformers loads. What cannot be one is a ConfigError, before
anybody asks a server for it. Imports no torch.
"""

from __future__ import annotations

import hashlib
import json
import re
from importlib import resources
from pathlib import Path

from w4s.errors import ConfigError

SMALL = "small"
"""The small meta-agent that lies in the package."""
ADAPTER = "adapter_config.json"
"""In a folder that holds an adapter, and not a whole model."""
_CONFIG = "config.json"
_FILES = (_CONFIG, ADAPTER, "tokenizer_config.json")
"""Of which a checkpoint has at least one; a tokeniser alone measures lengths."""
_TOKENISERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model")
"""Of which a checkpoint has at least one; w4s writes the first."""
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


def find_checkpoint(name: str) -> str:
    """The folder, or the name on the hub, that stands behind `name`."""
    if name == SMALL:
        return str(_small())
    folder = Path(name)
    if not folder.is_dir():
        if _HUB_NAME.fullmatch(name) and not folder.parent.is_dir():
            return name
        raise ConfigError(
            f"no checkpoint at {name}: give a folder with config.json and safetensors, such as"
            " RUN/model of w4s train, or ORGANISATION/MODEL on the hub"
        )
    if not any((folder / file).exists() for file in _FILES):
        inside = [f for f in (folder / "model", folder / "adapter") if f.is_dir()]
        hint = f"; did you mean {inside[0]}?" if inside else ""
        raise ConfigError(f"{name} holds no checkpoint, since it has no {_CONFIG}{hint}")
    return name


def need_tokeniser(checkpoint: str) -> None:
    """ConfigError when a folder lacks the words; transformers would go on with none, or ask for
    packages that do not help."""
    folder = Path(checkpoint)
    if folder.is_dir() and not any((folder / file).exists() for file in _TOKENISERS):
        raise ConfigError(
            f"{checkpoint} has no {_TOKENISERS[0]}; give a whole checkpoint such as RUN/model"
        )


def is_adapter(checkpoint: str) -> bool:
    """Whether a checkpoint's folder holds an adapter for another model."""
    return (Path(checkpoint) / ADAPTER).exists()


def is_small(checkpoint: str) -> bool:
    """Whether it is one of the small meta-agents, which read compact prompts: their vocabularies
    have some thousand tokens, those of chat models ten times as many."""
    try:
        config = json.loads((Path(checkpoint) / _CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and int(config.get("vocab_size") or 0) in range(1, 10_000)


def weights_digest(checkpoint: str) -> str:
    """Identity of the weights, so that a checkpoint trained again under the same name is another
    model; 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for path in sorted(Path(checkpoint).glob("*.safetensors")):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


def _small() -> Path:
    folder = Path(str(resources.files("w4s.models") / SMALL))
    if not (folder / _CONFIG).exists():
        raise ConfigError(
            "this installation lacks the small meta-agent; make one with"
            " w4s small pretrain FOLDER, and name it small:FOLDER"
        )
    return folder
