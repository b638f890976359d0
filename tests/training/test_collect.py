"""Episodes side by side, on training problems, and again after a stop."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from programs import GOOD, solves_below
from w4s.environment import Environment
from w4s.errors import ConfigError, TooManyUnscored
from w4s.meta_agent import MetaAgent
from w4s.store import Journal
from w4s.tasks.base import Brief, Interface, SearchSet, Sizes
from w4s.tasks.toy import load_toy
from w4s.training.collect import Collected, Episode, collect, episode_problems, plan_episodes
from w4s.training.dataset import Choices, collect_examples
from w4s.types import Message, Workflow
from world import Answering, broken_on_threes, problems, right, world

EPISODES = plan_episodes(("a", "b"), 2, seed=1)
BRIEF = Brief("plus_one", "Add one.", Interface.ANSWER, problems(0, 1)[0], "1", "right")


def improves(messages: Sequence[Message], seed: int) -> str:
    """A meta-agent whose first turn is half right and whose second is right."""
    code = GOOD if any(m.role == "assistant" for m in messages) else solves_below(5)
    return f"Better.\n\n```python\n# {seed}\n{code}\n```"


def run(path: Path, answer: object = right, most: int = 99) -> list[Collected | TooManyUnscored]:
    """Collect into `path`, and stop behind `most` episodes."""

    async def main() -> list[Collected | TooManyUnscored]:
        yielded: list[Collected | TooManyUnscored] = []
        async with world(answer) as w:  # type: ignore[arg-type]

            def open_episode(episode: Episode) -> tuple[Environment, MetaAgent]:
                problem_set = SearchSet(problems(1 + episode.number, 8), problems(20, 2))
                env = Environment(w.evaluator, problem_set, (Workflow(solves_below(3)),))
                return env, MetaAgent(Answering(improves), BRIEF, episode.seed)

            with closing(Journal(path, Collected)) as journal:
                made = collect(EPISODES, open_episode, journal, samples=2, side_by_side=2)
                async for one in made:
                    yielded.append(one)
                    if len(yielded) == most:
                        await made.aclose()  # type: ignore[attr-defined]
                        break
        return yielded

    return asyncio.run(main())


def collected(path: Path) -> tuple[Collected, ...]:
    with closing(Journal(path, Collected)) as journal:
        return journal.records()


def test_every_episode_is_kept_with_all_its_actions(tmp_path: Path) -> None:
    run(tmp_path / "episodes.jsonl")
    found = collected(tmp_path / "episodes.jsonl")

    assert sorted((c.trajectory.task, c.number) for c in found) == [
        ("a", 0),
        ("a", 1),
        ("b", 0),
        ("b", 1),
    ]
    for one in found:
        assert [len(turn.attempts) for turn in one.trajectory.turns] == [2, 2]
        assert [turn.attempts[0].reward for turn in one.trajectory.turns] == [1.0, 1.0]
    assert len(collect_examples([c.trajectory for c in found], Choices())) == 16


def test_a_stopped_collection_makes_what_is_missing(tmp_path: Path) -> None:
    first = run(tmp_path / "episodes.jsonl", most=1)
    rest = run(tmp_path / "episodes.jsonl")
    assert len(first) == 1
    assert len(rest) == 2, "the one that was under way at the stop was kept"
    assert run(tmp_path / "episodes.jsonl") == []
    whole = tmp_path / "whole.jsonl"
    run(whole)

    def by_name(found: tuple[Collected, ...]) -> list[str]:
        return sorted(turn.attempts[0].proposal.reply for c in found for turn in c.trajectory.turns)

    assert by_name(collected(whole)) == by_name(collected(tmp_path / "episodes.jsonl"))


def test_an_episode_that_cannot_be_believed_is_left_out(tmp_path: Path) -> None:
    yielded = run(tmp_path / "episodes.jsonl", broken_on_threes)
    assert all(isinstance(one, TooManyUnscored) for one in yielded)
    assert len(yielded) == 4
    assert collected(tmp_path / "episodes.jsonl") == ()


def test_episodes_draw_other_training_problems_and_no_others() -> None:
    task = load_toy("toy_ledger")
    drawn = [episode_problems(task, e, private=20, public=4, seed=0) for e in EPISODES]
    assert drawn[0] == episode_problems(task, EPISODES[0], private=20, public=4, seed=0)
    assert drawn[0] != drawn[1]
    training = {problem.origin for problem in task.training}
    for found in drawn:
        origins = [problem.origin for problem in (*found.private, *found.public)]
        assert len(set(origins)) == 24
        assert set(origins) <= training
    assert not training & {p.origin for p in (*task.search.private, *task.search.public)}
    assert not training & task.sealed.origins()


def test_too_few_training_problems() -> None:
    with pytest.raises(ConfigError, match="needs 1100"):
        episode_problems(load_toy("toy_ledger"), EPISODES[0], private=1000, public=100, seed=0)


def test_episodes_take_turns_and_have_seeds_of_their_own() -> None:
    assert [(e.task, e.number) for e in EPISODES] == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]
    assert len({e.seed for e in EPISODES}) == 4


def test_no_public_problem_of_an_episode_shares_its_origin_with_a_private_one() -> None:
    task = load_toy("toy_ledger", sizes=Sizes(private=1, public=1, training=60, test=1))
    in_two_languages = tuple(
        replace(problem, origin=f"story {number // 2}")
        for number, problem in enumerate(task.training)
    )
    task = replace(task, training=in_two_languages)
    for episode in plan_episodes((task.name,), 20, seed=0):
        found = episode_problems(task, episode, private=20, public=8, seed=0)
        assert (len(found.private), len(found.public)) == (20, 8)
        assert not {p.origin for p in found.private} & {p.origin for p in found.public}
    with pytest.raises(ConfigError, match="too few training problems of other origins"):
        episode_problems(task, episode, private=50, public=8, seed=0)


def test_a_collection_that_is_cancelled_ends_at_once(tmp_path: Path) -> None:
    class Endless:
        async def begin(self) -> None:
            await asyncio.sleep(60)

    async def main() -> None:
        with closing(Journal(tmp_path / "episodes.jsonl", Collected)) as journal:
            made = collect(EPISODES, lambda episode: (Endless(), None), journal)  # type: ignore[arg-type, return-value]
            async with asyncio.timeout(0.1):
                async for _ in made:
                    pass

    start = time.monotonic()
    with pytest.raises(TimeoutError):
        asyncio.run(main())
    assert time.monotonic() - start < 10
