"""Models of a run are opened with what they need, and nothing more."""

from pathlib import Path

import pytest

from w4s.commands.workbench import open_models, weights_of
from w4s.config import SearchConfig
from w4s.models.answer_book import AnswerBook
from w4s.reports.run import Role


class Asked(Exception):
    """Somebody wanted the answers."""


def answers() -> AnswerBook:
    raise Asked


def test_the_answers_are_looked_up_for_a_simulated_executor_alone() -> None:
    settings = {"task": "toy_ledger", "run": "run", "meta_agent": "grammar"}
    server = SearchConfig.model_validate({**settings, "executor": "openai:m@http://127.0.0.1:9/v1"})
    opened = open_models(server, server, tuple(Role), answers)
    assert set(opened) == set(Role)
    simulated = SearchConfig.model_validate({**settings, "executor": "simulated"})
    with pytest.raises(Asked):
        open_models(simulated, simulated, tuple(Role), answers)


def test_a_run_is_bound_to_the_weights_of_either_model(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    here = f"local:{tmp_path}"

    def weights(**models: str) -> dict[str, object]:
        settings = {"task": "toy_ledger", "run": "run", **models}
        return {**weights_of(SearchConfig.model_validate(settings))}

    for role, fact in {"meta_agent": "weights", "executor": "executor_weights"}.items():
        found = []
        for content in (b"one", b"two"):
            (tmp_path / "model.safetensors").write_bytes(content)
            found.append(weights(**{role: here}))
        assert [list(facts) for facts in found] == [[fact], [fact]]
        assert found[0] != found[1]
    assert weights() == {}, "a run without a checkpoint has no such fact"
