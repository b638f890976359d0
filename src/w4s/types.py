"""The records that walk through the house, in the order in which they appear.

Task side: Problem, Workflow. One run: Usage, Score, Outcome, Evaluation. The decision
process: Proposal, Attempt, State, Turn, Trajectory. For training: Example. Everything is frozen,
and what can be derived is a property. `w4s.codec` turns records into JSON and back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation with a model."""

    role: str
    """`system`, `user` or `assistant`."""
    content: str


# --- The task side -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Problem:
    """One question with its gold answer. Only `question` and `entry_point` enter a child."""

    id: str
    """Unique within its task."""
    origin: str
    """Where the problem comes from (`gsm8k/test/17`). Sets are disjoint by origin, across tasks."""
    question: str
    """What a workflow receives as `task`."""
    target: JSON = field(repr=False)
    """The gold answer, or the hidden tests. Stays on the host."""
    entry_point: str | None = None
    """Code tasks: the function that the answer must define."""
    public_tests: tuple[str, ...] = ()
    """Code tasks: Python statements a workflow may run its solution against."""


@dataclass(frozen=True, slots=True)
class Workflow:
    """A workflow is text: a Python module that defines `solver`."""

    code: str
    name: str = ""
    """For people; two workflows with the same code are the same workflow."""

    @property
    def digest(self) -> str:
        """Identity of the code, 16 hexadecimal digits."""
        return hashlib.sha256(self.code.encode()).hexdigest()[:16]


# --- One run -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Usage:
    """What calls to models have used up."""

    calls: int = 0
    """Requests answered by the provider."""
    cached: int = 0
    """Requests answered from disk, at no cost."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    usd: float = 0.0
    """Dollars, 0 where no price is known or needed."""
    saved_tokens: int = 0
    """In and out, of what came from disk: what it took when it was paid for."""
    saved_usd: float = 0.0

    @property
    def all_tokens(self) -> int:
        """In and out, those of replies from disk too."""
        return self.prompt_tokens + self.completion_tokens + self.saved_tokens

    @property
    def all_usd(self) -> float:
        """Dollars, those of replies from disk too."""
        return self.usd + self.saved_usd

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.calls + other.calls,
            self.cached + other.cached,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.usd + other.usd,
            self.saved_tokens + other.saved_tokens,
            self.saved_usd + other.saved_usd,
        )


class Status(StrEnum):
    """How one solver call ended. Everything but UNSCORED counts; only SCORED can score above 0."""

    SCORED = "scored"
    """The workflow returned an answer and the answer was scored."""
    SYNTAX_ERROR = "syntax_error"
    NO_SOLVER = "no_solver"
    """The code defines no function `solver`."""
    RAISED = "raised"
    """The workflow raised an exception."""
    EXITED = "exited"
    """The workflow ended its process (`sys.exit`, `os._exit`)."""
    NO_ANSWER = "no_answer"
    """No dict with a usable value under "answer"."""
    TIME_LIMIT = "time_limit"
    MEMORY_LIMIT = "memory_limit"
    OUTPUT_LIMIT = "output_limit"
    """Printed or returned more than allowed."""
    CALL_LIMIT = "call_limit"
    """Made more agent calls than allowed."""
    DIED = "died"
    """The process was ended by a signal, or broke the protocol."""
    UNSCORED = "unscored"
    """Our side or the provider failed: neither right nor wrong, kept out of every mean."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error in a generated program, as the meta-agent may read it."""

    type: str
    """Exception class or name of the limit."""
    message: str
    line: int | None = None
    """1-based line of the program's own text."""
    traceback: str = ""
    """Frames of the program alone, length-capped."""

    def __str__(self) -> str:
        where = f" (line {self.line})" if self.line is not None else ""
        return f"{self.type}: {self.message}{where}" if self.message else f"{self.type}{where}"


@dataclass(frozen=True, slots=True)
class Score:
    """A verdict with its grounds."""

    value: float
    """0 to 1; decides in search and reports."""
    extracted: str = ""
    """What was read out of the answer."""
    reason: str = ""
    """Why the value is what it is, in a few words."""
    upstream: float | None = None
    """The value under the published scorer, where that differs by design from `value`."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One workflow on one problem."""

    problem: str
    """`Problem.id`."""
    status: Status
    score: Score | None = None
    """Present exactly when the status is SCORED."""
    answer: str = ""
    """The answer as text, length-capped."""
    trouble: Trouble | None = None
    """Why it is not SCORED."""
    usage: Usage = Usage()
    seconds: float = 0.0
    """The program's own time; waiting for the host is not counted."""

    @property
    def value(self) -> float:
        """Score for the mean: 0 for every failure of the program. Undefined when UNSCORED."""
        return self.score.value if self.score is not None else 0.0

    @property
    def counted(self) -> float | None:
        """The value, None when UNSCORED."""
        return None if self.status is Status.UNSCORED else self.value


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One workflow on a list of problems."""

    workflow: Workflow
    outcomes: tuple[Outcome, ...]
    """In the order of the problems."""
    stopped: bool = False
    """Racing ended it early: the accuracy is over fewer problems, and it cannot be chosen."""

    @property
    def scored(self) -> tuple[Outcome, ...]:
        """The outcomes that count."""
        return tuple(o for o in self.outcomes if o.status is not Status.UNSCORED)

    @property
    def accuracy(self) -> float:
        """Mean score over what was scored; 0 when nothing was."""
        scored = self.scored
        return sum(o.value for o in scored) / len(scored) if scored else 0.0

    @property
    def usage(self) -> Usage:
        return sum((o.usage for o in self.outcomes), Usage())

    @property
    def ran(self) -> bool:
        """True when at least one problem got an answer."""
        return any(o.status is Status.SCORED for o in self.outcomes)


# --- The decision process ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Repair:
    """One failed self-check inside an action."""

    error: str
    """What the meta-agent was shown."""
    reply: str
    """What it answered."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """One sampled action: an analysis and a workflow, after self-correction."""

    prompt: tuple[Message, ...]
    """The state as it was really sent."""
    reply: str
    """The reply that holds the final workflow."""
    workflow: Workflow | None
    """None when no reply held a workflow that runs: the action is dropped."""
    error: str = ""
    """Why it was dropped."""
    repairs: tuple[Repair, ...] = ()
    """The failed replies before `reply`, oldest first, each with the error that followed."""
    prompt_ids: tuple[int, ...] | None = None
    reply_ids: tuple[int, ...] | None = None
    """Token ids, where the model gives them."""
    usage: Usage = Usage()


@dataclass(frozen=True, slots=True)
class Attempt:
    """A proposal that ran, with what came of it."""

    proposal: Proposal
    evaluation: Evaluation
    """On the private validation problems."""
    public: Evaluation
    """On the public problems: the only ones a feedback may quote."""
    feedback: str
    reward: float

    @property
    def workflow(self) -> Workflow:
        return self.evaluation.workflow


@dataclass(frozen=True, slots=True)
class Entry:
    """One workflow of the archive, as the meta-agent sees it."""

    workflow: Workflow
    accuracy: float
    feedback: str


@dataclass(frozen=True, slots=True)
class Step:
    """One turn inside the history window: what was said and what came back."""

    reply: str
    feedback: str


@dataclass(frozen=True, slots=True)
class State:
    """All that the meta-agent may see, and the two accuracies that the reward needs."""

    turn: int
    """Turns taken so far."""
    examples: tuple[Entry, ...]
    """The example workflows with their feedback."""
    anchor: Entry | None
    """The workflow that the current window started from; None in the first window."""
    window: tuple[Step, ...]
    """Turns since the conversation was last rebuilt."""
    best_at_start: float
    """Best accuracy when the window began. The prompt says this one, so that it never changes
    within a window and the turns of a window share their prefix."""
    best: Entry
    """Running best."""
    last: Entry
    """The workflow that the next action is asked to improve."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The actions tried from one state."""

    state: State
    attempts: tuple[Attempt, ...]
    dropped: tuple[Proposal, ...] = ()
    """Proposals that never ran."""

    @property
    def chosen(self) -> Attempt | None:
        """The best attempt, the earliest of equals; None when nothing ran."""
        ran = [a for a in self.attempts if a.evaluation.ran and not a.evaluation.stopped]
        return max(ran, key=lambda a: a.evaluation.accuracy, default=None)


@dataclass(frozen=True, slots=True)
class Trajectory:
    """One episode."""

    task: str
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """One action to learn from: the conversation up to it, the action, and its weight."""

    prompt: tuple[Message, ...]
    reply: str
    weight: float
    """exp(reward / τ), or 1."""
    reward: float
    accuracy: float
    """Of the action's workflow, on the private validation problems."""
    task: str
    trajectory: str
    """Names the episode. Its examples share prefixes and are computed together."""
    turn: int
    """From 0."""
    prompt_ids: tuple[int, ...] | None = None
    reply_ids: tuple[int, ...] | None = None
    """Token ids as sampled, where the model gave them."""
