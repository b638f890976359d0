"""The small meta-agent: what it reads, and that it learns to write it."""

import itertools
import random
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from transformers import AutoModelForCausalLM

from w4s.meta_agent import Form, MetaAgent, repair_request
from w4s.models.grammar import Grammar
from w4s.models.sampler import InProcess
from w4s.tasks.base import Brief, Interface
from w4s.training.corpus import corpus
from w4s.training.pretrain import Imitated, PretrainConfig, pretrain
from w4s.training.settings import Scope
from w4s.training.tokens import Tokeniser
from w4s.training.weights import load_tokeniser
from w4s.types import Entry, Problem, State, Step, Workflow
from w4s.workflow import parse_reply

CODE = "# plan: strategy=vote, style=3\ndef solver(agent, task): ..."


def agent(form: Form) -> MetaAgent:
    example = Problem("p", "p", "word " * 200, None)
    brief = Brief("t", "Sums.", Interface.ANSWER, example, "12", "share")
    return MetaAgent(InProcess(Grammar()), brief, 0, form=form)


def state() -> State:
    first = Entry(Workflow("def solver(agent, task): ...", "chain_of_thought"), 0.25, "…")
    tried = Entry(Workflow(CODE), 0.5, "# Feedback\n\nAccuracy on …: 50.0 %. It rose.\n\nMore.")
    step = Step("Needs: …\n```python\n…```", tried.feedback)
    return State(3, (first,), tried, (step,), 0.5, tried, tried)


def test_a_compact_prompt_says_what_matters_in_few_words() -> None:
    first, reply, feedback = agent(Form.COMPACT).prompt(state())
    assert first.content.splitlines()[0] == "answer: Sums."
    assert first.content.splitlines()[-3:] == [
        "chain_of_thought: 25",
        "plan: strategy=vote, style=3: 50",
        "Best: 50",
    ]
    assert len(first.content) < 500
    assert reply.role == "assistant"
    assert feedback.content == "Accuracy on …: 50.0 %. It rose."


def test_the_full_prompt_stays_as_it_was() -> None:
    assert agent(Form.FULL).prompt(state())[0].role == "system"


def test_a_compact_error_keeps_both_ends() -> None:
    text = repair_request("NameError: x" + " y" * 500 + " in line 7", Form.COMPACT).content
    assert text.startswith("Error: NameError: x")
    assert text.endswith("line 7")
    assert len(text) < 200


def test_the_corpus_is_prompts_and_programs() -> None:
    found = list(itertools.islice(corpus(random.Random(1)), 120))
    assert found == list(itertools.islice(corpus(random.Random(1)), 120))
    for example in found:
        assert example.reply.startswith("Needs: kind=")
        assert len(example.reply) < 3000
        assert example.prompt[-1].role == "user"
        parse_reply(example.reply)
    assert any(len(example.prompt) > 1 for example in found)
    assert any("plan: strategy" in example.prompt[0].content for example in found)


@pytest.mark.long
@pytest.mark.timeout(400)
def test_imitation_lowers_the_loss(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    seen: list[Imitated] = []
    config = PretrainConfig.resolve(
        {"out": tmp_path / "small", "examples": 320, "examples_per_step": 8, "width": 64}
    )
    pretrain(config, seen.append)

    assert seen[-1].step == seen[-1].steps == 40
    assert seen[-1].loss < 0.7 * seen[0].loss
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "small", dtype=torch.float32)
    tokeniser = load_tokeniser(tmp_path / "small")
    example = next(corpus(random.Random(2)))
    row = Tokeniser(tokeniser, 4096, Scope.CURRENT_ACTION).row(example)
    ids = torch.as_tensor(row.ids)
    log_p = torch.log_softmax(model(input_ids=ids[None]).logits[0], -1)
    chosen = log_p[:-1].gather(1, ids[1:, None])[row.prompt - 1 :]
    assert -chosen.mean() < 0.8 * seen[0].loss
