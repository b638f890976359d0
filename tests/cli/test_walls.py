"""The walls in the record of a run, and machines that lack them, through the real command."""

from __future__ import annotations

import json
from subprocess import CompletedProcess

from command_line import TASK, CommandLine
from kernels import Missing, on_a_kernel_without, x86_64_linux

MAIN = "from w4s.cli.main import main; main()"
SEARCH = ("search", TASK, "--private", "4", "--public", "1", "--test", "4", "--turns", "1")
TINY = (*SEARCH, "--samples", "1", "--run", "r")


def without_seccomp(w4s: CommandLine, *words: str) -> CompletedProcess[str]:
    return on_a_kernel_without(Missing.SECCOMP, MAIN, *words, folder=w4s.folder)


@x86_64_linux
def test_without_seccomp_nothing_runs_until_unsafe_is_typed(w4s: CommandLine) -> None:
    refused = without_seccomp(w4s, *TINY)
    assert refused.returncode == 2
    [line] = refused.stderr.splitlines()
    assert "cannot hold untrusted code" in line
    assert "--sandbox unsafe" in line
    assert not (w4s.folder / "r" / "config.toml").exists()  # nothing insists on walls from now on

    done = without_seccomp(w4s, *TINY, "--sandbox", "unsafe")
    assert done.returncode == 0, done.stderr
    assert "Sandbox: none (--sandbox unsafe)" in done.stdout
    tested = without_seccomp(w4s, "test", "r")
    assert tested.returncode == 0, tested.stderr
    assert json.loads((w4s.folder / "r" / "sandbox.json").read_text())["profile"] == "none"


@x86_64_linux
def test_a_run_with_walls_is_not_tested_without_them(w4s: CommandLine) -> None:
    assert w4s(*TINY).returncode == 0
    refused = without_seccomp(w4s, "test", "r")
    assert refused.returncode == 2
    assert "cannot hold untrusted code" in refused.stderr
    assert not (w4s.folder / "r" / "tests.jsonl").exists()


def test_what_the_canaries_met_stands_in_each_record(w4s: CommandLine) -> None:
    (w4s.folder / "c.toml").write_text(
        f'tasks = ["{TASK}"]\nmethods = ["random"]\nbaselines = ["direct"]\nseeds = 1\n'
        "[search]\nprivate = 4\npublic = 1\ntest = 4\nturns = 1\nsamples = 1\n"
    )
    compared = w4s("compare", "c.toml")
    assert compared.returncode == 0, compared.stderr
    for name in ("random", "direct"):
        run = f"runs/c/{TASK}/{name}/seed0"
        report = json.loads(w4s("report", run, "--format", "json").stdout)
        assert report["walls"]["kind"] == "walls"
        assert {"read a file", "tcp socket", "fork"} <= set(report["walls"]["held"])
        assert "canaries held" in w4s("report", run, "--format", "markdown").stdout
