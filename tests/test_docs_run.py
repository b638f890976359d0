"""Every command and snippet of README and docs is run, page by page, in the order of the page.

Each page gets a folder of its own and the simulated executor in place of models that cost money,
toy tasks in place of benchmarks, and as few problems as there can be. What cannot be run here is
marked with the reason, and `test_docs.py` checks that it exists all the same.
"""

from __future__ import annotations

import importlib.util
import re
import runpy
import shlex
import shutil
from pathlib import Path

import pytest

from command_line import SMALL, CommandLine
from documented import PAGES, ROOT, Block, Command, blocks, commands, snippets

pytestmark = pytest.mark.long

NOT_RUN = {
    "make": "these are what sets up, tests and builds; CI runs them",
    "git": "the reader has the repository already when they run the rest",
    "pip": "installs",
    "export": "sets a key",
    "torchrun": "several GPUs",
    "scripts/serve_vllm.sh": "a GPU and vLLM",
    "inspect": "a harness of its own; tests/serving runs it where it is installed",
    "pytest": "the tests themselves",
    "tensorboard": "a server",
    "mlflow": "a server",
    "wandb": "an account",
    "trackio": "a server",
    "curl": "needs the server of the block before",
    "cd": "the tests stand in the right folder",
}
"""Programs."""
NOT_RUN_WORDS = {
    "w4s serve": "a server; tests/cli/test_serve.py has it answer",
    "w4s serve-simulated": "a server; nearly every test of the command line uses it",
    "w4s train --model Qwen": "weights of gigabytes",
    "w4s doctor --executor": "real endpoints; tests/doctor tries simulated ones",
    "w4s compare benchmarks/comparison.toml": "hours",
    "python -m benchmarks": "minutes to hours; what they are is in LOG.md",
    "python solve.py": "needs a key; tests/exporting runs such a file",
    "python benchmarks/": "minutes to hours",
}
"""Beginnings of commands, once the options in between are left out."""
NOT_RUN_SNIPPETS = {
    "from solve import solve": "needs a key; tests/exporting imports such a file",
    "from openai import OpenAI": "needs a server; tests/serving asks one in this way",
    "import openai": "likewise",
}
TORCH = importlib.util.find_spec("torch") is not None
TOYS = {
    "gsm_hard": "toy_ledger",
    "gsm8k": "toy_passage",
    "svamp": "toy_dates",
    "gsm_plus": "toy_ledger",
    "mgsm": "toy_dates",
    "math": "toy_ledger",
    "humaneval": "toy_lists",
}
FEW = {
    "search": {"turns": 1, "samples": 2, "private": 8, "public": 2, "test": 8},
    "collect": {"episodes": 1, "turns": 1, "samples": 2, "private": 8, "public": 2},
    "evaluate": {"private": 8},
    "tasks": {"private": 8},
}
"""Sizes, by command."""
COMPARISON = """
tasks = ["toy_ledger"]
methods = ["w4s"]
baselines = ["direct"]
seeds = 1
search = {turns = 1, samples = 2, private = 8, public = 2, test = 8}
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, for pages that speak of one."""
    folder = tmp_path_factory.mktemp("finished")
    words = ("search", "toy_ledger", "--turns", "1", "--samples", "2", *SMALL, "--run", "run")
    assert CommandLine(folder)(*words).returncode == 0
    return folder / "run"


def reason(command: Command) -> str | None:
    """Why a command is not run, if it is not."""
    if command.program in NOT_RUN:
        return NOT_RUN[command.program]
    text = " ".join((command.program, *command.words[1:]))
    if not TORCH and re.search(r"^w4s train|-agent small", text):
        return "needs w4s[train]"
    for beginning, why in NOT_RUN_WORDS.items():
        if all(word in text for word in beginning.split()) and text.startswith(
            " ".join(beginning.split()[:2])
        ):
            return why
    return None


def simulated(words: list[str]) -> list[str]:
    """The same command with nothing that costs money or hours."""
    changed = []
    for before, word in zip(["", *words], words, strict=False):
        if words[0] not in ("export", "serve"):
            if before == "--executor" and word.startswith("openai:"):
                word = "simulated"
            if before == "--meta-agent" and not word.startswith("small"):
                word = "grammar"
        changed.append(TOYS.get(word, word))
    command = changed[1] if changed[0] == "estimate" else changed[0]
    if command == "tasks" and "--headroom" not in changed:
        return changed
    for name, value in FEW.get(command, {}).items():
        changed += [f"{name}={value}"]
        if (flag := f"--{name}") in changed:
            at = changed.index(flag)
            del changed[at : at + 2]
    return changed


def prepared(folder: Path, words: list[str], finished: Path) -> None:
    """What the reader has before this command: their own file, an earlier run."""
    if words[0] in ("test", "report", "watch", "export") or words[:2] == ["estimate", "test"]:
        for word in words:
            if word.startswith("runs/") and not (folder / word).exists():
                shutil.copytree(finished, folder / word)
    for flag in ("--run", "--out"):  # two blocks of a page may be two ways to begin
        if words[0] in ("search", "collect", "dataset") and flag in words:
            shutil.rmtree(folder / words[words.index(flag) + 1], ignore_errors=True)
    if words[0] in ("tasks", "search") and "mytask.py" in words[1:] and "--new" not in words:
        shutil.copy(ROOT / "examples" / "own_task.py", folder / "mytask.py")


def run(command: Command, folder: Path, finished: Path) -> None:
    text = command.text.partition(" > ")[0]
    words = shlex.split(text, comments=True)
    while "=" in words[0]:
        del words[0]
    if words[0].endswith("python"):
        runpy.run_path(str(ROOT / words[1]), run_name="__main__")
        return
    words = simulated(words[1:])
    prepared(folder, words, finished)
    done = CommandLine(folder)(*words)
    assert done.returncode == 0, f"{command.place}: w4s {shlex.join(words)}\n{done.stderr}"


def scratch(folder: Path) -> None:
    """The files that the pages speak of."""
    shutil.copytree(ROOT / "examples", folder / "examples")
    shutil.copy(ROOT / "examples" / "own_task.csv", folder / "own_task.csv")
    shutil.copy(ROOT / "examples" / "own_task.csv", folder / "orders.csv")
    (folder / "comparison.toml").write_text(COMPARISON)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_a_page_runs_from_top_to_bottom(
    page: Path, tmp_path: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch(tmp_path)
    monkeypatch.chdir(tmp_path)
    shown = {block.place for block in snippets()}
    for block in blocks(page):
        if block.place in shown:
            snippet(block, finished)
        for command in commands(block):
            if reason(command) is None:
                run(command, tmp_path, finished)


def snippet(block: Block, finished: Path) -> None:
    """Run it as a file of its own, where runs that it names are there."""
    code = compile(block.text, block.place, "exec", dont_inherit=True)
    if any(mark in block.text for mark in NOT_RUN_SNIPPETS):
        return
    for run_folder in set(re.findall(r"Path\(\"(runs/[\w-]+)\"\)", block.text)):
        if not Path(run_folder).exists() and "w4s.search(" not in block.text:
            shutil.copytree(finished, run_folder)
    exec(code, {"__name__": "__main__"})


def test_most_is_run() -> None:
    """The exceptions do not eat the rule."""
    every = [c for page in PAGES for block in blocks(page) for c in commands(block)]
    own = [c for c in every if c.program == "w4s"]
    assert sum(reason(c) is None for c in own) > 0.7 * len(own)
