"""Models of a run are opened with what they need, and nothing more."""

import pytest

from w4s.commands.workbench import open_models
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
