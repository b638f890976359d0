"""`w4s doctor` as a user has it: against a real server, and on machines that lack something."""

from __future__ import annotations

import json
from typing import Any

import pytest

from command_line import TASK, CommandLine, Done
from kernels import Missing, on_a_kernel_without, x86_64_linux

MAIN = "from w4s.cli.main import main; main()"


def findings(done: Done) -> dict[tuple[str, str], dict[str, Any]]:
    told = json.loads(done.stdout)
    assert told["ready"] is (done.returncode == 0)
    return {(f["room"], f["what"]): f for f in told["findings"]}


def test_a_machine_that_is_ready(w4s: CommandLine) -> None:
    done = w4s("doctor")
    assert done.returncode == 0, done.stdout
    assert "canaries held" in done.stdout
    assert "Ready." in done.stdout
    assert "gsm_hard" in done.stdout
    assert "train" in done.stdout


def test_a_server_that_lacks_what_others_have(w4s: CommandLine) -> None:
    lacks = ("--lacks", "n", "--lacks", "json_mode", "--lacks", "seed")
    with w4s.serving(TASK, *lacks) as server:
        done = w4s("doctor", "--json", "--executor", server.executor)
        found = findings(done)
        asked = server.stats()
    assert done.returncode == 0, done.stdout
    for what in ("n", "JSON mode", "parameters"):
        assert found["executor", what]["verdict"] == "note"
    assert "seed" in found["executor", "parameters"]["found"]
    assert asked["answered"] == 2  # the features, and the clock
    assert asked["calls"] <= 8


def test_a_wrong_key(w4s: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVER_KEY", "right")
    with w4s.serving(TASK, "--key-env", "SERVER_KEY") as server:
        asked = ("doctor", "--json", "--executor", server.executor)
        wrong = w4s(*asked, environ={"OPENAI_API_KEY": "wrong"})
        right = w4s(*asked, "--executor-key-env", "SERVER_KEY", environ={"SERVER_KEY": "right"})
    assert wrong.returncode == 1
    key = findings(wrong)["executor", "key"]
    assert key["verdict"] == "fails"
    assert "401" in key["found"]
    assert key["fix"].startswith("export OPENAI_API_KEY")
    assert right.returncode == 0, right.stdout
    assert findings(right)["executor", "key"]["verdict"] == "ok"


def test_nobody_is_asked_unless_named(w4s: CommandLine) -> None:
    with w4s.serving(TASK) as server:
        assert w4s("doctor").returncode == 0
        assert server.stats()["routes"] == {"/stats": 1}


def test_data_that_is_named_and_not_there(w4s: CommandLine) -> None:
    done = w4s("doctor", "--json", environ={"W4S_DATA": "/nowhere/at/all"})
    assert done.returncode == 1
    finding = findings(done)["data", "W4S_DATA"]
    assert finding["verdict"] == "fails"
    assert "W4S_DATA" in finding["fix"]


def test_data_that_is_elsewhere_is_no_failure(w4s: CommandLine) -> None:
    environ = {"W4S_DATA": str(w4s.folder), "W4S_CACHE": str(w4s.folder / "cache")}
    done = w4s("doctor", "--json", environ=environ)
    assert done.returncode == 0
    finding = findings(done)["data", "gsm8k"]
    assert finding["verdict"] == "note"
    assert "w4s tasks gsm8k" in finding["fix"]


@x86_64_linux
def test_a_machine_without_walls(w4s: CommandLine) -> None:
    process = on_a_kernel_without(Missing.SECCOMP, MAIN, "doctor", "--json", folder=w4s.folder)
    found = findings(Done(process.returncode, process.stdout, process.stderr))
    assert process.returncode == 1, process.stderr
    assert found["sandbox", "walls"]["verdict"] == "fails"
    assert "--sandbox unsafe" in found["sandbox", "walls"]["fix"]


@x86_64_linux
def test_a_machine_without_landlock(w4s: CommandLine) -> None:
    process = on_a_kernel_without(Missing.LANDLOCK, MAIN, "doctor", "--json", folder=w4s.folder)
    found = findings(Done(process.returncode, process.stdout, process.stderr))
    assert process.returncode == 0, process.stderr
    assert found["sandbox", "walls"]["verdict"] == "ok"
    assert found["sandbox", "a private folder"]["verdict"] == "note"


def test_a_mistake_in_the_command(w4s: CommandLine) -> None:
    done = w4s("doctor", "--executor", "gpt-4o-mini")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""
