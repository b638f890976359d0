"""The settings of data sets and training runs, and the names they choose from.

Imports nothing heavy, so that the command line can show them at once.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from w4s.settings import RUN_FOLDER, Asked, Count, Positive, Record, Seed, Share, Tracking


class Selection(StrEnum):
    """Which actions of a turn are learned from."""

    ALL = "all"
    """Every action that ran."""
    BEST = "best"
    """The one that advanced: supervised fine-tuning on the best, to compare with."""


class Weighting(StrEnum):
    """What an action weighs."""

    EXPONENTIAL = "exponential"
    """exp(reward / τ)."""
    ONE = "one"
    """All alike: plain imitation, to compare with."""


class Reward(StrEnum):
    """Which reward enters the weight."""

    COLLECTED = "collected"
    """As written in the trajectory: 1, 0.5 or 0."""
    MARGIN = "margin"
    """The same, where gains within the noise earn nothing."""
    CONTINUOUS = "continuous"
    """The relative gain over the best so far."""
    ADVANTAGE = "advantage"
    """Standard deviations above the mean of the turn's actions."""
    TASK_ADVANTAGE = "task_advantage"
    """Standard deviations above the mean of all actions on the task, over all episodes."""


class Repaired(StrEnum):
    """What is learned from an action that corrected itself."""

    FINAL = "final"
    """The last reply, as if it had been the first answer to the state."""
    DROP = "drop"
    """Nothing."""
    STEPS = "steps"
    """Every reply where it was sampled; the action's weight is divided among them."""


class Scope(StrEnum):
    """On which tokens the loss is taken."""

    CURRENT_ACTION = "current_action"
    """The action that the weight belongs to; as the paper has it."""
    ALL_ASSISTANT = "all_assistant"
    """The earlier actions of the conversation too, with this action's weight."""
    ALL_TOKENS = "all_tokens"
    """Instructions and feedback as well: what the released code in fact trains."""


class Source(StrEnum):
    """Where token ids come from."""

    SAMPLED = "sampled"
    """The collection; text is tokenised only where it kept none."""
    TEXT = "text"
    """The text: for a model with another tokeniser than the one that collected."""


class Scheme(StrEnum):
    """What is trained, and in which precision; `weights` has the table."""

    LORA = "lora"
    FULL = "full"
    FULL_8BIT = "full-8bit"
    FULL_BF16 = "full-bf16"

    @property
    def learning_rate(self) -> float:
        """Where to start from for a model of some billion parameters."""
        return 1e-4 if self is Scheme.LORA else 1e-5


class DatasetConfig(Record):
    """`w4s dataset`."""

    runs: Annotated[
        tuple[Path, ...],
        Asked("which runs? w4s dataset RUN… --out FOLDER takes folders of w4s collect"),
    ] = Field(description="Folders of w4s collect; several are merged.", min_length=1)
    out: Annotated[Path, Asked("where to? add --out FOLDER")] = Field(
        description="Folder of the data set."
    )
    temperature: Positive = Field(
        default=0.4,
        description="τ of the weights exp(r / τ). Lower it to lean more on the best actions.",
    )
    selection: Selection = Field(
        default=Selection.ALL, description="all actions that ran, or best: those that advanced."
    )
    weighting: Weighting = Field(
        default=Weighting.EXPONENTIAL,
        description="exponential, or one: all weights 1, to compare with.",
    )
    reward: Reward = Field(
        default=Reward.COLLECTED,
        description="collected (1, 0.5, 0), margin, continuous, advantage (within the turn) or"
        " task_advantage (within all that was collected on the task). Another one when accuracies"
        " are noisy or few actions earn anything.",
    )
    noise: float = Field(default=0.02, ge=0, description="What reward=margin takes for noise.")
    repaired: Repaired = Field(
        default=Repaired.FINAL, description="What repaired actions teach: final, drop or steps."
    )
    form: Literal["full", "compact"] | None = Field(
        default=None,
        description="Prompts of the collection, for repaired=steps; default: as the runs say.",
    )
    tasks: tuple[str, ...] = Field(default=(), description="Only these tasks.")
    turns: tuple[Count, ...] = Field(default=(), description="Only these turns, counted from 1.")
    minimum_accuracy: Share = Field(
        default=0.0, description="Leave out actions below this accuracy."
    )
    reward_above: float | None = Field(
        default=None,
        description="Leave out actions that earn this or less. exp(0 / τ) is 1: where few earn"
        " anything, the others drown them.",
    )
    replay: float = Field(
        default=0.0,
        ge=0,
        description="Programs of the grammar's corpus to mix in, for each collected example. 0.3"
        " for small meta-agents, which otherwise forget how a task is read.",
    )
    model: str | None = Field(
        default=None,
        description="Checkpoint whose tokeniser measures lengths; default: the meta-agent of the"
        " runs where it was a checkpoint here, else lengths are counted in characters.",
    )
    max_tokens: Count = Field(
        default=32768,
        description="Longest example, in tokens of that model; longer ones are left out.",
    )


class TrainConfig(Record):
    """`w4s train`."""

    examples: Annotated[
        Path, Asked("which data set? w4s train FOLDER --model CHECKPOINT --run FOLDER")
    ] = Field(description="The data set: a file of `w4s dataset`, or its folder.")
    model: Annotated[str, Asked("which model? add --model CHECKPOINT, such as small")] = Field(
        description="Checkpoint to start from: a folder, a name on the hub, or `small`."
    )
    run: Annotated[Path, RUN_FOLDER] = Field(
        description="Folder of the run. The same command on the same folder goes on."
    )
    scheme: Scheme = Field(
        default=Scheme.LORA,
        description="lora, full, full-8bit or full-bf16. Full when adapters stop short of what"
        " the data teaches; the 8-bit ones when a full run does not fit.",
    )
    scope: Scope = Field(
        default=Scope.CURRENT_ACTION,
        description="Tokens in the loss. all_assistant and all_tokens are there to compare with.",
    )
    source: Source = Field(
        default=Source.SAMPLED,
        description="Where token ids come from. text, when another model collected.",
    )
    max_tokens: Count | None = Field(
        default=None,
        description="Longest example; longer ones are left out. Lower it when memory runs out;"
        " default: the model's own limit.",
    )
    epochs: Count = Field(
        default=4, description="Passes over the data. Fewer when evaluation loss rises."
    )
    examples_per_step: Count = Field(
        default=16,
        description="Examples an optimiser step learns from, at least; episodes stay whole.",
    )
    tokens_per_pass: Count = Field(
        default=16384, description="Tokens computed at a time. Lower it when memory runs out."
    )
    learning_rate: Positive | None = Field(
        default=None,
        description="Peak. Raise it for small models (1e-3) and small steps; default: by scheme,"
        " 1e-4 for lora, 1e-5 for the others.",
    )
    warm_up: Share = Field(
        default=0.04,
        description="Share of the steps before the peak. More when the start is rough.",
    )
    weight_decay: float = Field(
        default=0.0, ge=0, description="Of AdamW. Seldom needed in few epochs."
    )
    clip: Positive = Field(
        default=1.0, description="Longest gradient. Lower it when the loss jumps."
    )
    lora_rank: Count = Field(
        default=64, description="Rank of the adapters. Lower it for little data."
    )
    checkpointing: bool = Field(
        default=True, description="Compute layers twice to save memory. Off when everything fits."
    )
    evaluation_share: Annotated[float, Field(ge=0, le=0.5)] = Field(
        default=0.05, description="Share of the episodes held out to watch. 0 when data is scarce."
    )
    evaluate_every: Count = Field(
        default=20, description="Steps between evaluations; the last counts."
    )
    save_every: Count = Field(
        default=50, description="Steps between checkpoints: what a kill can cost at most."
    )
    self_check: bool = Field(
        default=True,
        description="Compare trie and plain computation before training. Off only after it"
        " has passed on this machine with this model.",
    )
    seed: Seed = Field(default=0, description="Another seed is an independent repetition.")
    track: Tracking = Field(
        default=("tensorboard",),
        description="Where each step is shown too: tensorboard, trackio, wandb or mlflow; each is"
        " an extra of that name. train.jsonl is whole without.",
    )

    @classmethod
    def free(cls) -> frozenset[str]:
        return frozenset(
            {"run", "examples", "checkpointing", "evaluate_every", "save_every", "track"}
        )

    @property
    def peak(self) -> float:
        """The learning rate after the warm-up."""
        return self.learning_rate or self.scheme.learning_rate
