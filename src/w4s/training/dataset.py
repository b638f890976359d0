"""Trajectories to weighted examples.

In: trajectories, and what to keep of them. Out: Examples, one per kept action, with the weight
exp(r / τ) of reward-weighted regression; as JSON lines with a data card, which the Hugging Face
`datasets` library reads as they are. Token ids are passed on as they were sampled; making them
is left to `tokens`.
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from w4s import reward as rewards
from w4s.codec import decode, encode
from w4s.errors import ConfigError, StoreError
from w4s.meta_agent import Form, repair_request
from w4s.training.settings import DatasetConfig, Repaired, Reward, Selection, Weighting
from w4s.types import Attempt, Example, Message, Proposal, Trajectory, Turn

FILE = "examples.jsonl"
"""The name of a data set's file in its folder."""
MOST_EXPONENT = 50.0
"""Of a weight exp(r / τ): sums and squares of such weights stay within single precision."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What goes into a data set."""

    temperature: float = 0.4
    """τ of the weights."""
    selection: Selection = Selection.ALL
    weighting: Weighting = Weighting.EXPONENTIAL
    reward: Reward = Reward.COLLECTED
    noise: float = 0.02
    """The margin, when the reward is `margin`."""
    repaired: Repaired = Repaired.FINAL
    form: Form = Form.FULL
    """How the collecting meta-agent was shown its errors; for `Repaired.STEPS`."""
    tasks: tuple[str, ...] = ()
    """Only these tasks; all when empty."""
    turns: tuple[int, ...] = ()
    """Only these turns, counted from 0; all when empty."""
    minimum_accuracy: float = 0.0
    reward_above: float | None = None
    """Only actions that earn more than this; all when None."""

    @classmethod
    def of(cls, config: DatasetConfig) -> Choices:
        """As the settings of the command say."""
        return cls(
            config.temperature,
            config.selection,
            config.weighting,
            config.reward,
            config.noise,
            config.repaired,
            Form(config.form or Form.FULL),
            config.tasks,
            tuple(turn - 1 for turn in config.turns),
            config.minimum_accuracy,
            config.reward_above,
        )


def examples(
    trajectory: Trajectory,
    *,
    temperature: float = 0.4,
    choices: Choices | None = None,
    peers: Sequence[float] = (),
) -> list[Example]:
    """One example per kept action (several with `Repaired.STEPS`); `choices` says which, and
    its temperature then counts. `peers`: the accuracies that `Reward.TASK_ADVANTAGE` compares
    with; those of this trajectory when empty."""
    choices = choices or Choices(temperature)
    peers = peers or _accuracies(trajectory)
    if choices.tasks and trajectory.task not in choices.tasks:
        return []
    name = _name(trajectory)
    return [
        example
        for number, turn in enumerate(trajectory.turns)
        if not choices.turns or number in choices.turns
        for attempt in _selected(turn, choices)
        for example in _of_attempt(trajectory.task, name, number, turn, attempt, choices, peers)
    ]


def rewarded(turn: Turn, reward: Reward, noise: float = 0.02) -> Turn:
    """The turn with the rewards of another rule. An episode goes on by accuracy alone, so its
    rewards may be changed when it is over. What never ran is not learned from and keeps its own."""
    peers = _of_turn(turn)
    attempts = (
        replace(a, reward=_reward(turn, a, reward, noise, peers)) if a.evaluation.ran else a
        for a in turn.attempts
    )
    return replace(turn, attempts=tuple(attempts))


def collect_examples(trajectories: Iterable[Trajectory], choices: Choices) -> list[Example]:
    """The examples of many episodes, in the order of their names: which of them ended first, or
    which run was named first, changes nothing. An episode that stands there twice counts once, so
    that runs can be merged without care."""
    named = {_name(trajectory): trajectory for trajectory in trajectories}
    once = [named[name] for name in sorted(named)]
    reached: dict[str, list[float]] = defaultdict(list)
    for trajectory in once:
        reached[trajectory.task] += _accuracies(trajectory)
    return [
        example
        for trajectory in once
        for example in examples(trajectory, choices=choices, peers=reached[trajectory.task])
    ]


def groups(found: Iterable[Example]) -> list[list[Example]]:
    """The examples by episode, in the order in which the episodes first appear."""
    by_name: dict[str, list[Example]] = {}
    for example in found:
        by_name.setdefault(example.trajectory, []).append(example)
    return list(by_name.values())


def write_examples(path: Path, found: Iterable[Example]) -> None:
    """One JSON object a line. The file appears as a whole or not at all; StoreError then."""
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("wb") as file:
            for example in found:
                file.write(encode(example) + b"\n")
        partial.replace(path)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}") from error


def find_examples(path: Path) -> Path:
    """The file of a data set, from itself or its folder. ConfigError where none can be read."""
    file = path / FILE if path.is_dir() else path
    try:
        file.open("rb").close()
    except OSError as error:
        raise ConfigError(
            f"no data set at {file}: {error.strerror}; w4s dataset makes one"
        ) from None
    return file


def read_examples(path: Path) -> Iterator[Example]:
    """The examples of a file. StoreError names the line that is none."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    yield decode(Example, line)
                except StoreError as error:
                    raise StoreError(f"{path}, line {number}: {error}") from None
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from error


def _name(trajectory: Trajectory) -> str:
    """Task and digest of everything that was said: equal episodes have equal names."""
    digest = hashlib.sha256(trajectory.task.encode())
    for turn in trajectory.turns:
        for attempt in turn.attempts:
            for part in (*attempt.proposal.prompt, Message("assistant", attempt.proposal.reply)):
                digest.update(f"\x00{part.role}\x01{part.content}".encode("utf-8", "replace"))
    return f"{trajectory.task}-{digest.hexdigest()[:12]}"


def _accuracies(trajectory: Trajectory) -> list[float]:
    return [accuracy for turn in trajectory.turns for accuracy in _of_turn(turn)]


def _of_turn(turn: Turn) -> list[float]:
    return [a.evaluation.accuracy for a in turn.attempts if a.evaluation.ran]


def _selected(turn: Turn, choices: Choices) -> list[Attempt]:
    kept = turn.attempts if choices.selection is Selection.ALL else (turn.chosen,)
    return [
        attempt
        for attempt in kept
        if attempt is not None
        and attempt.evaluation.ran
        and attempt.evaluation.accuracy >= choices.minimum_accuracy
        and not (choices.repaired is Repaired.DROP and attempt.proposal.repairs)
    ]


def _of_attempt(
    task: str,
    name: str,
    number: int,
    turn: Turn,
    attempt: Attempt,
    choices: Choices,
    peers: Sequence[float],
) -> list[Example]:
    reward = _reward(turn, attempt, choices.reward, choices.noise, peers)
    if choices.reward_above is not None and reward <= choices.reward_above:
        return []
    weight = 1.0 if choices.weighting is Weighting.ONE else _weight(reward, choices.temperature)
    proposal, accuracy = attempt.proposal, attempt.evaluation.accuracy
    if choices.repaired is Repaired.STEPS and proposal.repairs:
        steps = _steps(proposal, choices.form)
        return [
            Example(prompt, reply, weight / len(steps), reward, accuracy, task, name, number)
            for prompt, reply in steps
        ]
    return [
        Example(
            proposal.prompt,
            proposal.reply,
            weight,
            reward,
            accuracy,
            task,
            name,
            number,
            proposal.prompt_ids,
            proposal.reply_ids,
        )
    ]


def _weight(reward: float, temperature: float) -> float:
    """exp(r / τ). ConfigError where it leaves what training can count with."""
    if reward / temperature > MOST_EXPONENT:
        raise ConfigError(
            f"at --temperature {temperature:g} a reward of {reward:.2g} weighs more than training"
            f" can count with; take {reward / MOST_EXPONENT:.2g} or more"
        )
    return math.exp(reward / temperature)


def _reward(
    turn: Turn, attempt: Attempt, reward: Reward, noise: float, peers: Sequence[float]
) -> float:
    accuracy = attempt.evaluation.accuracy
    best, last = turn.state.best.accuracy, turn.state.last.accuracy
    match reward:
        case Reward.COLLECTED:
            return attempt.reward
        case Reward.MARGIN:
            return rewards.margin(accuracy, best, last, noise=noise)
        case Reward.CONTINUOUS:
            return rewards.continuous(accuracy, best)
        case Reward.ADVANTAGE:
            return rewards.advantage(accuracy, _of_turn(turn))
        case Reward.TASK_ADVANTAGE:
            return rewards.advantage(accuracy, peers)


def _steps(proposal: Proposal, form: Form) -> Sequence[tuple[tuple[Message, ...], str]]:
    """The conversation of a repaired action: each reply with what came before it."""
    steps: list[tuple[tuple[Message, ...], str]] = []
    prompt = proposal.prompt
    for repair in proposal.repairs:
        steps.append((prompt, repair.reply))
        prompt = (*prompt, Message("assistant", repair.reply), repair_request(repair.error, form))
    return [*steps, (prompt, proposal.reply)]
