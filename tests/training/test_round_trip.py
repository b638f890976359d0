"""Sample here, train here, load elsewhere: the same tokens and probabilities all the way."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from transformers import AutoModelForCausalLM

from w4s.models.base import Identity, Purpose, Reply, Request
from w4s.models.local import LocalModel
from w4s.training.attention import use_trie_attention
from w4s.training.dataset import FILE, read_examples
from w4s.training.export import export
from w4s.training.loss import Scorer
from w4s.training.settings import DatasetConfig, Scheme, TrainConfig
from w4s.training.tokens import Tokeniser
from w4s.training.trainer import train
from w4s.training.trie import build
from w4s.types import Message, Trajectory


@pytest.fixture
def checkpoint(tmp_path: Path, make_model: Callable[..., Any], tokeniser: Any) -> Path:
    make_model(dtype=torch.float32).save_pretrained(tmp_path / "base")
    tokeniser.save_pretrained(tmp_path / "base")
    return tmp_path / "base"


def sample(checkpoint: Path, prompt: tuple[Message, ...], n: int) -> Reply:
    async def run() -> Reply:
        model = LocalModel(checkpoint, slots=4, device="cpu")
        try:
            identity = Identity(0, Purpose.PROPOSE)
            return await model.complete(Request(prompt, identity, 1.0, max_tokens=12, n=n))
        finally:
            await model.aclose()

    return asyncio.run(run())


def collected(checkpoint: Path, made: Trajectory) -> Trajectory:
    """The first turn of an episode with replies that the model really sampled."""
    turn = made.turns[0]
    reply = sample(checkpoint, turn.attempts[0].proposal.prompt, len(turn.attempts))
    attempts = tuple(
        replace(
            attempt,
            proposal=replace(
                attempt.proposal,
                reply=choice.text,
                prompt_ids=reply.prompt_ids,
                reply_ids=choice.token_ids,
            ),
        )
        for attempt, choice in zip(turn.attempts, reply.choices, strict=True)
    )
    return replace(made, turns=(replace(turn, attempts=attempts),))


def test_from_sampled_tokens_to_a_better_model_and_back(
    checkpoint: Path, tmp_path: Path, make: Any, attempt: Any, tokeniser: Any
) -> None:
    made = make([[attempt(f"to be sampled {k}", 0.9 - k / 10, float(k == 0)) for k in range(3)]])
    episode = collected(checkpoint, made)
    counted = export(
        DatasetConfig.resolve({"runs": ["r"], "out": tmp_path / "set", "model": str(checkpoint)}),
        [episode],
    )
    assert counted.sampled_ids == counted.examples == 3

    done = train(
        TrainConfig.resolve(
            {
                "examples": tmp_path / "set",
                "model": str(checkpoint),
                "run": tmp_path / "run",
                "scheme": Scheme.FULL,
                "learning_rate": 1e-2,
                "epochs": 8,
                "evaluation_share": 0.0,
            }
        )
    )

    examples = list(read_examples(tmp_path / "set" / FILE))
    before = [log_probability(checkpoint, e.prompt_ids, e.reply_ids) for e in examples]
    after = [log_probability(done.model, e.prompt_ids, e.reply_ids) for e in examples]
    assert after[0] - before[0] > 1.0, "the action with the reward has become likelier"
    assert after[0] - before[0] > max(a - b for a, b in zip(after[1:], before[1:], strict=True))

    again = sample(done.model, episode.turns[0].attempts[0].proposal.prompt, 3)
    assert again.prompt_ids == examples[0].prompt_ids
    assert [c.text for c in again.choices] != [e.reply for e in examples]


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
def test_an_adapter_is_sampled_from_as_the_whole_model_is(
    checkpoint: Path, tmp_path: Path, make: Any, attempt: Any
) -> None:
    made = make([[attempt("a", 0.9, 1.0), attempt("b", 0.1, 0.0)]])
    export(DatasetConfig.resolve({"runs": ["r"], "out": tmp_path / "set"}), [made])
    settings = {"examples": tmp_path / "set", "model": str(checkpoint), "run": tmp_path / "run"}
    lora = {"scheme": Scheme.LORA, "lora_rank": 4, "learning_rate": 1e-2, "evaluation_share": 0.0}
    done = train(TrainConfig.resolve(settings, lora))
    assert done.adapter is not None
    prompt = made.turns[0].attempts[0].proposal.prompt
    assert sample(done.adapter, prompt, 3).choices == sample(done.model, prompt, 3).choices
    assert sample(done.adapter, prompt, 3).choices != sample(checkpoint, prompt, 3).choices


def log_probability(folder: Path, prompt: Any, reply: Any) -> float:
    """By plain transformers."""
    model = AutoModelForCausalLM.from_pretrained(folder)
    ids = torch.tensor([[*prompt, *reply]])
    log_p = torch.log_softmax(model(input_ids=ids).logits[0, :-1], -1)
    chosen = log_p.gather(1, ids[0, 1:, None])[len(prompt) - 1 :]
    return float(chosen.sum().detach())


def test_trainer_and_transformers_agree_on_what_was_sampled(
    checkpoint: Path, make: Any, attempt: Any, tokeniser: Any
) -> None:
    episode = collected(checkpoint, make([[attempt("a", 0.9, 0.0), attempt("b", 0.1, 0.0)]]))
    from w4s.training.dataset import examples

    model = AutoModelForCausalLM.from_pretrained(checkpoint)
    use_trie_attention(model)
    for example in examples(episode):
        row = Tokeniser(tokeniser, 512).row(example)
        mine = -float(Scorer(model)(build([row])).detach()) * int(row.trained.sum())
        theirs = log_probability(checkpoint, example.prompt_ids, example.reply_ids)
        assert math.isclose(mine, theirs, rel_tol=1e-5)
