"""The small model's part of the grammar."""

import random

from w4s.models.grammar.conversation import stated_plan
from w4s.models.sampler import Sampling
from w4s.training.corpus import corpus
from w4s.training.dialect import Dialect, action, draw_plan, vary_plan
from w4s.training.replay import with_replay
from w4s.types import Message
from w4s.workflow import parse_reply


def test_every_action_is_a_program_that_states_its_plan() -> None:
    rng = random.Random(0)
    for interface in ("answer", "code"):
        for _ in range(60):
            plan = vary_plan(rng, draw_plan(rng, interface))
            code = parse_reply(action(plan)).code
            assert stated_plan(code, interface) == plan
            assert "=-" not in code.partition("\n")[0]


def test_it_is_random_search_that_reads_the_interface_alone() -> None:
    def said(content: str, seed: int) -> str:
        return Dialect().sample([Message("user", content)], Sampling(seed)).text

    assert said("code: Sort.", 1) == said("code: Reverse a list.", 1)
    assert "entry_point" in said("code: Sort.", 1)
    assert "entry_point" not in said("answer: Add.", 1)
    assert len({said("answer: Add.", seed) for seed in range(20)}) > 15


def test_replay_adds_programs_in_proportion() -> None:
    stream = corpus(random.Random(1))
    found = [next(stream) for _ in range(10)]
    mixed = with_replay(found, random.Random(2), share=0.5, weight=0.2)
    assert mixed[:10] == found
    assert len(mixed) == 15
    assert {example.weight for example in mixed[10:]} == {0.2}
