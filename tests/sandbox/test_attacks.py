"""The attack tables of `attacks/` against the real walls: nothing gets through.

By default as whoever runs the tests; the whole matrix (root and an ordinary user, Landlock on and
off, both profiles, every attempt) is long.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
SOURCE = HERE.parent.parent / "src"
TABLES = "network,files,processes,resources,channel"
ORDINARY_USER = 64_321

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.uname().machine != "x86_64",
    reason="the tables name the system calls of x86-64 Linux",
)


def attack(
    profile: str, landlock: str, pace: str, user: int | None = None, python: str = sys.executable
) -> dict[str, Any]:
    identity: dict[str, Any] = {}
    if user is not None:
        identity = {"user": user, "group": user, "extra_groups": []}
    done = subprocess.run(
        [python, "-B", str(HERE / "attacks" / "run.py"), TABLES, profile, landlock, pace],
        env={"PYTHONPATH": str(SOURCE)},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        **identity,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def python_for(user: int) -> str:
    """An interpreter that this user may start."""
    for path in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        try:
            done = subprocess.run(
                [path, "-c", "import sys; print(sys.version_info >= (3, 11))"],
                user=user,
                group=user,
                extra_groups=[],
                env={},
                cwd="/",
                capture_output=True,
                check=False,
            )
        except OSError:
            continue
        if done.stdout.strip() == b"True":
            return path
    pytest.skip("no Python 3.11 that another user may start")


def test_nothing_gets_through() -> None:
    report = attack("nofs", "on", "fast")
    assert report["breaches"] == []
    assert report["attempts"] >= 140
    wrong = {n: e for n, e in report["endings"].items() if "Syntax" in e or "NameError" in e}
    assert wrong == {}, "an attempt that does not run proves nothing"


@pytest.mark.long
@pytest.mark.parametrize("landlock", ["on", "off"])
@pytest.mark.parametrize("ordinary", [False, True], ids=["as is", "ordinary user"])
def test_nothing_gets_through_without_files(landlock: str, ordinary: bool) -> None:
    check("nofs", landlock, ordinary)


@pytest.mark.long
@pytest.mark.parametrize("ordinary", [False, True], ids=["as is", "ordinary user"])
def test_nothing_gets_out_of_the_private_folder(ordinary: bool) -> None:
    check("scratch", "on", ordinary)


def check(profile: str, landlock: str, ordinary: bool) -> None:
    if ordinary and os.geteuid() != 0:
        pytest.skip("already an ordinary user")
    if ordinary:
        report = attack(profile, landlock, "slow", ORDINARY_USER, python_for(ORDINARY_USER))
        assert report["user"] == ORDINARY_USER
    else:
        report = attack(profile, landlock, "slow")
    assert report["breaches"] == []
    assert report["attempts"] >= 140
    assert (report["walls"]["landlock"] > 0) == (landlock == "on")
