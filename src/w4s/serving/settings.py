"""The settings of the commands that put a workflow to use: `w4s export` and `w4s serve`.

Imports nothing heavy, so that the command line can show them at once.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from w4s.settings import Asked, Count, Dollars, Positive, Prices, Record, Seed, VariableName


class UseConfig(Record):
    """Which workflow, and how it runs. What is not given is as in the run that found it; without
    a run, as in a search without settings."""

    workflow: Annotated[
        str, Asked("which workflow? give the folder of a search, a file or a baseline")
    ] = Field(
        description="Folder of a search, whose best workflow is taken; or the file of a workflow;"
        " or the name of a baseline."
    )
    executor: str | None = Field(
        default=None,
        description="Model that the workflow calls: openai:MODEL[@BASE_URL]; default: the run's.",
    )
    key_env: VariableName | None = Field(
        default=None, description="Environment variable with that model's API key."
    )
    seed: Seed | None = Field(
        default=None, description="Of the executor's draws; another gives other answers."
    )
    solver_calls: Count | None = Field(
        default=None, description="Most model calls for one question."
    )
    executor_tokens: Count | None = Field(
        default=None, description="Longest reply of the executor, whatever the workflow asks for."
    )
    solver_seconds: Positive | None = Field(
        default=None,
        description="The workflow's own time for one question; waiting for the model is not"
        " counted.",
    )


class ExportConfig(UseConfig):
    """`w4s export`."""

    out: Annotated[Path, Asked("which file? add --out FILE.py")] = Field(
        description="The Python file to write."
    )


class Reading(StrEnum):
    """What of a conversation is the question."""

    CONVERSATION = "conversation"
    """All of it: a single user message as it stands, anything longer as a transcript."""
    LAST = "last"
    """The last user message alone."""


class ServeConfig(UseConfig):
    """`w4s serve`."""

    host: str = Field(
        default="127.0.0.1",
        description="Address to listen on; others than this machine's own need a key.",
    )
    port: int = Field(
        default=8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one."
    )
    client_key_env: VariableName | None = Field(
        default=None,
        description="Environment variable with the key that clients must send; default: none.",
    )
    without_key: bool = Field(
        default=False,
        description="Listen beyond this machine without a key: whoever reaches the port spends"
        " your money.",
    )
    name: str | None = Field(
        default=None,
        description="Name of the model that clients ask for; default: made from WORKFLOW.",
    )
    question: Reading = Field(
        default=Reading.CONVERSATION,
        description="What of a conversation the workflow gets: conversation (a single user message"
        " as it stands, anything longer as a transcript) or last (the last user message alone).",
    )
    task: str | None = Field(
        default=None,
        description="For the simulated executor: the task whose answers it knows; default: the"
        " run's.",
    )
    concurrency: Count = Field(default=64, description="Requests worked on at a time.")
    queue: int = Field(
        default=1024,
        ge=0,
        description="Requests that may wait for their turn; more are refused with 429.",
    )
    request_seconds: Positive = Field(
        default=300.0, description="Longest time for one request, waiting in the queue included."
    )
    request_usd: Dollars | None = Field(
        default=None, description="Most dollars that one request may cost."
    )
    max_usd: Dollars | None = Field(
        default=None, description="Answer no more once so many dollars are spent."
    )
    account: Path | None = Field(
        default=None,
        description="File that keeps what was spent, so that --max-usd holds over restarts;"
        " default: for this process alone.",
    )
    prices: Prices = Field(
        default_factory=dict,
        description="Dollars per million tokens in and out of a model, as MODEL=0.15/0.60.",
    )
    sandbox: Literal["walls", "bwrap", "unsafe"] | None = Field(
        default=None, description="What holds the workflow's code, as for w4s search."
    )
    drain_seconds: float = Field(
        default=60.0, ge=0, description="After Ctrl-C: how long requests under way may take."
    )
