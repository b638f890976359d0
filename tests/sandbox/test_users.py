"""User ids: one per living child, none twice at a time."""

import os

import pytest

from w4s.sandbox.inside.walls import users
from w4s.sandbox.inside.walls.users import Users


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root gives ids out")
def test_an_id_comes_again_only_after_it_was_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "_SPAN", 3)
    ids = Users()
    if not ids.available:
        pytest.skip("this container knows no ids to give out")
    first = [ids.take(number) for number in (1, 2, 3)]
    assert len(set(first)) == 3
    assert ids.take(4) is None
    ids.give_back(2)
    ids.give_back(2)
    assert ids.take(5) == first[1]
    assert ids.take(6) is None
