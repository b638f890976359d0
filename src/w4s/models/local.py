"""A transformers model in this process, behind the Model protocol.

In: a checkpoint that transformers loads (a folder with safetensors and a tokeniser; an adapter's
folder too, whose base is then found by its name). Out: replies,
with the token ids of prompt and responses, which training needs. The responses to one request
share one computation of the prompt; the responses to all requests under way are sampled side by
side, a token each per step, in a fixed number of slots.

Each response has its own random numbers, drawn from its own seed, and each slot's computation has
the same shape whoever else is there; so a response does not depend on its neighbours.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from w4s.errors import ConfigError, Rejected
from w4s.models.base import Choice, Reply, Request
from w4s.models.chat_template import prompt_tokens
from w4s.models.checkpoints import find_checkpoint, is_adapter, need_tokeniser, weights_digest
from w4s.types import Usage

_STRIDE = 64
"""Attention looks at this many tokens, or a multiple of it: fewer different shapes."""
_LIKELY = 64
"""Tokens that mostly hold all of a `top_p`: a vocabulary is dear to sort."""


class LocalModel:
    """A checkpoint as a Model. Loading happens here, sampling in a thread of its own."""

    def __init__(
        self, checkpoint: str | Path, *, slots: int = 32, device: str | None = None
    ) -> None:
        """Load a checkpoint. `slots` responses are sampled at a time: more are faster when many
        requests are under way, and slower when there are few."""
        logging.disable_progress_bar()  # the command has its own
        place = find_checkpoint(str(checkpoint))
        need_tokeniser(place)
        kind = device or ("cuda" if torch.cuda.is_available() else "cpu")
        try:
            tokeniser = AutoTokenizer.from_pretrained(place)
            model = _load(place, torch.bfloat16 if kind == "cuda" else torch.float32)
        except (OSError, ValueError) as error:  # nothing in the folder that can be loaded
            raise ConfigError(f"cannot load the checkpoint {checkpoint}: {error}") from None
        if tokeniser.chat_template is None:
            raise ConfigError(
                f"the tokeniser of {checkpoint} has no chat template; take a model that was made"
                " for conversations"
            )
        self._name = f"local:{checkpoint}:{weights_digest(place)}"
        self._tokeniser = tokeniser
        self._limit = int(model.config.max_position_embeddings)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._sampler = _Sampler(model.to(kind).eval(), tokeniser, slots)
        self._thread: threading.Thread | None = None

    @property
    def name(self) -> str:
        return self._name

    async def complete(self, request: Request) -> Reply:
        """Sample `request.n` responses. Rejected when the prompt leaves no room for a reply."""
        prompt = tuple(prompt_tokens(self._tokeniser, request.messages))
        room = self._limit - len(prompt)
        if room <= 0:
            raise Rejected(
                f"the prompt has {len(prompt)} tokens; {self._name} takes fewer than {self._limit}"
            )
        if self._thread is None:
            self._thread = threading.Thread(target=self._sampler.serve, args=(self._jobs,))
            self._thread.daemon = True  # a waiting thread shall not keep the program alive
            self._thread.start()
        job = _Job(request, prompt, min(request.max_tokens, room))
        self._jobs.put(job)
        choices = await asyncio.wrap_future(job.done)
        usage = Usage(
            calls=1,
            prompt_tokens=len(prompt),
            completion_tokens=sum(len(choice.token_ids or ()) for choice in choices),
        )
        return Reply(choices, usage, prompt)

    async def aclose(self) -> None:
        """End the thread, after what is under way."""
        if self._thread is not None:
            self._jobs.put(None)
            await asyncio.to_thread(self._thread.join)
            self._thread = None


@dataclass(eq=False)
class _Job:
    """One request under way."""

    request: Request
    prompt: tuple[int, ...]
    limit: int
    """Longest response."""
    done: Future[tuple[Choice, ...]] = field(default_factory=Future)
    next: int = 0
    """Number of the next response to begin."""
    choices: dict[int, Choice] = field(default_factory=dict)

    def finish(self, number: int, choice: Choice) -> None:
        self.choices[number] = choice
        if len(self.choices) == self.request.n and self.done.set_running_or_notify_cancel():
            self.done.set_result(tuple(self.choices[k] for k in range(self.request.n)))

    def fail(self, error: Exception) -> None:
        if self.done.set_running_or_notify_cancel():
            self.done.set_exception(error)


@dataclass(eq=False)
class _Response:
    """One response in its slot."""

    job: _Job
    number: int
    draws: torch.Tensor
    """One number between 0 and 1 for each token to come."""
    ids: list[int] = field(default_factory=list)

    @property
    def next_draw(self) -> float:
        return float(self.draws[len(self.ids)])


@dataclass(frozen=True, slots=True)
class _Begun:
    """A job whose prompt has been computed."""

    job: _Job
    states: tuple[tuple[torch.Tensor, torch.Tensor], ...]
    """Keys and values of the prompt, per layer, each [heads, tokens, size]."""
    logits: torch.Tensor
    """For the first token of every response, [vocabulary]."""


class _Sampler:
    """Slots that sample side by side. Lives in one thread."""

    def __init__(self, model: Any, tokeniser: Any, slots: int) -> None:
        self._model, self._tokeniser, self._count = model, tokeniser, slots
        self._device = model.device
        self._stop = _stop_tokens(model, tokeniser)
        self._waiting: deque[_Begun] = deque()
        self._active: list[_Response] = []
        """What is being sampled, from the first slot on without a gap: empty ones cost nothing."""
        self._states = _States(slots)
        self._lengths = torch.zeros(slots, dtype=torch.long, device=self._device)
        self._last = torch.zeros(slots, dtype=torch.long, device=self._device)

    def serve(self, jobs: queue.SimpleQueue[_Job | None]) -> None:
        """Work until None comes and everything before it is done."""
        ending = False
        with torch.inference_mode():
            while True:
                busy = bool(self._waiting or self._active)
                while not ending and (not busy or not jobs.empty()):
                    job = jobs.get()
                    ending = job is None
                    if job is not None:
                        self._try(job)
                    busy = bool(self._waiting or self._active)
                if ending and not busy:
                    return
                try:
                    self._fill()
                    if self._active:
                        self._step()
                except Exception as error:  # out of memory, say: all that is under way is lost
                    self._fail(error)

    def _try(self, job: _Job) -> None:
        """Compute the prompt; what goes wrong there is the request's own trouble."""
        try:
            self._waiting.append(self._begin(job))
        except Exception as error:
            job.fail(error)

    def _fail(self, error: Exception) -> None:
        jobs = {r.job for r in self._active} | {b.job for b in self._waiting}
        self._waiting.clear()
        self._active.clear()
        for job in jobs:
            job.fail(error)

    def _begin(self, job: _Job) -> _Begun:
        ids = torch.tensor([job.prompt], device=self._device)
        out = self._model(input_ids=ids, use_cache=True, logits_to_keep=1)
        states = tuple((layer.keys[0], layer.values[0]) for layer in out.past_key_values.layers)
        return _Begun(job, states, out.logits[0, -1])

    def _fill(self) -> None:
        """Put responses that wait into free slots, oldest request first."""
        while self._waiting and len(self._active) < self._count:
            begun = self._waiting[0]
            job, number = begun.job, begun.job.next
            job.next += 1
            if job.next >= job.request.n or job.done.cancelled():
                self._waiting.popleft()
            if not job.done.cancelled():
                response = _Response(job, number, _draws(job, number))
                if not self._take(response, self._choose(begun.logits[None], [response])[0]):
                    self._put(response, begun)

    def _put(self, response: _Response, begun: _Begun) -> None:
        slot = len(self._active)
        self._states.put(slot, begun.states, len(response.job.prompt) + response.job.limit)
        self._active.append(response)
        self._lengths[slot] = len(response.job.prompt)
        self._last[slot] = response.ids[-1]

    def _step(self) -> None:
        """One token for every response."""
        count = len(self._active)
        lengths = self._lengths[:count]
        span = -(-(int(lengths.max()) + 1) // _STRIDE) * _STRIDE
        self._states.begin_step(lengths, span)
        places = torch.arange(span, device=self._device)
        visible = (places[None] <= lengths[:, None])[:, None, None]
        logits = self._model(
            input_ids=self._last[:count, None],
            position_ids=lengths[:, None],
            attention_mask=visible,
            past_key_values=self._states,
            use_cache=True,
        ).logits[:, -1]
        tokens = self._choose(logits, self._active)
        lengths += 1
        self._last[:count] = torch.tensor(tokens, device=self._device)
        for slot in reversed(range(count)):  # so that what moves into a gap is done with
            response = self._active[slot]
            if response.job.done.cancelled() or self._take(response, tokens[slot]):
                self._close(slot)

    def _close(self, slot: int) -> None:
        """End a response; the last one takes its slot."""
        last = len(self._active) - 1
        response = self._active.pop()
        if slot < last:
            self._active[slot] = response
            self._states.move(last, slot)
            self._lengths[slot], self._last[slot] = self._lengths[last], self._last[last]

    def _choose(self, logits: torch.Tensor, responses: list[_Response]) -> list[int]:
        requests = [response.job.request for response in responses]
        tokens = choose(
            logits,
            temperatures=torch.tensor([r.temperature for r in requests], device=self._device),
            top_ps=torch.tensor([r.top_p for r in requests], device=self._device),
            draws=torch.tensor([r.next_draw for r in responses], device=self._device),
        )
        return [int(token) for token in tokens]

    def _take(self, response: _Response, token: int) -> bool:
        """Add a token; True when that ends the response."""
        response.ids.append(token)
        stopped = token in self._stop
        if not stopped and len(response.ids) < response.job.limit:
            return False
        text = self._tokeniser.decode(
            response.ids[:-1] if stopped else response.ids, skip_special_tokens=True
        )
        reason = "stop" if stopped else "length"
        response.job.finish(response.number, Choice(text, reason, tuple(response.ids)))
        return True


class _States:
    """Keys and values of all slots, in the form of a transformers cache.

    Each slot's tokens stand at the front of its row, so rows of any length go side by side. Places
    behind a row's end hold leftovers, which the mask hides."""

    is_compileable = False

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._layers: list[tuple[torch.Tensor, torch.Tensor]] = []
        self._rows = torch.arange(slots)
        self._places, self._span = torch.zeros(slots, dtype=torch.long), 0

    def put(
        self, slot: int, states: tuple[tuple[torch.Tensor, torch.Tensor], ...], room: int
    ) -> None:
        """Copy a prompt into a slot and make sure that `room` tokens fit."""
        self._grow(states, room)
        for (keys, values), (k, v) in zip(self._layers, states, strict=True):
            keys[slot, :, : k.shape[1]] = k
            values[slot, :, : v.shape[1]] = v

    def move(self, source: int, target: int) -> None:
        """Copy the tokens of one slot into another."""
        for keys, values in self._layers:
            keys[target], values[target] = keys[source], values[source]

    def begin_step(self, places: torch.Tensor, span: int) -> None:
        """The next tokens of the first slots are written at `places`; attention sees the first
        `span` of a row."""
        self._rows = torch.arange(len(places), device=places.device)
        self._places, self._span = places.clone(), span

    def update(
        self, keys: torch.Tensor, values: torch.Tensor, layer: int, *rest: Any, **more: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Called by each layer of the model with its new token."""
        all_keys, all_values = self._layers[layer]
        all_keys[self._rows, :, self._places] = keys[:, :, 0]
        all_values[self._rows, :, self._places] = values[:, :, 0]
        count = len(self._rows)
        return all_keys[:count, :, : self._span], all_values[:count, :, : self._span]

    def get_seq_length(self, layer: int = 0) -> int:
        return self._span

    def _grow(self, states: tuple[tuple[torch.Tensor, torch.Tensor], ...], room: int) -> None:
        held = self._layers[0][0].shape[2] if self._layers else 0
        if room <= held:
            return
        size = max(-(-room // _STRIDE) * _STRIDE, held * 3 // 2 // _STRIDE * _STRIDE)
        grown = []
        for layer, pair in enumerate(states):
            fresh = [s.new_zeros(self._slots, s.shape[0], size, s.shape[2]) for s in pair]
            if self._layers:
                for new, old in zip(fresh, self._layers[layer], strict=True):
                    new[:, :, :held] = old
            grown.append((fresh[0], fresh[1]))
        self._layers = grown


def choose(
    logits: torch.Tensor,
    *,
    temperatures: torch.Tensor,
    top_ps: torch.Tensor,
    draws: torch.Tensor,
) -> torch.Tensor:
    """One token per row of `logits`, where the row's draw falls in its distribution.

    A temperature of 0 takes the likeliest. `top_p` keeps the likeliest tokens that together reach
    it. A row's token depends on that row alone."""
    warm = temperatures.clamp_min(1e-6)[:, None].double()
    p = torch.softmax(logits.double() / warm, dim=-1)
    cut = top_ps < 1.0
    if bool(cut.any()):
        p[cut] = _without_tail(p[cut], top_ps[cut])
    steps = p.cumsum(dim=-1)
    # A draw lies below 1, so the place it falls on has a probability above 0.
    drawn = torch.searchsorted(steps, draws[:, None].double() * steps[:, -1:], right=True)
    likeliest = logits.argmax(dim=-1)
    return torch.where(temperatures == 0.0, likeliest, drawn[:, 0].clamp_max(p.shape[1] - 1))


def _without_tail(p: torch.Tensor, top_ps: torch.Tensor) -> torch.Tensor:
    """0 for the tokens behind the likeliest ones that together reach a row's `top_p`."""
    likely, order = p.topk(min(_LIKELY, p.shape[1]), dim=-1)
    reached = likely.sum(dim=-1) >= top_ps
    if not bool(reached.all()) and likely.shape[1] < p.shape[1]:
        kept = torch.empty_like(p)
        kept[reached] = _without_tail(p[reached], top_ps[reached])
        likely, order = p[~reached].sort(dim=-1, descending=True)
        kept[~reached] = _kept(likely, order, p, top_ps[~reached])
        return kept
    return _kept(likely, order, p, top_ps)


def _kept(
    likely: torch.Tensor, order: torch.Tensor, p: torch.Tensor, top_ps: torch.Tensor
) -> torch.Tensor:
    before = likely.cumsum(dim=-1) - likely
    likely[before >= top_ps[:, None]] = 0.0
    return p.new_zeros(len(likely), p.shape[1]).scatter(-1, order, likely)


def _draws(job: _Job, number: int) -> torch.Tensor:
    seed = (job.request.seed + number) % 2**31
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(job.limit, generator=generator, dtype=torch.float64)


def _load(checkpoint: str, dtype: torch.dtype) -> Any:
    """A whole model; an adapter is merged into its base, which is faster to sample from."""
    if not is_adapter(checkpoint):
        return AutoModelForCausalLM.from_pretrained(checkpoint, dtype=dtype)
    from peft import AutoPeftModelForCausalLM  # takes a second, and few need it

    return AutoPeftModelForCausalLM.from_pretrained(checkpoint, dtype=dtype).merge_and_unload()


def _stop_tokens(model: Any, tokeniser: Any) -> frozenset[int]:
    """What ends a turn, by the tokeniser and by the model's own settings."""
    configured = model.generation_config.eos_token_id
    several = configured if isinstance(configured, list) else [configured]
    return frozenset(t for t in [*several, tokeniser.eos_token_id] if t is not None)
