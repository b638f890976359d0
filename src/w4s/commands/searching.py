"""Search: from a task to the best workflow found.

In: the settings. Out: a run folder with every turn and the best workflow. Load the task, open the
workbench, measure the examples, take the turns, keep each. Every end in good order (a limit,
Ctrl-C, a provider that is down) leaves the best workflow so far, and the same command goes on.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field

from w4s.commands.display import Display
from w4s.commands.foreseeing import keep_estimate, search_estimate
from w4s.commands.planning import Plan, plan_of
from w4s.commands.workbench import (
    Workbench,
    answer_book,
    facts_of,
    meta_agent_of,
    open_models,
    open_workbench,
    task_of,
    weights_of,
)
from w4s.config import SearchConfig
from w4s.environment import Environment, Parent
from w4s.errors import StoreError, W4sError
from w4s.meta_agent import MetaAgent
from w4s.methods import METHODS
from w4s.methods.choosing import choose, measure_again
from w4s.models.base import Purpose
from w4s.racing import Racing
from w4s.reports.estimated import in_one_line
from w4s.reports.run import (
    BEGIN,
    BEST,
    FINAL,
    FINISHED,
    PUBLIC,
    SEARCH_ACCOUNT,
    SPENT,
    TURNS,
    Final,
    Role,
    Run,
    Spent,
    begin_text,
    final_text,
    public_text,
    read_begin,
    read_final,
    read_run,
)
from w4s.reports.summary import Summary, best_entry, summarise
from w4s.reports.tracked import search_points
from w4s.store import RunFolder, read_journal
from w4s.tasks.confidential import keep_confidential
from w4s.types import Entry, Evaluation, Outcome, State, Turn, Workflow


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came to."""

    run: Run
    """All that lies in the folder."""
    early: W4sError | None
    """What ended it before its last turn, if anything; the same search goes on from there."""

    @property
    def best(self) -> Entry | None:
        """The workflow that the search hands over; None when nothing was measured yet."""
        return best_entry(self.run.begin, self.run.turns, self.run.final)

    @property
    def summary(self) -> Summary:
        """What a report says of the run."""
        return summarise(self.run)


async def search_in_folder(asked: SearchConfig) -> Found:
    """Search, or go on with a search, in the folder of the settings.

    Whatever ends it after it has begun is returned with what has been found; ConfigError is
    raised, before anything is spent, for whatever cannot work."""
    early = await _search(asked)
    return Found(read_run(asked.run), early)


async def _search(asked: SearchConfig) -> W4sError | None:
    task = task_of(asked)
    keep_confidential(task, asked.run)
    plan = plan_of(asked, task)
    config = plan.config
    problems = (*task.search.private, *task.search.public)
    models = open_models(config, config, tuple(Role), lambda: answer_book(task, problems))
    with RunFolder(config.run) as folder:
        async with open_workbench(
            config,
            config,
            task,
            models,
            folder,
            facts=facts_of(task, plan.examples, weights_of(config)),
            account=SEARCH_ACCOUNT,
            problems=len(task.search.private) * plan.trials,
            track=config.track,
        ) as bench:
            kept = keep_estimate(folder, search_estimate(plan, task))
            bench.display.say(f"expected: {in_one_line(kept)}")
            session = _Session(bench, plan)
            try:
                await session.run()
            except StoreError as error:
                return error  # what is on the disk stays; there is no room for more
            except W4sError as error:
                session.end_early()
                return error
    return None


@dataclass(slots=True)
class _Session:
    """One sitting of a search: what it has found, and what it keeps in the folder."""

    bench: Workbench
    plan: Plan
    begin: State | None = None
    turns: list[Turn] = field(default_factory=list)
    final: Final | None = None
    watch: _Watch = field(init=False)

    def __post_init__(self) -> None:
        self.watch = _Watch(self.bench.display)
        self.bench.evaluator.observer = self.watch

    async def run(self) -> None:
        """All that is left of the search."""
        bench, config = self.bench, self.plan.config
        with closing(bench.folder.journal(TURNS, Turn)) as journal:
            self.begin, self.turns = read_begin(bench.folder.path), list(journal.records())
            if len(self.turns) >= self.plan.turns:  # else more turns were asked for since
                self.final = read_final(bench.folder.path)
            self._foresee()
            env = Environment(
                bench.evaluator,
                bench.task.search,
                self.plan.examples,
                trials=self.plan.trials,
                racing=Racing() if config.racing else None,
                parent=Parent(config.parent),
            )
            begin = self.begin or await self._measure_examples(env)
            self._keep_best()
            self._track()
            self._announce()
            async for turn in METHODS[config.method](
                env,
                self._meta_agent(),
                begin,
                turns=self.plan.turns,
                samples=self.plan.samples,
                done=tuple(self.turns),
            ):
                journal.append(turn)
                self.turns.append(turn)
                self._keep_best()
                self._report(turn)
                self._track()
                self._announce()
        if len(self.turns) < self.plan.turns:
            bench.account.keep(FINISHED)
        if config.finalists and self.final is None:
            self.final = await self._decide(env, begin)
            self._keep_best()

    async def _decide(self, env: Environment, begin: State) -> Final:
        """Measure the best again, and choose among them."""
        config = self.plan.config
        self.bench.display.begin("finalists")
        finalists = await measure_again(env, begin, self.turns, count=config.finalists)
        chosen = choose(finalists, economical=config.choice == "economical")
        final = Final(tuple(finalists), chosen.workflow.digest)
        self.bench.folder.write(FINAL, final_text(final))
        self.bench.account.keep("finalists")
        self.bench.display.say(
            f"{len(finalists)} finalists measured again: {chosen.workflow.name} is chosen, fresh"
            f" accuracy {chosen.fresh:.1%} (in the search {chosen.validated:.1%})"
        )
        return final

    def end_early(self) -> None:
        """Leave the best workflow so far, and an account of the stretch that was cut short."""
        self._keep_best()
        self.bench.account.keep(f"turn {len(self.turns) + 1}, cut short")

    def _meta_agent(self) -> MetaAgent:
        model, brief = self.bench.models[Role.META_AGENT], self.bench.task.brief
        return meta_agent_of(self.plan.config, model, brief, self.plan.config.seed)

    def _foresee(self) -> None:
        """How much there is to do, for the time left."""
        plan, task = self.plan, self.bench.task
        workflows = (plan.turns - len(self.turns)) * plan.samples
        if self.begin is None:
            workflows += len(plan.examples)
        else:
            self.bench.display.say(f"going on behind turn {len(self.turns)}")
        problems = len(task.search.private) * plan.trials + len(task.search.public)
        self.bench.display.planned = workflows * problems

    async def _measure_examples(self, env: Environment) -> State:
        self.bench.display.begin("examples")
        self.bench.folder.write(PUBLIC, public_text(self.bench.task.search.public))
        self.begin = await env.begin()
        self.bench.folder.write(BEGIN, begin_text(self.begin))
        self.bench.account.keep("examples")
        return self.begin

    def _announce(self) -> None:
        """Begin the next turn, if there is one, and the user has not asked to stop."""
        turn = len(self.turns) + 1
        if turn <= self.plan.turns:
            self.bench.stop.check()
            self.bench.display.begin(f"turn {turn} of {self.plan.turns}")

    def _report(self, turn: Turn) -> None:
        number, best = len(self.turns), best_entry(self.begin, self.turns)
        self.bench.account.keep(f"turn {number}")
        assert best is not None
        self.bench.display.say(
            f"turn {number} of {self.plan.turns}: {len(turn.attempts)} candidates ran,"
            f" {len(turn.dropped)} dropped; best so far {best.accuracy:.1%} ({best.workflow.name})"
        )

    def _track(self) -> None:
        folder = self.bench.folder.path
        self.bench.feed.send(
            search_points(self.begin, self.turns, read_journal(folder / SPENT, Spent))
        )

    def _keep_best(self) -> None:
        """The best of the finished turns; before the first state, what has been measured yet;
        and when nothing was, the first example, so that there always is a usable workflow."""
        best = best_entry(self.begin, self.turns, self.final)
        workflow = best.workflow if best else self.watch.best or self.plan.examples[0]
        self.bench.folder.write(BEST, workflow.code)


@dataclass(slots=True)
class _Watch:
    """Passes on what is observed, and remembers the best measured workflow of this sitting."""

    display: Display
    best: Workflow | None = None
    _accuracy: float = -1.0

    def outcome(self, workflow: Workflow, purpose: Purpose, outcome: Outcome) -> None:
        self.display.outcome(workflow, purpose, outcome)

    def evaluation(self, purpose: Purpose, evaluation: Evaluation) -> None:
        self.display.evaluation(purpose, evaluation)
        better = evaluation.accuracy > self._accuracy and not evaluation.stopped
        if purpose is Purpose.VALIDATE and better:
            self.best, self._accuracy = evaluation.workflow, evaluation.accuracy
