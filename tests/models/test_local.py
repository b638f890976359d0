"""A transformers model in this process."""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from transformers import Qwen2Config, Qwen2ForCausalLM

from w4s.errors import ConfigError, Rejected
from w4s.models.base import Identity, Purpose, Reply, Request
from w4s.models.local import LocalModel, choose
from w4s.training.tokeniser import train_tokeniser
from w4s.types import Message


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Qwen2 with random weights, whose replies are random letters."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("model")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Qwen2ForCausalLM(
            Qwen2Config(
                vocab_size=280,
                hidden_size=32,
                intermediate_size=48,
                num_hidden_layers=2,
                num_attention_heads=4,
                num_key_value_heads=2,
                max_position_embeddings=256,
                initializer_range=0.3,
                tie_word_embeddings=True,
                bos_token_id=None,
                eos_token_id=0,
            )
        )
    model.save_pretrained(folder)
    train_tokeniser(["a few words to learn from"], 280).save_pretrained(folder)
    return folder


def request(text: str = "Hello", n: int = 1, seed: int = 0, **more: Any) -> Request:
    settings = {"temperature": 1.0, "max_tokens": 20} | more
    return Request((Message("user", text),), Identity(seed, Purpose.PROPOSE), n=n, **settings)


def ask(checkpoint: Path, requests: Sequence[Request], slots: int = 4) -> list[Reply]:
    async def run() -> list[Reply]:
        model = LocalModel(checkpoint, slots=slots, device="cpu")
        try:
            return list(await asyncio.gather(*(model.complete(r) for r in requests)))
        finally:
            await model.aclose()

    return asyncio.run(run())


def test_a_reply_has_its_tokens(checkpoint: Path) -> None:
    (reply,) = ask(checkpoint, [request(n=3)])
    assert reply.prompt_ids is not None
    assert len(reply.choices) == 3
    for choice in reply.choices:
        assert choice.token_ids is not None
        assert (choice.finish_reason == "stop") == (choice.token_ids[-1] == 0)
        assert len(choice.token_ids) <= 20
    assert reply.usage.prompt_tokens == len(reply.prompt_ids)
    assert reply.usage.completion_tokens == sum(len(c.token_ids or ()) for c in reply.choices)


def test_choices_are_the_same_in_one_request_and_in_many(checkpoint: Path) -> None:
    (together,) = ask(checkpoint, [request(n=6)])
    apart = ask(
        checkpoint,
        [
            Request(r.messages, r.identity, 1.0, max_tokens=20, first_choice=k)
            for k, r in enumerate([request()] * 6)
        ],
    )
    assert [c.token_ids for c in together.choices] == [r.choices[0].token_ids for r in apart]
    assert len({c.token_ids for c in together.choices}) == 6


def test_a_response_does_not_depend_on_its_neighbours(checkpoint: Path) -> None:
    lone = ask(checkpoint, [request("Tell me", n=2, seed=5)])
    crowd = [request("Hello " * k, n=1 + k % 3, seed=k, max_tokens=10 + k) for k in range(12)]
    among = ask(checkpoint, [*crowd, request("Tell me", n=2, seed=5)])
    assert among[-1].choices == lone[0].choices


def test_the_likeliest_reply_is_that_of_transformers(checkpoint: Path) -> None:
    (reply,) = ask(checkpoint, [request("What is it?", temperature=0.0, max_tokens=30)])
    model = Qwen2ForCausalLM.from_pretrained(checkpoint)
    prompt = torch.tensor([reply.prompt_ids])
    expected = model.generate(
        prompt,
        attention_mask=torch.ones_like(prompt),
        do_sample=False,
        max_new_tokens=30,
        pad_token_id=0,
    )
    assert reply.choices[0].token_ids == tuple(expected[0, prompt.shape[1] :].tolist())


def test_a_prompt_without_room_is_rejected(checkpoint: Path) -> None:
    with pytest.raises(Rejected, match="256"):
        ask(checkpoint, [request("x" * 2000)])


def test_a_response_ends_where_the_context_does(checkpoint: Path) -> None:
    (reply,) = ask(checkpoint, [request("ab" * 100, n=4, max_tokens=1000)])
    assert reply.prompt_ids is not None
    for choice in reply.choices:
        assert len(choice.token_ids or ()) + len(reply.prompt_ids) <= 256


def test_a_cancelled_request_frees_its_slots(checkpoint: Path) -> None:
    async def run() -> Reply:
        model = LocalModel(checkpoint, slots=2, device="cpu")
        task = asyncio.create_task(model.complete(request(n=50, max_tokens=200)))
        await asyncio.sleep(0.05)
        task.cancel()
        try:
            return await asyncio.wait_for(model.complete(request(seed=1)), 10)
        finally:
            await model.aclose()

    assert asyncio.run(run()).choices == ask(checkpoint, [request(seed=1)])[0].choices


def test_a_failure_reaches_every_request_and_the_model_goes_on(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> list[Reply | BaseException]:
        model = LocalModel(checkpoint, slots=2, device="cpu")
        try:
            with monkeypatch.context() as patch:
                patch.setattr("w4s.models.local._States.begin_step", out_of_memory)
                lost = await asyncio.gather(
                    *(model.complete(request(seed=k)) for k in range(5)), return_exceptions=True
                )
            return [*lost, await model.complete(request())]
        finally:
            await model.aclose()

    def out_of_memory(*arguments: Any) -> None:
        raise MemoryError("no room for another token")

    *lost, last = asyncio.run(asyncio.wait_for(run(), 20))
    assert all(isinstance(error, MemoryError) for error in lost)
    assert isinstance(last, Reply)


def test_the_name_tells_the_weights_apart(checkpoint: Path, tmp_path: Path) -> None:
    first = LocalModel(checkpoint, device="cpu")
    model = Qwen2ForCausalLM.from_pretrained(checkpoint)
    with torch.no_grad():
        model.model.norm.weight += 0.1
    model.save_pretrained(checkpoint.with_name("other"))
    train_tokeniser(["a"], 280).save_pretrained(checkpoint.with_name("other"))
    second = LocalModel(checkpoint.with_name("other"), device="cpu")
    assert first.name.split(":")[-1] != second.name.split(":")[-1]


def test_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no checkpoint"):
        LocalModel(tmp_path)


def test_a_checkpoint_without_its_tokeniser(checkpoint: Path, tmp_path: Path) -> None:
    for name in ("config.json", "generation_config.json", "model.safetensors"):
        shutil.copy(checkpoint / name, tmp_path)
    with pytest.raises(ConfigError, match=r"has no tokenizer\.json; give a whole checkpoint such"):
        LocalModel(tmp_path)
    for file in checkpoint.glob("tokenizer*"):
        shutil.copy(file, tmp_path)
    with pytest.raises(ConfigError, match="has no chat template"):
        LocalModel(tmp_path)


def test_draws_follow_the_distribution() -> None:
    p = torch.tensor([0.1, 0.2, 0.3, 0.4])
    draws = (torch.arange(1000) + 0.5) / 1000
    count = len(draws)
    tokens = choose(
        p.log().expand(count, -1),
        temperatures=torch.ones(count),
        top_ps=torch.ones(count),
        draws=draws,
    )
    assert torch.bincount(tokens).tolist() == [100, 200, 300, 400]


def test_top_p_keeps_the_likeliest() -> None:
    p = torch.tensor([0.1, 0.2, 0.3, 0.4])
    draws = (torch.arange(700) + 0.5) / 700
    tokens = choose(
        p.log().expand(700, -1),
        temperatures=torch.ones(700),
        top_ps=torch.full((700,), 0.65),
        draws=draws,
    )
    assert torch.bincount(tokens).tolist() == [0, 0, 300, 400]


def test_no_temperature_takes_the_likeliest() -> None:
    tokens = choose(
        torch.tensor([[0.0, 1.0, 0.5]]),
        temperatures=torch.zeros(1),
        top_ps=torch.ones(1),
        draws=torch.tensor([0.0]),
    )
    assert tokens.tolist() == [1]
