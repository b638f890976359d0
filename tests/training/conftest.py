"""Small trajectories to learn from."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from w4s.types import (
    Attempt,
    Entry,
    Evaluation,
    Message,
    Outcome,
    Proposal,
    Repair,
    Score,
    State,
    Status,
    Step,
    Trajectory,
    Turn,
    Workflow,
)


@dataclass(frozen=True, slots=True)
class Try:
    """One action of a made-up turn."""

    reply: str
    accuracy: float
    reward: float
    ran: bool = True
    repairs: tuple[Repair, ...] = ()
    reply_ids: tuple[int, ...] | None = None


def evaluation(workflow: Workflow, accuracy: float, ran: bool = True) -> Evaluation:
    status, score = (Status.SCORED, Score(accuracy)) if ran else (Status.RAISED, None)
    return Evaluation(workflow, (Outcome("p1", status, score),))


def make_trajectory(
    turns: Sequence[Sequence[Try]], task: str = "toy", start: str = "Write a workflow."
) -> Trajectory:
    """Each turn continues the conversation of the best action before it; start accuracy 0.5."""
    first = Entry(Workflow("def solver(agent, task): ..."), 0.5, "50 %")
    state = State(0, (first,), None, (), 0.5, first, first)
    prompt: tuple[Message, ...] = (Message("system", "Be brief."), Message("user", start))
    made = []
    for number, tries in enumerate(turns):
        attempts = tuple(
            Attempt(
                Proposal(prompt, t.reply, Workflow(t.reply), "", t.repairs, None, t.reply_ids),
                evaluation(Workflow(t.reply), t.accuracy, t.ran),
                evaluation(Workflow(t.reply), t.accuracy, t.ran),
                f"accuracy {t.accuracy}",
                t.reward,
            )
            for t in tries
        )
        turn = Turn(state, attempts)
        made.append(turn)
        chosen = turn.chosen
        if chosen is None:
            continue
        entry = Entry(chosen.workflow, chosen.evaluation.accuracy, chosen.feedback)
        best = entry if entry.accuracy > state.best.accuracy else state.best
        step = Step(chosen.proposal.reply, chosen.feedback)
        state = State(number + 1, (first,), None, (*state.window, step), 0.5, best, entry)
        prompt = (*prompt, Message("assistant", step.reply), Message("user", step.feedback))
    return Trajectory(task, tuple(made))


@pytest.fixture
def trajectory() -> Trajectory:
    """Two turns of three actions, one of them repaired and one that never answered."""
    return make_trajectory(
        [
            [
                Try("plan a\nbest", 0.75, 1.0),
                Try("plan b", 0.5, 0.0),
                Try("plan c", 0.0, 0.0, ran=False),
            ],
            [
                Try("plan d", 0.8, 1.0, repairs=(Repair("NameError: x", "plan d, broken"),)),
                Try("plan e", 0.6, 0.0),
                Try("plan e", 0.6, 0.0),
            ],
        ]
    )


@pytest.fixture
def make() -> Callable[..., Trajectory]:
    return make_trajectory


@pytest.fixture
def attempt() -> type[Try]:
    return Try


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Tiny models are faster on one thread, and tests run side by side."""
    if importlib.util.find_spec("torch"):
        import torch

        torch.set_num_threads(1)


TEXTS = [
    "Be brief. Write a workflow. plan a plan b plan c plan d plan e best accuracy 0.5 0.75",
    "def solver(agent, task): return {'answer': agent.call_llm(messages=[])[0]}",
]


@pytest.fixture(scope="session")
def tokeniser() -> Any:
    pytest.importorskip("torch")
    from w4s.training.tokeniser import train_tokeniser

    return train_tokeniser(TEXTS, 300)


@pytest.fixture
def exact() -> Iterator[None]:
    """Everything in the model's own precision."""
    pytest.importorskip("torch")
    from exact_qwen2 import exact_qwen2

    with exact_qwen2():
        yield


@pytest.fixture
def make_model() -> Callable[..., Any]:
    """A tiny Qwen2 with random weights, in double precision unless told otherwise."""
    pytest.importorskip("torch")
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    def make(vocabulary: int = 300, seed: int = 0, dtype: Any = None, **changes: Any) -> Any:
        settings = {
            "vocab_size": vocabulary,
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 512,
            "initializer_range": 0.2,
            "tie_word_embeddings": True,
            "bos_token_id": None,
            "eos_token_id": 0,
        }
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            model = Qwen2ForCausalLM(Qwen2Config(**settings | changes))
        return model.to(dtype or torch.float64)

    return make


@pytest.fixture
def make_rows() -> Callable[..., list[Any]]:
    """Random rows of an episode: one turn, or two where the second goes on from the first."""
    pytest.importorskip("torch")
    import numpy as np

    from w4s.training.tokens import Row

    def make(
        turns: int = 1, samples: int = 3, seed: int = 0, duplicates: bool = False, size: int = 9
    ) -> list[Any]:
        rng = np.random.default_rng(seed)
        prompt = rng.integers(1, 300, size * 2)
        rows = []
        for _ in range(turns):
            actions = [rng.integers(1, 300, rng.integers(3, size)) for _ in range(samples)]
            if duplicates:
                actions[1] = actions[0]
            for action in actions:
                ids = np.concatenate([prompt, action])
                trained = np.arange(len(ids)) >= len(prompt)
                rows.append(Row(ids, trained, float(rng.uniform(1.0, 12.0)), len(prompt)))
            prompt = np.concatenate([prompt, actions[0], rng.integers(1, 300, size)])
        return rows

    return make


@pytest.fixture
def one_by_one() -> Callable[..., Any]:
    """Σ w_i / N_i Σ -log π of rows, each by itself through the model's own attention."""
    pytest.importorskip("torch")
    import torch

    def score(model: Any, rows: Sequence[Any]) -> Any:
        total = 0.0
        for row in rows:
            ids = torch.as_tensor(row.ids)[None]
            log_p = torch.log_softmax(model(input_ids=ids).logits[0, :-1], dim=-1)
            chosen = log_p.gather(1, ids[0, 1:, None])[:, 0]
            total = total - (torch.as_tensor(row.coefficients)[1:] * chosen).sum()
        return total

    return score
