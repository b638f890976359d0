"""The scripts that stand beside the package: they run, and say what they would start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SERVE, RUN = ROOT / "scripts" / "serve_vllm.sh", ROOT / "recipes" / "paper" / "run.sh"

if not (ROOT / "recipes").is_dir():
    pytest.skip("the recipes are not part of an installation", allow_module_level=True)

SHORT = {
    "EXPERIMENTS": "math",
    "SEEN_math": "toy_bignum",
    "TESTED_math": "toy_ledger",
    "EPISODES_math": "1",
    "VERSIONS": "rlao sft",
    "BASELINES": "direct",
    "SEEDS": "1",
    "JOBS": "1",
    "COLLECT": "--temperature 1 --reply-tokens 300 --isolation batch --private 8 --public 2",
    "TRAIN": "--scheme full --learning-rate 1e-3 --epochs 1 --evaluation-share 0",
    "SEARCH": "turns = 1\nsamples = 2\nreply_tokens = 300\nprivate = 8\npublic = 2\ntest = 10\n"
    'temperature = 1.0\nisolation = "batch"',
}


def script(folder: Path, *words: object, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=800,
    )


def w4s_in(folder: Path) -> str:
    """The command, of this very source."""
    command = folder / "w4s"
    command.write_text(
        f"#!{sys.executable} -P\nfrom w4s.cli.main import main\n\n"
        "if __name__ == '__main__':\n    main()\n"
    )
    command.chmod(0o755)
    return str(command)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_papers_experiment_in_short(tmp_path: Path) -> None:
    """On the simulated executor; a second time nothing is done again."""
    pytest.importorskip("torch", reason="pip install 'w4s[train]'")
    w4s = w4s_in(tmp_path)
    done = script(tmp_path, RUN, "simulated", W4S=w4s, RUNS="runs", **SHORT)
    assert done.returncode == 0, done.stderr
    report = tmp_path / "runs" / "math" / "compare-simulated" / "comparison.md"
    text = report.read_text()
    for contestant in ("untrained", "rlao", "sft", "random", "direct"):
        assert contestant in text
    models = sorted((tmp_path / "runs" / "math").glob("*/model/model.safetensors"))
    assert [m.parts[-3] for m in models] == ["rlao", "sft"]
    before = {path: path.stat().st_mtime_ns for path in models}
    again = script(tmp_path, RUN, "simulated", "collect", "compare", W4S=w4s, RUNS="runs", **SHORT)
    assert again.returncode == 0, again.stderr
    assert "mean reward" not in again.stderr, "no episode is played again"
    assert " of 5: " not in again.stderr, "no contest is run again"
    assert before == {path: path.stat().st_mtime_ns for path in models}


def test_an_unknown_step_is_refused(tmp_path: Path) -> None:
    done = script(tmp_path, RUN, "simulated", "colect", RUNS="runs")
    assert done.returncode == 2
    assert "unknown step colect: estimate, collect, train, compare" in done.stderr


# --- vLLM, played by a script that prints what it was given -----------------------------------


@pytest.fixture
def vllm(tmp_path: Path) -> str:
    command = tmp_path / "venv" / "bin" / "vllm"
    command.parent.mkdir(parents=True)
    command.write_text('#!/bin/sh\nfor word in "$@"; do echo "$word"; done\n')
    command.chmod(0o755)
    return str(tmp_path / "venv")


def test_adapters_are_served_under_names_of_their_own(tmp_path: Path, vllm: str) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "adapter_config.json").write_text("{}")
    done = script(tmp_path, SERVE, "org/base", "v1=one", "v2=two", VENV=vllm, PORT="9009")
    assert done.returncode == 0, done.stderr
    words = done.stdout.split()
    assert words[:2] == ["serve", "org/base"]
    assert words[words.index("--port") + 1] == "9009"
    assert words[words.index("--lora-modules") + 1 :][:2] == ["v1=one", "v2=two"]
    assert "--enable-lora" in words


def test_another_model_in_the_same_folder_gets_another_name(tmp_path: Path, vllm: str) -> None:
    model = tmp_path / "round1" / "model"
    model.mkdir(parents=True)
    names = []
    for weights in ("first", "second"):
        (model / "model.safetensors").write_text(weights)
        words = script(tmp_path, SERVE, model, VENV=vllm).stdout.split()
        names.append(words[words.index("--served-model-name") + 1])
    assert names[0] != names[1]
    assert all(name.startswith("round1-") for name in names)


def test_a_folder_without_an_adapter_is_refused(tmp_path: Path, vllm: str) -> None:
    done = script(tmp_path, SERVE, "org/base", "v1=nowhere", VENV=vllm)
    assert done.returncode == 2
    assert "nowhere holds no adapter" in done.stderr
