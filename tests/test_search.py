"""The decision process from a meta-agent's replies to turns."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from programs import GOOD, solves_below
from w4s.environment import Environment
from w4s.meta_agent import MetaAgent
from w4s.methods import METHODS
from w4s.models.base import Choice, Purpose, Reply, Request
from w4s.tasks.base import Brief, Interface, SearchSet
from w4s.types import State, Turn, Usage, Workflow
from world import Answering, problems, world

PRIVATE, PUBLIC = problems(0, 20), problems(100, 4)
BRIEF = Brief("plus_one", "Add one.", Interface.ANSWER, PUBLIC[0], "101", "accuracy")
EXAMPLES = (Workflow(solves_below(4), "four"), Workflow(solves_below(8), "eight"))


def reply(code: str) -> str:
    return f"I would try this.\n```python\n{code.strip()}\n```"


async def search(
    propose: Sequence[Sequence[str]],
    *,
    repair: Sequence[str] = (),
    method: str = "w4s",
    done: Sequence[Turn] = (),
    window: int = 2,
) -> tuple[State, list[Turn], Answering]:
    """Run a method with a meta-agent that answers turn i, sample k with `propose[i][k]`."""
    meta = Answering(lambda messages, seed: "")
    repairs = iter(repair)

    async def complete(request: Request) -> Reply:
        meta.requests.append(request)
        if request.identity.purpose is Purpose.REPAIR:
            texts = [next(repairs)]
        else:
            texts = list(propose[request.identity.trial])
        return Reply(tuple(Choice(text) for text in texts), Usage(1, 0, 100, 50, 0.0))

    meta.complete = complete  # type: ignore[method-assign]
    async with world() as w:
        env = Environment(w.evaluator, SearchSet(PRIVATE, PUBLIC), EXAMPLES, window)
        begin = await env.begin()
        agent = MetaAgent(meta, BRIEF, seed=0)
        run = METHODS[method](
            env, agent, begin, turns=len(propose), samples=len(propose[0]), done=done
        )
        return begin, [turn async for turn in run], meta


def shown(meta: Answering, turn: int) -> str:
    """All that the meta-agent was sent when it proposed in a turn."""
    [request] = [
        r
        for r in meta.requests
        if r.identity.purpose is Purpose.PROPOSE and r.identity.trial == turn
    ]
    return "\n".join(message.content for message in request.messages)


def test_the_examples_make_the_first_state() -> None:
    begin, _, meta = asyncio.run(search([[reply(GOOD)]]))
    assert [entry.accuracy for entry in begin.examples] == [0.2, 0.4]
    assert begin.best is begin.last
    assert begin.best.workflow.name == "eight"
    assert "eight: accuracy 40.0 %" in shown(meta, 0)
    assert "Add one." in shown(meta, 0)


def test_the_best_candidate_advances_and_all_are_kept_with_their_rewards() -> None:
    turn_1 = [reply(solves_below(n)) for n in (6, 12, 10)]
    turn_2 = [reply(solves_below(n)) for n in (11, 13, 5)]
    _, turns, meta = asyncio.run(search([turn_1, turn_2]))
    accuracies = [[a.evaluation.accuracy for a in turn.attempts] for turn in turns]
    assert accuracies == [[0.3, 0.6, 0.5], [0.55, 0.65, 0.25]]
    assert [[a.reward for a in turn.attempts] for turn in turns] == [[0, 1, 1], [0, 1, 0]]
    chosen = turns[0].chosen
    assert chosen is not None
    assert chosen.evaluation.accuracy == 0.6
    assert turns[1].state.best.accuracy == 0.6
    assert "60.0 %. It rose (+20.0 points)" in shown(meta, 1)


def test_half_a_reward_for_beating_only_the_previous_turn() -> None:
    script = [[reply(solves_below(n))] for n in (12, 6, 9)]
    _, turns, _ = asyncio.run(search(script))
    assert [turn.attempts[0].reward for turn in turns] == [1.0, 0.0, 0.5]
    assert turns[2].state.best.accuracy == 0.6
    assert turns[2].state.last.accuracy == 0.3


def test_the_conversation_is_rebuilt_every_two_turns() -> None:
    script = [[reply(solves_below(n))] for n in (5, 6, 7, 9)]
    _, turns, meta = asyncio.run(search(script))
    assert [len(turn.state.window) for turn in turns] == [0, 1, 0, 1]
    anchor = turns[2].state.anchor
    assert anchor is not None
    assert anchor.accuracy == 0.3
    assert shown(meta, 1).startswith(shown(meta, 0))
    assert not shown(meta, 2).startswith(shown(meta, 0))
    assert "<= 6 else" in shown(meta, 2)
    assert "<= 5 else" not in shown(meta, 2)
    assert shown(meta, 2).count("# Feedback") == 1


def test_an_error_on_one_public_problem_is_shown_and_repaired() -> None:
    broken = "def solver(agent, task):\n    return {'answer': unknown_name}\n"
    _, [turn], meta = asyncio.run(search([[reply(broken)]], repair=["Sorry.", reply(GOOD)]))
    [attempt] = turn.attempts
    assert attempt.evaluation.accuracy == 1
    first, second = attempt.proposal.repairs
    assert "NameError" in first.error
    assert "line 2" in first.error
    assert first.reply == reply(broken)
    assert "no ```python block" in second.error
    repairs = [r for r in meta.requests if r.identity.purpose is Purpose.REPAIR]
    assert "NameError" in repairs[0].messages[-1].content
    assert [m.role for m in repairs[1].messages[-4:]] == ["assistant", "user"] * 2


def test_the_third_repair_is_run_and_a_fourth_is_not_asked_for() -> None:
    broken = "def solver(agent, task):\n    return {}\n"
    _, [turn], _ = asyncio.run(
        search([[reply(broken)]], repair=["no", "no", reply(GOOD), "never asked"])
    )
    assert turn.attempts[0].evaluation.accuracy == 1
    _, [turn], meta = asyncio.run(
        search([[reply(broken)]], repair=["no", "no", reply(broken), reply(GOOD)])
    )
    assert not turn.attempts
    assert "no key 'answer'" in turn.dropped[0].error
    assert len(meta.requests) == 4


def test_a_turn_in_which_nothing_runs_is_survived() -> None:
    _, turns, meta = asyncio.run(search([["no", "nothing"], [reply(GOOD)] * 2], repair=["no"] * 6))
    assert turns[0].chosen is None
    assert len(turns[0].dropped) == 2
    assert turns[1].state == replace(turns[0].state, turn=1)
    assert turns[1].attempts[0].evaluation.accuracy == 1
    assert shown(meta, 0) == shown(meta, 1)


def test_a_wrong_answer_is_no_error() -> None:
    wrong = "def solver(agent, task):\n    return {'answer': 'no idea'}\n"
    _, [turn], meta = asyncio.run(search([[reply(wrong)]]))
    assert turn.attempts[0].evaluation.accuracy == 0
    assert len(meta.requests) == 1


def test_private_problems_never_reach_the_meta_agent() -> None:
    script = [[reply(solves_below(n))] for n in (5, 6, 7)]
    _, _, meta = asyncio.run(search(script))
    sent = "\n".join(m.content for r in meta.requests for m in r.messages)
    assert any(problem.question in sent for problem in PUBLIC)
    for problem in PRIVATE:
        assert f"{problem.question}\n" not in sent


def test_random_search_shows_no_feedback() -> None:
    script = [[reply(solves_below(n))] for n in (5, 12, 7)]
    begin, turns, meta = asyncio.run(search(script, method="random"))
    assert shown(meta, 0) == shown(meta, 1) == shown(meta, 2)
    assert [turn.attempts[0].reward for turn in turns] == [0, 1, 0]
    assert turns[2].state.best.accuracy == 0.6
    assert begin.turn == 0


def test_a_search_goes_on_behind_its_stored_turns() -> None:
    script = [[reply(solves_below(n)), reply(solves_below(n + 3))] for n in (5, 6, 7, 9)]
    for method in ("w4s", "random"):
        _, whole, _ = asyncio.run(search(script, method=method))
        _, rest, meta = asyncio.run(search(script, method=method, done=whole[:2]))
        assert [turn.state for turn in rest] == [turn.state for turn in whole[2:]]
        assert [[a.reward for a in t.attempts] for t in rest] == [
            [a.reward for a in t.attempts] for t in whole[2:]
        ]
        assert {r.identity.trial for r in meta.requests} == {2, 3}


def test_the_prompt_alternates_between_user_and_assistant() -> None:
    _, _, meta = asyncio.run(search([[reply(solves_below(5))], [reply(solves_below(6))]]))
    roles = [message.role for message in meta.requests[-1].messages]
    assert roles == ["system", "user", "assistant", "user"]


def test_the_turns_of_a_window_share_their_beginning_though_the_best_rises() -> None:
    script = [[reply(solves_below(n))] for n in (12, 13, 14)]
    _, turns, meta = asyncio.run(search(script))
    assert shown(meta, 1).startswith(shown(meta, 0))
    assert [turn.state.best_at_start for turn in turns] == [0.4, 0.4, 0.65]
