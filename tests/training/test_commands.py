"""`w4s train` and `w4s small pretrain` as a user has them: real files, real processes."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="pip install 'w4s[train]'")

from command_line import CommandLine, Done
from w4s.errors import Interrupted
from w4s.training.dataset import examples, write_examples
from w4s.training.logs import read_logs

pytestmark = pytest.mark.usefixtures("one_thread")

TRAIN = ("train", "set", "--model", "base", "--scheme", "full", "--learning-rate", "1e-3")


@pytest.fixture
def w4s(
    tmp_path: Path, make_model: Callable[..., Any], tokeniser: Any, make: Any, attempt: Any
) -> CommandLine:
    """A folder with a tiny model and six episodes."""
    make_model(dtype=torch.float32).save_pretrained(tmp_path / "base")
    tokeniser.save_pretrained(tmp_path / "base")
    found = [
        example
        for letter in "abcdef"
        for example in examples(
            make(
                [[attempt(f"plan {letter}", 0.8, 1.0), attempt("plan c", 0.2, 0.0)]],
                start=f"Write a workflow. {letter}",
            )
        )
    ]
    (tmp_path / "set").mkdir()
    write_examples(tmp_path / "set" / "examples.jsonl", found)
    return CommandLine(tmp_path)


def losses(run: Path) -> list[float]:
    return [log.loss for log in read_logs(run)]


def test_a_run_says_what_it_does(w4s: CommandLine) -> None:
    words = ("--run", "r", "--epochs", "3", "--examples-per-step", "4", "--evaluation-share", "0.2")
    done = w4s(*TRAIN, *words)
    assert done.returncode == 0, done.stderr
    assert "step 1 of" in done.stderr
    assert "tokens a second" in done.stderr
    assert "10 examples" in done.stdout
    assert "1 episodes held out: loss" in done.stdout
    assert "--meta-agent small:r/model" in done.stdout
    assert (w4s.folder / "r" / "model" / "model.safetensors").exists()
    again = w4s(*TRAIN, *words)
    assert again.returncode == 0
    assert again.stdout == done.stdout, "a finished run says the same again"
    other = w4s(*TRAIN, *words, "--seed", "1")
    assert other.returncode == 2
    assert "seed was 0, is 1" in other.stderr
    assert other.stderr.splitlines()[-1].startswith("w4s: r holds a run with other settings")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--model", "base", "--run", "r", "nowhere"), "w4s dataset makes one"),
        (("--model", "base", "--run", "r", "set", "--max-tokens", "5"), "longer than 5 tokens"),
        (("--model", "nobase", "--run", "r", "set"), "no checkpoint at nobase"),
        (("--model", "set", "--run", "r", "set"), "set holds no checkpoint"),
        (("--model", "base", "--run", "r", "set", "--scheme", "lra"), "scheme=lra"),
    ],
)
def test_one_clear_line(w4s: CommandLine, words: tuple[str, ...], says: str) -> None:
    done = w4s("train", *words)
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        ("train", "set", "--model", "base", "--run", "r"),
        ("small", "pretrain", "out"),
        ("search", "toy_ledger", "--run", "r", "--meta-agent", "small:base"),
    ],
    ids=lambda words: words[0],
)
def test_without_torch_it_says_what_to_install(w4s: CommandLine, words: tuple[str, ...]) -> None:
    program = "import sys; sys.modules['torch'] = None; from w4s.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-P", "-c", program, *words],
        cwd=w4s.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "torch, which is not installed: pip install 'w4s[train]'" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (w4s.folder / "r").exists()


def start(w4s: CommandLine, run: str, *, kill_at: int, number: signal.Signals) -> Done:
    """Train in a process, and send it a signal once so many steps are logged."""
    one_thread = {"OMP_NUM_THREADS": "1"}  # as here; several add up in another order
    process = w4s.start(*LONG, "--run", run, environ=one_thread)
    while len(losses(w4s.folder / run)) < kill_at:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.send_signal(number)
    out, errors = process.communicate(timeout=60)
    return Done(process.returncode, out, errors)


LONG = (*TRAIN, "--epochs", "40", "--examples-per-step", "4", "--save-every", "5")


@pytest.mark.long
@pytest.mark.timeout(600)
def test_killed_it_goes_on_to_the_same_losses(w4s: CommandLine) -> None:
    whole = w4s(*LONG, "--run", "whole")
    assert whole.returncode == 0, whole.stderr
    for kill_at in (7, 31):
        start(w4s, "killed", kill_at=kill_at, number=signal.SIGKILL)
    done = w4s(*LONG, "--run", "killed")
    assert done.returncode == 0, done.stderr
    assert losses(w4s.folder / "killed") == losses(w4s.folder / "whole")


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_keeps_the_step_under_way(w4s: CommandLine, number: signal.Signals) -> None:
    whole = w4s(*LONG, "--run", "whole")
    assert whole.returncode == 0, whole.stderr
    stopped = start(w4s, "stopped", kill_at=8, number=number)
    assert stopped.returncode == 130, stopped.stderr
    assert stopped.stderr.splitlines()[-1] == "w4s: stopped; the same command goes on from here"
    taken = len(losses(w4s.folder / "stopped"))
    assert (w4s.folder / "stopped" / "checkpoints" / f"{taken:08d}").exists()
    done = w4s(*LONG, "--run", "stopped")
    assert done.returncode == 0, done.stderr
    assert losses(w4s.folder / "stopped") == losses(w4s.folder / "whole")


def test_a_small_meta_agent_replaces_nothing_but_one_like_it(w4s: CommandLine) -> None:
    for folder in ("work", "work/inner"):
        (w4s.folder / folder).mkdir()
        (w4s.folder / folder / "thesis.txt").write_text("precious")
    (w4s.folder / "file").write_text("precious")
    for out, says in {
        "work": "work holds something else than a model",
        ".": "holds something else than a model",
        "file": "cannot write to the folder file",
        "file/out": "cannot write to the folder file/out",
    }.items():
        done = w4s("small", "pretrain", out, "--examples", "16", "--width", "32", "--layers", "1")
        assert done.returncode == 2, done.stderr
        assert says in done.stderr
        assert done.stderr.count("\n") == 1
    assert (w4s.folder / "work" / "inner" / "thesis.txt").read_text() == "precious"


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_small_meta_agent_from_nothing(w4s: CommandLine) -> None:
    done = w4s("small", "pretrain", "made", "--examples", "64", "--width", "32", "--layers", "1")
    assert done.returncode == 0, done.stderr
    assert "step 1 of 4" in done.stderr
    assert "--meta-agent small:made" in done.stdout
    again = w4s("small", "pretrain", "made", "--examples", "16", "--width", "96", "--layers", "1")
    assert again.returncode == 0, "it replaces one like it; heads may be odd in number"
    found = w4s(
        *("search", "toy_ledger", "--meta-agent", "small:made", "--run", "s", "--turns", "1"),
        *("--private", "4", "--public", "2", "--reply-tokens", "32"),
    )
    assert found.returncode == 0, found.stderr


def test_a_search_does_not_go_on_with_a_checkpoint_that_was_trained_again(
    w4s: CommandLine, make_model: Callable[..., Any]
) -> None:
    search = (
        *("search", "toy_ledger", "--meta-agent", "small:base", "--run", "s", "--samples", "1"),
        *("--private", "4", "--public", "2", "--test", "4", "--reply-tokens", "8"),
    )
    done = w4s(*search, "--turns", "1")
    assert done.returncode == 0, done.stderr
    make_model(seed=1, dtype=torch.float32).save_pretrained(w4s.folder / "base")
    for words in ((*search, "--turns", "2"), ("test", "s")):
        other = w4s(*words)
        assert other.returncode == 2, other.stderr
        assert "weights: other ones). Put data and checkpoints back as they were" in other.stderr
    assert w4s("report", "s").returncode == 0


@pytest.mark.long
def test_folders_whose_names_have_a_space_are_quoted_where_they_are_to_be_typed(
    w4s: CommandLine,
) -> None:
    made = w4s("small", "pretrain", "my model", "--examples", "16", "--width", "32", "--layers=1")
    assert "--meta-agent 'small:my model' --run" in made.stdout
    trained = w4s(*TRAIN, "--run", "my run", "--epochs", "1")
    assert "--meta-agent 'small:my run/model' --run" in trained.stdout


def test_training_as_a_function_stops_in_good_order_and_goes_on(w4s: CommandLine) -> None:
    from w4s.api import run, train
    from w4s.training.settings import Scheme

    def training(folder: Path) -> Any:
        return train(
            examples=w4s.folder / "set",
            model=str(w4s.folder / "base"),
            run=folder,
            scheme=Scheme.FULL,
            learning_rate=1e-3,
            epochs=8,
            examples_per_step=4,
            track=(),
        )

    class CtrlC(logging.Handler):
        """Presses it when the first step is done."""

        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage().startswith("step 1 of"):
                os.kill(os.getpid(), signal.SIGINT)

    log, handler = logging.getLogger("w4s"), CtrlC()
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        with pytest.raises(Interrupted):
            run(training(w4s.folder / "stopped"))
    finally:
        log.removeHandler(handler)
        log.setLevel(logging.NOTSET)
    assert len(losses(w4s.folder / "stopped")) > 0
    whole = run(training(w4s.folder / "whole"))
    gone_on = run(training(w4s.folder / "stopped"))
    assert gone_on.steps == whole.steps == len(losses(w4s.folder / "whole"))
    assert losses(w4s.folder / "stopped") == losses(w4s.folder / "whole")
