"""GEPA: reflective evolution of a prompt, by DSPy's own code, as a peer that nobody here wrote.

In: the search set, the executor and the meta-agent. Out: one Turn with the program that GEPA chose,
as a workflow that repeats its conversation. DSPy runs in a process of its own (`peer`, started by
`process`) and reaches the models and the scorer through a server on this machine's loopback
(`host`): same endpoint, same data, same account and limits as every other method. It sees what a
meta-agent sees: public problems with their answers, and scores alone on the private ones.

"GEPA: Reflective Prompt Evolution Can Outperform Reinforcement Learning" (Agrawal and others, arXiv
2507.19457). Needs the extra `peers`. docs/fidelity.md says what is ours: the text of the metric's
feedback, the choice of the adapter, and the budget.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from w4s.environment import Environment
from w4s.meta_agent import MetaAgent
from w4s.methods.gepa.exported import exported
from w4s.methods.gepa.process import check_installed, run_peer
from w4s.reward import discrete
from w4s.types import Attempt, Evaluation, Outcome, Proposal, Score, State, Status, Turn

__all__ = ["check_installed", "gepa"]


async def gepa(
    env: Environment,
    agent: MetaAgent,
    begin: State,
    *,
    turns: int,
    samples: int,
    done: Sequence[Turn] = (),
) -> AsyncIterator[Turn]:
    """Yield one turn: what a whole run of GEPA came to, in which it scores as many answers as
    `turns` validations have. `samples` has no meaning here. A run that a limit cut short yields
    the best program so far, and then raises the limit."""
    if done:
        return
    # Imported here alone: aiohttp takes a third of a second of CPU to import.
    from w4s.methods.gepa.host import serving

    async with serving(env, agent) as host:
        await run_peer(host, metric_calls=turns * len(env.problems.private))
    host.check()
    if host.found is not None:
        workflow = exported(host.template, code=host.code)
        judged = zip(env.problems.private, host.found.scores, strict=True)
        outcomes = [
            Outcome(problem.id, Status.SCORED, Score(value, reason="scored in GEPA's own run"))
            for problem, value in judged
        ]
        evaluation = Evaluation(workflow, tuple(outcomes))
        words = (
            f"GEPA tried {host.found.candidates} programs with {host.found.metric_calls} scored"
            f" answers; its best one says:\n\n{host.found.instructions}"
        )
        reward = discrete(evaluation.accuracy, begin.best.accuracy, begin.last.accuracy)
        proposal = Proposal((), words, workflow)
        yield Turn(begin, (Attempt(proposal, evaluation, Evaluation(workflow, ()), "", reward),))
    if host.over is not None:
        raise host.over
