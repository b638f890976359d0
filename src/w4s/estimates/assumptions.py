"""Rates before anything was measured.

In: the task, the models by name, the workflows that stand already. Out: Rates and a Pace. What can
be known is: the package's own workflows are rehearsed on the task's problems, and the meta-agent's
prompt is written out. What cannot is assumed here, in sight, with ranges wide enough to hold both a
terse model and a talkative one; `--probe` and `--like` put measurements in their place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from w4s.estimates.pace import AssumedPace
from w4s.estimates.rates import Rate, Rates
from w4s.estimates.rehearsal import Rehearsed, rehearse
from w4s.estimates.span import Span
from w4s.models.answer_book import AnswerBook
from w4s.models.sampler import count_prompt_tokens
from w4s.models.simulated import SimulatedExecutor
from w4s.models.specs import Kind, Spec
from w4s.tasks.base import Task
from w4s.types import Message, Workflow
from w4s.workflow import baselines, example_workflows

REHEARSED_PROBLEMS = 6
ASSUMED = "assumptions"
"""How the source of such rates begins."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A workflow that nobody has written yet, on average over a search."""

    calls: Span
    """To the executor, per solver call."""
    prompt: Span
    """Its prompts against those of the examples: later calls quote the replies to earlier ones."""
    completion: Span
    """Its replies against theirs, which sample several responses in one call more often."""


BY_A_MODEL = Guess(Span(1.3, 3.5, 10.0), Span(0.9, 1.4, 3.0), Span(0.4, 0.8, 1.6))
BY_THE_GRAMMAR = Guess(Span(1.3, 2.3, 4.0), Span(0.85, 1.1, 1.7), Span(0.35, 0.65, 1.3))
"""Of the grammar, and of the small models that learned from it; measured on toy tasks, against the
three examples of a W4S search."""

UNLIKE = 0.9
"""Standard deviation of the calls of single candidates, against their mean: 0.85 to 0.93 over 150
actions of the grammar on each of four toy tasks."""
_RANGE = 1.64
"""Standard deviations to either side that hold nine of ten values."""

TOKENISER = Span(0.85, 1.0, 1.35)
"""A model's own tokens against four characters a token, which the package's own models count."""
VERBOSITY = Span(0.5, 1.3, 4.0)
"""A real model's replies against the simulated executor's; models that reason at length write more
still."""
SELF = Span(0.85, 1.0, 1.15)
"""The simulated executor against itself on other problems."""

REPLY_TOKENS = Span(350.0, 800.0, 2000.0)
"""An analysis and a workflow."""
GRAMMAR_REPLY_TOKENS = Span(250.0, 390.0, 550.0)
SMALL_REPLY_TOKENS = Span(60.0, 160.0, 400.0)
FEEDBACK_TOKENS = Span(80.0, 350.0, 900.0)
"""Of one turn in the prompt: accuracy, errors, failing problems."""
_IN_PROMPT = 0.75
"""Earlier turns in the conversation, on average: it is begun anew after every second."""
REPAIRS = Span(0.02, 0.15, 0.8)
RUNS = Span(0.75, 0.95, 1.0)
GRAMMAR_REPAIRS = Span(0.0, 0.01, 0.1)

REMOTE_OVERHEAD_SECONDS = Span(0.2, 0.5, 1.5)
TOKENS_A_SECOND = Span(25.0, 70.0, 200.0)
HOST_SECONDS = Span(0.0013, 0.0035, 0.02)
"""Of two free processors, per solver call in a process of its own."""
BATCH_HOST_SECONDS = Span(0.0003, 0.0015, 0.008)
IN_PROCESS_SECONDS = Span(0.0002, 0.0006, 0.003)
"""Of one call to a model in this process, which queues for the interpreter."""
LOCAL_MODEL_SECONDS = Span(0.5, 3.0, 20.0)
"""Of one call to a model that this machine computes."""
PLACES = Span(48.0, 256.0, 512.0)
"""Calls in flight; the endpoint's rate limit decides."""


@dataclass(frozen=True, slots=True)
class Models:
    """The two models, by name."""

    executor: Spec
    meta_agent: Spec


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long prompts and replies are against those of the rehearsal."""

    prompt: Span
    completion: Span


def assumed_rates(
    task: Task,
    models: Models,
    prompt: Sequence[Message],
    workflows: Sequence[Workflow],
    *,
    samples: int,
    candidates: int,
) -> Rates:
    """Rates for `workflows` and candidates; `prompt` is the meta-agent's first, without feedback.
    In all there will be so many candidates, so many samples in one request.

    Workflows that are not the package's own count as candidates."""
    simulated = models.executor.kind is Kind.SIMULATED
    lengths = Lengths(SELF, SELF) if simulated else Lengths(TOKENISER, VERBOSITY)
    several = Span(1.0, 1.0, float(samples)) if models.meta_agent.remote else Span.exactly(1.0)
    usual = example_workflows(task.interface)
    rehearsed = _rehearsed(task, (*workflows, *usual))
    known = {digest: _rate(counted, lengths, models) for digest, counted in rehearsed.items()}
    played = [rehearsed[workflow.digest] for workflow in usual]
    return Rates(
        known,
        _candidate(played, lengths, models, candidates),
        _prompt_tokens(prompt, models.meta_agent) * several,
        _reply_tokens(models.meta_agent),
        GRAMMAR_REPAIRS if models.meta_agent.kind is Kind.GRAMMAR else REPAIRS,
        RUNS,
        f"{ASSUMED}: known workflows were rehearsed without a model, the rest is a wide guess",
    )


def assumed_pace(
    models: Models, rates: Rates, *, concurrency: int, processors: float, batch: bool
) -> AssumedPace:
    """How fast such models and such a machine mostly are; `processors` that are free for it."""
    spoken, slower = rates.candidate.completion_tokens, 2 / processors
    host = (BATCH_HOST_SECONDS if batch else HOST_SECONDS) * slower
    places = PLACES if models.executor.remote else Span.exactly(1.0)
    return AssumedPace(
        _call_seconds(models.executor, spoken, slower),
        _call_seconds(models.meta_agent, rates.reply_tokens, slower),
        host,
        Span(*(min(p, float(concurrency)) for p in (places.low, places.likely, places.high))),
    )


def _rehearsed(task: Task, workflows: Sequence[Workflow]) -> dict[str, Rehearsed]:
    """By digest, for those of the workflows that are the package's own, as they lie there."""
    problems = task.search.private[:REHEARSED_PROBLEMS]
    keys = (task.answer_keys(problem) for problem in problems)
    executor = SimulatedExecutor(AnswerBook([key for key in keys if key is not None]))
    own = {baseline.digest: baseline.name for baseline in baselines(task.interface)}
    return {
        w.digest: rehearse(own[w.digest], problems, task.interface, executor)
        for w in workflows
        if w.digest in own
    }


def _rate(counted: Rehearsed, lengths: Lengths, models: Models) -> Rate:
    calls = counted.calls / counted.solver_calls
    likely = Span(min(calls, max(1.0, 0.8 * calls)), calls, max(calls, 0.8 * counted.most_calls))
    if models.executor.remote:
        # A server without `n` is asked once for each response.
        likely = Span(likely.low, likely.likely, likely.high * counted.choices / counted.calls)
    return Rate(
        likely,
        lengths.prompt * (counted.prompt_tokens / counted.calls),
        lengths.completion * (counted.completion_tokens / counted.calls),
    )


def _candidate(
    played: Sequence[Rehearsed], lengths: Lengths, models: Models, candidates: int
) -> Rate:
    """The fewer there will be, the further their mean may lie from that of a whole search."""
    learned = models.meta_agent.kind in (Kind.GRAMMAR, Kind.SMALL)
    guess = BY_THE_GRAMMAR if learned else BY_A_MODEL
    calls = sum(counted.calls for counted in played)
    prompt = sum(counted.prompt_tokens for counted in played) / calls
    completion = sum(counted.completion_tokens for counted in played) / calls
    chance = Span.about(1.0, 1.0 + _RANGE * UNLIKE / math.sqrt(candidates))
    return Rate(
        guess.calls * chance,
        lengths.prompt * guess.prompt * prompt,
        lengths.completion * guess.completion * completion,
    )


def _prompt_tokens(prompt: Sequence[Message], spec: Spec) -> Span:
    own = Span.exactly(1.0) if spec.kind is Kind.GRAMMAR else TOKENISER
    first = own * float(count_prompt_tokens(prompt))
    return first + FEEDBACK_TOKENS + (_reply_tokens(spec) + FEEDBACK_TOKENS) * _IN_PROMPT


def _reply_tokens(spec: Spec) -> Span:
    match spec.kind:
        case Kind.GRAMMAR:
            return GRAMMAR_REPLY_TOKENS
        case Kind.SMALL:
            return SMALL_REPLY_TOKENS
        case _:
            return REPLY_TOKENS


def _call_seconds(spec: Spec, spoken: Span, slower: float) -> Span:
    if spec.remote:
        slow, likely, fast = TOKENS_A_SECOND.low, TOKENS_A_SECOND.likely, TOKENS_A_SECOND.high
        speaking = Span(spoken.low / fast, spoken.likely / likely, spoken.high / slow)
        return REMOTE_OVERHEAD_SECONDS + speaking
    here = LOCAL_MODEL_SECONDS if spec.checkpoint is not None else IN_PROCESS_SECONDS
    return here * slower
