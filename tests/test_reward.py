"""The reward of an action."""

import pytest

from w4s.reward import discrete


@pytest.mark.parametrize(
    ("accuracy", "best", "last", "reward"),
    [
        (0.6, 0.5, 0.5, 1.0),
        (0.5, 0.5, 0.5, 0.0),
        (0.45, 0.5, 0.4, 0.5),
        (0.5, 0.5, 0.4, 0.5),
        (0.4, 0.5, 0.4, 0.0),
        (0.3, 0.5, 0.4, 0.0),
    ],
)
def test_discrete(accuracy: float, best: float, last: float, reward: float) -> None:
    assert discrete(accuracy, best, last) == reward
