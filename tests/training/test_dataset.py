"""Trajectories to weighted examples."""

import math
import random
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from w4s.errors import ConfigError, StoreError
from w4s.meta_agent import Form, repair_request
from w4s.reward import advantage, continuous, margin
from w4s.training.card import Lengths, card, histogram, picture, statistics
from w4s.training.dataset import (
    Choices,
    collect_examples,
    examples,
    groups,
    read_examples,
    rewarded,
    write_examples,
)
from w4s.training.replay import with_replay
from w4s.training.settings import DatasetConfig, Repaired, Reward, Selection, Weighting
from w4s.types import Message, Trajectory


def test_one_example_per_action_that_ran(trajectory: Trajectory) -> None:
    found = examples(trajectory, temperature=0.4)

    assert [e.reply for e in found] == ["plan a\nbest", "plan b", "plan d", "plan e", "plan e"]
    assert [e.turn for e in found] == [0, 0, 1, 1, 1]
    assert len({e.trajectory for e in found}) == 1
    assert found[2].prompt[:2] == found[0].prompt
    assert found[2].prompt[2] == Message("assistant", "plan a\nbest")


def test_weights_of_the_paper() -> None:
    weights = [math.exp(r / Choices().temperature) for r in (1.0, 0.5, 0.0)]
    assert [round(w, 2) for w in weights] == [12.18, 3.49, 1.0]


def test_weights(trajectory: Trajectory) -> None:
    found = examples(trajectory, temperature=0.4)
    assert [e.weight for e in found] == [math.exp(e.reward / 0.4) for e in found]


@pytest.mark.parametrize(
    ("choices", "replies"),
    [
        (Choices(selection=Selection.BEST), ["plan a\nbest", "plan d"]),
        (Choices(turns=(1,), selection=Selection.BEST), ["plan d"]),
        (Choices(tasks=("other",)), []),
        (Choices(minimum_accuracy=0.7), ["plan a\nbest", "plan d"]),
        (Choices(repaired=Repaired.DROP, minimum_accuracy=0.7), ["plan a\nbest"]),
    ],
)
def test_filters(trajectory: Trajectory, choices: Choices, replies: list[str]) -> None:
    assert [e.reply for e in examples(trajectory, choices=choices)] == replies


def test_weight_one(trajectory: Trajectory) -> None:
    found = examples(trajectory, choices=Choices(weighting=Weighting.ONE))
    assert {e.weight for e in found} == {1.0}


def test_a_repaired_action_in_steps_weighs_as_much_as_in_one_piece(trajectory: Trajectory) -> None:
    steps = [
        e
        for e in examples(trajectory, choices=Choices(repaired=Repaired.STEPS))
        if e.reply.startswith("plan d")
    ]
    assert [e.reply for e in steps] == ["plan d, broken", "plan d"]
    assert steps[1].prompt == (
        *steps[0].prompt,
        Message("assistant", "plan d, broken"),
        repair_request("NameError: x"),
    )
    assert sum(e.weight for e in steps) == pytest.approx(math.exp(1 / 0.4))


def test_reward_variants(trajectory: Trajectory) -> None:
    def rewards(reward: Reward) -> list[float]:
        return [e.reward for e in examples(trajectory, choices=Choices(reward=reward, noise=0.1))]

    assert rewards(Reward.MARGIN) == [1.0, 0.0, 0.0, 0.0, 0.0]
    assert rewards(Reward.CONTINUOUS)[:2] == [0.5, 0.0]
    assert rewards(Reward.ADVANTAGE)[:2] == pytest.approx([1.0, -1.0])


def test_reward_functions_at_their_edges() -> None:
    assert continuous(0.9, 0.0) == 1.0
    assert continuous(0.0, 0.0) == 0.0
    assert continuous(0.9, 0.1) == 1.0
    assert margin(0.55, 0.5, 0.4, noise=0.1) == 0.5
    assert advantage(0.51, [0.5, 0.51, 0.52, 0.51]) == pytest.approx(0.0)
    assert advantage(0.52, [0.5, 0.52]) == pytest.approx(0.2)


def test_advantage_over_all_episodes_of_a_task(
    make: Callable[..., Trajectory], attempt: Callable[..., Any]
) -> None:
    poor = make([[attempt("a", 0.2, 0.0), attempt("b", 0.4, 0.0)]])
    rich = make([[attempt("c", 0.6, 0.0), attempt("d", 0.8, 1.0)]])
    found = collect_examples([poor, rich], Choices(reward=Reward.TASK_ADVANTAGE))
    spread = 0.05**0.5
    assert sorted(e.reward for e in found) == pytest.approx(
        [-0.3 / spread, -0.1 / spread, 0.1 / spread, 0.3 / spread]
    )
    alone = examples(rich, choices=Choices(reward=Reward.TASK_ADVANTAGE))
    assert [e.reward for e in alone] == pytest.approx([-1.0, 1.0])


def test_one_action_far_above_many_does_not_take_all_weight() -> None:
    assert advantage(0.9, [0.1] * 30 + [0.9]) == 2.0
    assert advantage(0.1, [0.9] * 30 + [0.1]) == -2.0


def test_only_what_earned_something(trajectory: Trajectory) -> None:
    found = examples(trajectory, choices=Choices(reward_above=0.0))
    assert found == [e for e in examples(trajectory) if e.reward > 0]
    assert 0 < len(found) < len(examples(trajectory))


def test_an_episode_that_stands_there_twice_counts_once(
    trajectory: Trajectory, make: Callable[..., Trajectory], attempt: Callable[..., Any]
) -> None:
    other = make([[attempt("another", 0.9, 1.0)]])
    found = collect_examples([trajectory, other, trajectory], Choices())
    assert [len(group) for group in groups(found)] == [5, 1]


def test_files_keep_every_field(trajectory: Trajectory, tmp_path: Path) -> None:
    found = examples(trajectory)
    write_examples(tmp_path / "examples.jsonl", found)
    assert list(read_examples(tmp_path / "examples.jsonl")) == found


def test_a_bad_line_is_named(trajectory: Trajectory, tmp_path: Path) -> None:
    path = tmp_path / "examples.jsonl"
    write_examples(path, examples(trajectory))
    path.write_text(path.read_text() + '{"prompt": []}\n')
    with pytest.raises(StoreError, match=r"examples.jsonl, line 6"):
        list(read_examples(path))


def test_the_datasets_library_reads_it(trajectory: Trajectory, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    found = examples(trajectory)
    write_examples(tmp_path / "examples.jsonl", found)
    (tmp_path / "README.md").write_text(card("Toy", statistics(found), {}))
    loaded = datasets.load_dataset(str(tmp_path), cache_dir=str(tmp_path / "cache"))["train"]
    assert loaded["reply"][:] == [e.reply for e in found]
    assert loaded[0]["prompt"][1] == {"role": "user", "content": "Write a workflow."}


def test_statistics(trajectory: Trajectory) -> None:
    found = examples(trajectory)
    counted = statistics(found, [Lengths(10 + k, 4) for k in range(5)], too_long=3)

    assert (counted.examples, counted.trajectories, counted.duplicates) == (5, 1, 1)
    assert counted.rewards == {0.0: 3, 1.0: 2}
    assert counted.unrewarded == pytest.approx(3 / (3 + 2 * math.exp(1 / 0.4)))
    assert counted.turns == {0: 2, 1: 3}
    assert (counted.prompt.minimum, counted.prompt.maximum, counted.unit) == (10, 14, "tokens")
    assert "| too long, left out whole | 3 |" in card("Toy", counted, {"temperature": 0.4})


def test_the_picture_shows_every_reward(trajectory: Trajectory) -> None:
    counted = statistics(examples(trajectory))
    texts = [node.text for node in ET.fromstring(picture(counted.rewards)).iter()]
    assert {"0", "1", "3", "2"} <= set(texts)


def test_many_different_rewards_are_put_into_bins() -> None:
    bars = histogram({k / 100: 2 for k in range(100)}, bins=10)
    assert len(bars) == 10
    assert sum(count for _, count in bars) == 200


def test_statistics_of_nothing() -> None:
    assert statistics([]).examples == 0
    assert statistics([]).unrewarded == 0
    assert picture({}).startswith("<svg")


def test_every_setting_of_the_command_is_heeded(tmp_path: Path) -> None:
    asked = {
        "temperature": 0.7,
        "selection": Selection.BEST,
        "weighting": Weighting.ONE,
        "reward": Reward.MARGIN,
        "noise": 0.3,
        "repaired": Repaired.DROP,
        "form": Form.COMPACT,
        "tasks": ("toy",),
        "minimum_accuracy": 0.2,
        "reward_above": 0.1,
    }
    config = DatasetConfig.resolve({"runs": (tmp_path,), "out": tmp_path, "turns": (1, 3), **asked})
    assert Choices.of(config) == Choices(turns=(0, 2), **asked)  # type: ignore[arg-type]


def test_the_minimum_accuracy_itself_is_enough(trajectory: Trajectory) -> None:
    found = examples(trajectory, choices=Choices(minimum_accuracy=0.6))
    assert [e.reply for e in found] == ["plan a\nbest", "plan d", "plan e", "plan e"]


def test_what_never_ran_is_no_peer_and_needs_none(
    make: Callable[..., Trajectory], attempt: Callable[..., Any]
) -> None:
    dead = attempt("c", 0.0, 0.0, ran=False)
    [turn, nothing] = make([[attempt("a", 0.4, 0.0), attempt("b", 0.6, 1.0), dead], [dead]]).turns
    assert [a.reward for a in rewarded(turn, Reward.ADVANTAGE).attempts] == pytest.approx(
        [-1.0, 1.0, 0.0]
    )
    assert [a.reward for a in rewarded(nothing, Reward.ADVANTAGE).attempts] == [0.0]


def test_episodes_that_differ_in_their_replies_alone_both_count(
    make: Callable[..., Trajectory], attempt: Callable[..., Any]
) -> None:
    one, other = make([[attempt("a", 0.9, 1.0)]]), make([[attempt("b", 0.9, 1.0)]])
    assert {e.reply for e in collect_examples([one, other], Choices())} == {"a", "b"}


def test_a_weight_that_training_cannot_count_with_is_refused(
    make: Callable[..., Trajectory], attempt: Callable[..., Any]
) -> None:
    episode = make([[attempt("a", 0.9, 1.0)]])
    with pytest.raises(ConfigError, match=r"take 0\.02 or more"):
        collect_examples([episode], Choices(temperature=0.001))
    [example] = collect_examples([episode], Choices(temperature=0.02))
    assert example.weight == pytest.approx(math.exp(50))
    [alike] = collect_examples([episode], Choices(0.001, weighting=Weighting.ONE))
    assert alike.weight == 1


def test_practice_is_counted_apart(trajectory: Trajectory) -> None:
    found = collect_examples([trajectory], Choices())
    mixed = statistics(with_replay(found, random.Random(0), share=1.0))
    plain = statistics(found)
    assert (mixed.examples, mixed.practice) == (2 * len(found), len(found))
    assert plain.practice == 0
    for name in ("trajectories", "tasks", "turns", "rewards", "unrewarded", "accuracy"):
        assert getattr(mixed, name) == getattr(plain, name), name


def test_which_episode_ended_first_changes_nothing(
    make: Callable[..., Trajectory], attempt: Callable[..., Any]
) -> None:
    episodes = [make([[attempt(reply, 0.1 * n, 0.0)]]) for n, reply in enumerate("abcdefg")]
    choices = Choices(reward=Reward.TASK_ADVANTAGE)
    found = collect_examples(episodes, choices)
    assert len(found) == len(episodes)
    assert collect_examples(episodes[::-1], choices) == found
    assert collect_examples(episodes[3:] + episodes[:3], choices) == found
