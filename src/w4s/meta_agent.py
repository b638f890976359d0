"""From a state to proposals that run: the weak model, its prompt, and its self-correction.

In: a State, a number of samples, a check. Out: one Proposal per sample. Each candidate is run on
one public problem; on an error the model is shown it and may repair, at most three times, and
every repair is run as well. What still fails is dropped, with the reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from w4s.errors import ProviderError
from w4s.models.base import Choice, Identity, Model, Purpose, Reply, Request
from w4s.prompts import render
from w4s.tasks.base import Brief, Interface
from w4s.types import Entry, Message, Proposal, Repair, State, Usage, Workflow
from w4s.waiting import settled
from w4s.workflow import NoWorkflow, parse_reply

Check = Callable[[Workflow], Awaitable[str | None]]
"""Runs a workflow on one public problem; returns its error, or None."""

_ERROR_CHARACTERS = 3000


class Form(StrEnum):
    """How a state is written down."""

    FULL = "full"
    """Instructions, task, whole workflows: for models that can read."""
    COMPACT = "compact"
    """A few lines, workflows by name or plan: for models of a few million parameters, which have
    learned the instructions by heart."""


@dataclass(frozen=True, slots=True)
class MetaAgent:
    """The weak model at its task."""

    model: Model
    brief: Brief
    seed: int
    temperature: float = 0.5
    top_p: float = 1.0
    max_tokens: int = 4096
    """Upper limit of one reply, in tokens."""
    repairs: int = 3
    """How often an action may correct itself."""
    form: Form = Form.FULL

    async def propose(self, state: State, samples: int, check: Check) -> list[Proposal]:
        """Sample `samples` actions from `state` and let each correct itself, side by side."""
        return await self.sample(self.prompt(state), samples, state.turn, check)

    async def sample(
        self,
        prompt: tuple[Message, ...],
        samples: int,
        turn: int,
        check: Check,
        *,
        first: int = 0,
        again: int = 0,
    ) -> list[Proposal]:
        """Sample `samples` actions in answer to `prompt`, and let each correct itself.

        `first` is the number of the first of them within the turn, `again` counts how often the
        same prompt was sampled before in this turn."""
        identity = Identity(
            self.seed, Purpose.PROPOSE, _digest(prompt), trial=turn, occurrence=again
        )
        reply = await self.model.complete(self._request(prompt, identity, samples))
        return await settled(
            self._proposal(prompt, reply, sample, choice, turn, check)
            for sample, choice in enumerate(reply.choices, first)
        )

    async def draft(
        self, prompt: tuple[Message, ...], turn: int, *, sample: int = 0, n: int = 1
    ) -> list[str]:
        """Sample `n` replies that are not yet actions: drafts, to be reflected on."""
        identity = Identity(self.seed, Purpose.PROPOSE, _digest(prompt), f"draft {sample}", turn)
        reply = await self.model.complete(self._request(prompt, identity, n))
        return [choice.text for choice in reply.choices]

    def prompt(self, state: State) -> tuple[Message, ...]:
        """The conversation for a state: instructions, task and archive, then the window."""
        archive = state.examples if state.anchor is None else (*state.examples, state.anchor)
        if self.form is Form.COMPACT:
            return _compact_prompt(self.brief, state, archive)
        messages = [
            Message(
                "system", render("system", code_interface=self.brief.interface is Interface.CODE)
            ),
            Message(
                "user",
                render("state", brief=self.brief, archive=archive, best=state.best_at_start),
            ),
        ]
        for step in state.window:
            messages += [Message("assistant", step.reply), Message("user", step.feedback)]
        return tuple(messages)

    async def _proposal(
        self,
        prompt: tuple[Message, ...],
        sampled: Reply,
        sample: int,
        choice: Choice,
        turn: int,
        check: Check,
    ) -> Proposal:
        text, repairs, usage = choice.text, list[Repair](), Usage()
        workflow, error = await self._try(text, f"turn {turn + 1}, sample {sample + 1}", check)
        conversation = prompt
        while error is not None and len(repairs) < self.repairs:
            request = repair_request(error, self.form)
            conversation = (*conversation, Message("assistant", text), request)
            identity = Identity(
                self.seed, Purpose.REPAIR, _digest(prompt), str(sample), turn, len(repairs)
            )
            try:
                reply = await self.model.complete(self._request(conversation, identity, 1))
            except ProviderError as failure:
                error = f"{error}\n(the repair could not be sampled: {failure})"
                break
            repairs.append(Repair(error, text))
            usage += reply.usage
            text = reply.choices[0].text
            workflow, error = await self._try(text, f"turn {turn + 1}, sample {sample + 1}", check)
        return Proposal(
            prompt,
            text,
            workflow if error is None else None,
            error or "",
            tuple(repairs),
            sampled.prompt_ids,
            choice.token_ids if not repairs else None,
            usage,
        )

    async def _try(self, text: str, name: str, check: Check) -> tuple[Workflow | None, str | None]:
        """The workflow in a reply and the error it ends with, if any."""
        try:
            workflow = parse_reply(text, name)
        except NoWorkflow as error:
            return None, str(error)
        return workflow, await check(workflow)

    def _request(self, messages: tuple[Message, ...], identity: Identity, n: int) -> Request:
        return Request(messages, identity, self.temperature, self.top_p, self.max_tokens, n)


def repair_request(error: str, form: Form = Form.FULL) -> Message:
    """What the model is shown of an error, with the request to repair."""
    if form is Form.COMPACT:
        return Message("user", f"Error: {_shortened(error, 160)}")
    return Message("user", render("repair", error=error[:_ERROR_CHARACTERS]))


def _digest(messages: tuple[Message, ...]) -> str:
    text = "\x00".join(f"{m.role}\x01{m.content}" for m in messages)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _compact_prompt(brief: Brief, state: State, archive: tuple[Entry, ...]) -> tuple[Message, ...]:
    first = render(
        "compact",
        interface=brief.interface.value,
        description=_shortened(brief.description, 240),
        question=_shortened(brief.example.question, 160),
        answer=_shortened(brief.example_answer, 48),
        archive=[{"name": _label(e.workflow), "accuracy": e.accuracy} for e in archive],
        best=state.best_at_start,
    )
    messages = [Message("user", first)]
    for step in state.window:
        accuracy = next((x for x in step.feedback.splitlines() if x.startswith("Accuracy")), "")
        messages += [Message("assistant", step.reply), Message("user", accuracy)]
    return tuple(messages)


def _label(workflow: Workflow) -> str:
    """The plan line of a workflow that states its plan, else its name."""
    head = workflow.code.partition("\n")[0]
    return head.removeprefix("# ") if head.startswith("# plan:") else workflow.name or "workflow"


def _shortened(text: str, characters: int) -> str:
    """On one line, without its middle when it is too long: both ends say what matters."""
    line = " ".join(text.split())
    half = characters // 2
    return line if len(line) <= characters else f"{line[:half]} … {line[-half:]}"
