"""The small meta-agent that comes along."""

import asyncio
import itertools
import random
from pathlib import Path

import pytest

pytest.importorskip("torch")

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from w4s.models.base import Identity, Purpose, Request
from w4s.models.checkpoints import find_checkpoint, is_small
from w4s.models.local import LocalModel
from w4s.training.corpus import corpus
from w4s.training.tokens import chat_ids
from w4s.workflow import NoWorkflow, parse_reply

FOLDER = Path(find_checkpoint("small"))


def test_it_is_a_few_megabytes_that_plain_transformers_loads() -> None:
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 4_000_000
    model = AutoModelForCausalLM.from_pretrained(FOLDER, dtype=torch.float32)
    tokeniser = AutoTokenizer.from_pretrained(FOLDER)
    assert type(model).__name__ == "Qwen2ForCausalLM"
    assert is_small(str(FOLDER))
    ids = chat_ids(tokeniser, next(corpus(random.Random(5))).prompt)
    assert model(input_ids=torch.as_tensor(ids)[None]).logits.isfinite().all()


def test_most_of_what_it_says_is_a_program() -> None:
    seen = list(itertools.islice(corpus(random.Random(77)), 0, 40, 4))

    async def said() -> list[str]:
        model = LocalModel(FOLDER, slots=30)
        replies = await asyncio.gather(
            *(
                model.complete(
                    Request(e.prompt, Identity(0, Purpose.PROPOSE, str(n)), 1.0, 0.98, 400, 3)
                )
                for n, e in enumerate(seen)
            )
        )
        await model.aclose()
        return [choice.text for reply in replies for choice in reply.choices]

    torch.set_num_threads(1)
    texts = asyncio.run(said())
    assert all(text.startswith("Needs: kind=") for text in texts)
    assert sum(map(_is_program, texts)) >= 0.85 * len(texts)


def _is_program(text: str) -> bool:
    try:
        parse_reply(text)
    except NoWorkflow:
        return False
    return True
