"""ADAS and AFlow in the real sandbox, with a scripted proposer: what it is shown, what is kept,
bad programs, refusals, and going on behind stored turns."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from programs import BAD, GOOD, solves_below
from w4s.environment import Environment
from w4s.errors import ProviderError, Rejected
from w4s.meta_agent import MetaAgent
from w4s.methods import METHODS, PUBLISHED
from w4s.methods.adas import fitness
from w4s.methods.aflow import CONVERGED_ROUNDS, converged, mixed_probabilities
from w4s.models.base import Choice, Purpose, Reply, Request
from w4s.sandbox.base import Limits
from w4s.tasks.base import Brief, Interface, SearchSet
from w4s.types import Message, State, Turn, Usage, Workflow
from world import Answer, Answering, asked_number, problems, right, world

PRIVATE, PUBLIC = problems(0, 20), problems(100, 4)
BRIEF = Brief("plus_one", "Add one.", Interface.ANSWER, PUBLIC[0], "101", "accuracy")
EXAMPLES = tuple(
    Workflow(solves_below(limit).strip() + "\n", name)
    for limit, name in ((4, "four"), (8, "eight"))
)

Propose = Callable[[Request, int], str]
"""From a request and the number of the choice to a reply."""


def reply(code: str, thought: str = "I would try this.") -> str:
    return f"{thought}\n```python\n{code.strip()}\n```"


def rising(request: Request, choice: int) -> str:
    """A better workflow in every turn."""
    limit = 9 + 2 * request.identity.trial + choice
    return reply(solves_below(limit), f"I raise the limit to {limit}.")


async def search(
    method: str,
    propose: Propose,
    *,
    turns: int = 3,
    samples: int = 1,
    done: Sequence[Turn] = (),
    trials: int = 1,
    answer: Answer = right,
    seed: int = 0,
) -> tuple[State, list[Turn], Answering]:
    meta = Answering(lambda messages, seed: "")

    async def complete(request: Request) -> Reply:
        meta.requests.append(request)
        texts = [propose(request, choice) for choice in range(request.n)]
        return Reply(tuple(Choice(text) for text in texts), Usage(1, 0, 100, 50, 0.0))

    meta.complete = complete  # type: ignore[method-assign]
    async with world(answer, Limits(seconds=1, memory_mb=512)) as w:
        env = Environment(w.evaluator, SearchSet(PRIVATE, PUBLIC), EXAMPLES, trials=trials)
        begin = await env.begin()
        run = METHODS[method](
            env, MetaAgent(meta, BRIEF, seed=seed), begin, turns=turns, samples=samples, done=done
        )
        return begin, [turn async for turn in run], meta


def asked(meta: Answering, turn: int) -> list[str]:
    """The conversations of a turn, in order."""
    return [
        "\n".join(m.content for m in r.messages)
        for r in meta.requests
        if r.identity.trial == turn and r.identity.purpose is Purpose.PROPOSE
    ]


@pytest.mark.parametrize("method", ["adas", "aflow"])
def test_what_runs_is_measured_and_the_best_so_far_rises(method: str) -> None:
    _, turns, _ = asyncio.run(search(method, rising))
    assert [t.attempts[0].evaluation.accuracy for t in turns] == [0.45, 0.55, 0.65]
    assert [t.state.best.accuracy for t in turns] == [0.4, 0.45, 0.55]
    assert [t.attempts[0].reward for t in turns] == [1, 1, 1]


@pytest.mark.parametrize("method", ["adas", "aflow"])
def test_a_turn_in_which_nothing_runs_is_survived(method: str) -> None:
    def propose(request: Request, choice: int) -> str:
        return "I would rather not." if request.identity.trial == 0 else reply(GOOD)

    _, turns, meta = asyncio.run(search(method, propose, turns=2))
    assert not turns[0].attempts
    assert turns[0].dropped[0].error
    assert turns[1].attempts[0].evaluation.accuracy == 1
    repairs = [r for r in meta.requests if r.identity.purpose is Purpose.REPAIR]
    assert len(repairs) == 3


@pytest.mark.long
@pytest.mark.parametrize("method", ["adas", "aflow"])
def test_every_bad_program_is_dropped_and_harms_no_other(method: str) -> None:
    codes = [code for code, _, _ in BAD.values()]
    first = iter([*codes, GOOD])

    def propose(request: Request, choice: int) -> str:
        said = request.messages[-2]
        if said.role == "assistant":
            return said.content  # reflection and repair change nothing
        return reply(next(first, GOOD))

    _, turns, _ = asyncio.run(search(method, propose, turns=2, samples=len(codes) + 1))
    dropped = {p.reply: p for p in turns[0].dropped}
    unread = {"syntax error": "SyntaxError", "no solver": "`solver`"}  # never came to run
    for name, (code, status, _) in BAD.items():
        proposal = dropped[reply(code)]
        assert unread.get(name, status) in proposal.error, name
        assert len(proposal.repairs) == 3
    [attempt] = turns[0].attempts
    assert attempt.evaluation.accuracy == 1
    assert [a.evaluation.accuracy for a in turns[1].attempts] == [1] * (len(codes) + 1)


@pytest.mark.parametrize("method", ["adas", "aflow"])
def test_a_refused_prompt_costs_one_turn(method: str) -> None:
    def propose(request: Request, choice: int) -> str:
        if request.identity.trial == 0:
            raise Rejected("context too long")
        return reply(GOOD)

    _, turns, _ = asyncio.run(search(method, propose, turns=2))
    assert "context too long" in turns[0].dropped[0].error
    assert turns[1].attempts[0].evaluation.accuracy == 1


@pytest.mark.parametrize("method", ["adas", "aflow"])
def test_faults_of_the_provider_are_no_wrong_answers(method: str) -> None:
    def answer(messages: Sequence[Message], seed: int) -> str:
        if asked_number(messages) == 3:
            raise ProviderError("500 for good")
        return right(messages, seed)

    _, turns, _ = asyncio.run(search(method, lambda r, k: reply(GOOD), turns=1, answer=answer))
    [attempt] = turns[0].attempts
    assert attempt.evaluation.accuracy == 1
    assert len(attempt.evaluation.scored) == 19


@pytest.mark.parametrize("method", ["adas", "aflow"])
@pytest.mark.parametrize("samples", [pytest.param(1, marks=pytest.mark.long), 2])
def test_a_search_goes_on_behind_its_stored_turns(method: str, samples: int) -> None:
    _, whole, meta = asyncio.run(search(method, rising, turns=2, samples=samples))
    _, rest, again = asyncio.run(search(method, rising, turns=2, samples=samples, done=whole[:1]))
    assert [t.state for t in rest] == [t.state for t in whole[1:]]
    assert [[a.proposal for a in t.attempts] for t in rest] == [
        [a.proposal for a in t.attempts] for t in whole[1:]
    ]
    assert Counter(asked(meta, 1)) == Counter(asked(again, 1))


def test_adas_shows_the_whole_archive_and_reflects_twice() -> None:
    _, _, meta = asyncio.run(search("adas", rising))
    draft, review, polish = asked(meta, 2)
    for name in ("four", "eight", "turn 1, sample 1", "turn 2, sample 1"):
        assert f"## {name}\n" in draft
    assert "I raise the limit to 11." in draft
    assert "median 55.0 %, 95 % bootstrap interval" in draft
    assert "First look back" in review
    assert review.startswith(draft)
    assert "Second look back" in polish
    assert polish.startswith(review)


def test_adas_makes_several_designs_from_one_archive() -> None:
    _, turns, meta = asyncio.run(search("adas", rising, turns=1, samples=3))
    names = [a.workflow.name for a in turns[0].attempts]
    assert names == ["turn 1, sample 1", "turn 1, sample 2", "turn 1, sample 3"]
    assert meta.requests[0].n == 3


def test_adas_fitness_is_the_bootstrap() -> None:
    assert fitness([1.0] * 70 + [0.0] * 30) == (
        "median 70.0 %, 95 % bootstrap interval 61.0 % to 79.0 %"
    )
    assert fitness([]) == "not measured"


def test_aflow_tells_a_parent_what_was_tried_on_it() -> None:
    def propose(request: Request, choice: int) -> str:
        limit = (12, 6, 5, 3)[request.identity.trial]
        return reply(solves_below(limit), f"I set the limit to {limit}.")

    _, turns, meta = asyncio.run(search("aflow", propose, turns=4))
    assert "Nothing has been tried on it yet" in asked(meta, 0)[0]
    told = "\n".join(c for turn in range(len(turns)) for c in asked(meta, turn))
    assert "It did not help (60.0 % before, 30.0 % after): I set the limit to 6." in told


def test_aflow_samples_anew_what_the_tree_has_already() -> None:
    codes = iter([solves_below(8), solves_below(8), solves_below(12)])
    _, [turn], meta = asyncio.run(search("aflow", lambda r, k: reply(next(codes)), turns=1))
    assert turn.attempts[0].evaluation.accuracy == 0.6
    assert [r.identity.occurrence for r in meta.requests] == [0, 1, 2]


def test_aflow_ends_when_nothing_rises() -> None:
    _, turns, _ = asyncio.run(search("aflow", lambda r, k: reply(solves_below(2)), turns=20))
    assert len(turns) == CONVERGED_ROUNDS
    _, none, _ = asyncio.run(
        search("aflow", lambda r, k: reply(solves_below(2)), turns=20, done=turns)
    )
    assert none == []


@pytest.mark.parametrize(
    ("history", "ended"),
    [
        ([0.5] * 5, False),
        ([0.5] * 6, True),
        ([0.5, 0.5, 0.5, 0.5, 0.5, 0.6], False),
        ([0.4, 0.6, 0.6, 0.6, 0.6, 0.6], False),
        ([0.4, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6], True),
    ],
)
def test_convergence(history: list[float], ended: bool) -> None:
    assert converged(history) is ended


def test_the_mixture_keeps_a_chance_for_all_and_prefers_the_best() -> None:
    chances = mixed_probabilities([0.9, 0.8, 0.2])
    assert chances.sum() == pytest.approx(1)
    assert chances[2] == pytest.approx(0.2 / 3, abs=1e-6)
    assert chances[0] > 0.8 * 0.98
    assert mixed_probabilities([0.5, 0.5]).tolist() == [0.5, 0.5]


def test_repeated_validation_is_one_evaluation_over_all_trials() -> None:
    _, turns, _ = asyncio.run(search("aflow", rising, turns=1, trials=3))
    [attempt] = turns[0].attempts
    assert len(attempt.evaluation.outcomes) == 3 * len(PRIVATE)
    assert attempt.evaluation.accuracy == pytest.approx(0.45)


@pytest.mark.parametrize("interface", list(Interface))
@pytest.mark.parametrize("method", METHODS)
def test_every_method_has_published_settings_and_examples(
    method: str, interface: Interface
) -> None:
    published = PUBLISHED[method]
    assert published.turns >= 10
    for workflow in published.examples(interface):
        assert ("entry_point" in workflow.code) is (interface is Interface.CODE)


def test_adas_counts_every_trial_of_the_first_designs() -> None:
    _, _, meta = asyncio.run(search("adas", rising, turns=1, trials=3))
    assert fitness([1.0] * 24 + [0.0] * 36) in asked(meta, 0)[0]


def test_aflow_draws_other_parents_with_another_seed() -> None:
    def refuse(request: Request, choice: int) -> str:
        return "I would rather not."

    drawn = set()
    for seed in range(3):
        _, _, meta = asyncio.run(search("aflow", refuse, turns=1, samples=12, seed=seed))
        drawn.add(tuple(asked(meta, 0)))
    assert len(drawn) > 1
