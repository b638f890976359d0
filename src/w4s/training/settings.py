"""The settings of data sets and training runs.

Imports no torch, so that a command can show them at once.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field

from w4s.config import Count, Record, Share
from w4s.meta_agent import Form
from w4s.training.dataset import Choices, Repaired, Reward, Selection, Weighting
from w4s.training.tokens import Scope, Source

Positive = Annotated[float, Field(gt=0)]


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

    out: Path = Field(description="Folder of the data set.")
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
        description="collected (1, 0.5, 0), margin, continuous or advantage. Another one when"
        " accuracies are noisy.",
    )
    noise: float = Field(default=0.02, ge=0, description="What reward=margin takes for noise.")
    repaired: Repaired = Field(
        default=Repaired.FINAL, description="What repaired actions teach: final, drop or steps."
    )
    form: Form = Field(default=Form.FULL, description="Prompts of the collection: full or compact.")
    tasks: tuple[str, ...] = Field(default=(), description="Only these tasks.")
    turns: tuple[int, ...] = Field(default=(), description="Only these turns, counted from 1.")
    minimum_accuracy: Share = Field(
        default=0.0, description="Leave out actions below this accuracy."
    )
    model: str | None = Field(
        default=None,
        description="Checkpoint whose tokeniser measures lengths; default: no tokens counted.",
    )
    max_tokens: Count = Field(
        default=32768,
        description="Longest example, in tokens of that model; longer ones are left out.",
    )

    @property
    def choices(self) -> Choices:
        """What goes into the data set."""
        return Choices(
            self.temperature,
            self.selection,
            self.weighting,
            self.reward,
            self.noise,
            self.repaired,
            self.form,
            self.tasks,
            tuple(turn - 1 for turn in self.turns),
            self.minimum_accuracy,
        )


class TrainConfig(Record):
    """`w4s train`."""

    examples: Path = Field(description="The data set: a file of `w4s dataset`, or its folder.")
    model: str = Field(description="Checkpoint to start from: a folder, or a name on the hub.")
    run: Path = Field(description="Folder of the run. The same command on the same folder goes on.")
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
    seed: int = Field(default=0, ge=0, description="Another seed is an independent repetition.")

    @classmethod
    def free(cls) -> frozenset[str]:
        return frozenset({"run", "examples", "checkpointing", "evaluate_every", "save_every"})

    @property
    def peak(self) -> float:
        """The learning rate after the warm-up."""
        return self.learning_rate or self.scheme.learning_rate
