"""`w4s serve` and `w4s export` as a user has them: a folder, processes, signals, kills."""

from __future__ import annotations

import json
import signal
import socket
import threading
import time
import urllib.error
from typing import Any

import pytest

from command_line import CommandLine
from serving_process import Serving, serving
from w4s.tasks.registry import load_task


def question() -> str:
    return load_task("toy_ledger").search.private[0].question


def test_a_file_whose_name_has_a_space_is_quoted_where_it_is_to_be_typed(w4s: CommandLine) -> None:
    done = w4s("export", "direct", "--executor", "openai:x", "--out", "sol ve.py")
    assert "then python 'sol ve.py' --help" in done.stdout


@pytest.mark.long
def test_a_run_is_served_and_exported(w4s: CommandLine) -> None:
    w4s("search", "toy_ledger", "--run", "r", "--turns", "1", "--samples", "1",
        "--private", "8", "--public", "1", "--test", "1")  # fmt: skip
    best = (w4s.folder / "r" / "best_workflow.py").read_text()
    with serving(w4s, "r") as here:
        assert here.model == "w4s-r"
        answer = here.ask(question())
        assert answer["usage"]["calls"] >= 1
        assert answer == here.ask(question()) | {k: answer[k] for k in ("id", "created")}
        here.process.send_signal(signal.SIGINT)
        out, errors = here.process.communicate(timeout=30)
    assert "2 answered, 0 failed" in out
    assert here.process.returncode == 0, errors
    done = w4s("export", "r", "--executor", "openai:gpt-4o-mini", "--out", "solve.py",
               environ={"OPENAI_API_KEY": "sk-secret"})  # fmt: skip
    assert "does NOT hold malice" in done.stdout
    text = (w4s.folder / "solve.py").read_text()
    assert best in text
    assert "MODEL = 'gpt-4o-mini'\nBASE_URL = 'https://api.openai.com/v1'" in text
    assert "sk-secret" not in text
    assert w4s("export", "r", "--executor", "openai:x", "--out", "solve.py").returncode == 2


@pytest.mark.long
def test_sigterm_lets_requests_come_to_their_end(w4s: CommandLine) -> None:
    with w4s.serving("toy_ledger", "--latency-ms", "1500") as executor:
        with serving(w4s, "direct", "--executor", executor.executor) as here:
            said: list[dict[str, Any]] = []
            asking = threading.Thread(target=lambda: said.append(here.ask(question())))
            asking.start()
            wait_for(lambda: here.health()["running"] == 1)
            here.process.send_signal(signal.SIGTERM)
            asking.join(timeout=30)
            assert said[0]["choices"][0]["message"]["content"]
            out, errors = here.process.communicate(timeout=30)
        assert here.process.returncode == 0
        assert "ending: 1 requests under way" in errors
        assert "1 answered, 0 failed" in out


@pytest.mark.long
def test_what_a_killed_server_spent_counts_when_it_is_started_again(w4s: CommandLine) -> None:
    """A call under way at the kill counts at its worst; here that leaves nothing to spend."""
    with w4s.serving("toy_ledger", "--latency-ms", "60000") as executor:
        words = ("direct", "--executor", executor.executor, "--account", "spent.sqlite",
                 "--max-usd", "0.006", "--price", "simulated=0/1")  # fmt: skip
        with serving(w4s, *words) as here:
            asking = threading.Thread(target=ask_in_vain, args=(here,))
            asking.start()
            wait_for(lambda: executor.stats()["concurrency"] == 1)
            here.process.kill()
            asking.join(timeout=30)
        with serving(w4s, *words) as here:
            with pytest.raises(urllib.error.HTTPError) as caught:
                here.ask(question())
            assert caught.value.code == 429
            assert json.load(caught.value)["error"]["code"] == "insufficient_quota"
            caught.value.close()


def ask_in_vain(here: Serving) -> None:
    with pytest.raises(OSError, match=r".*"):
        here.ask(question())


def wait_for(true: Any) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("serve", "direct"), "--executor openai:MODEL"),
        (("serve", "direct", "--executor", "simulated"), "--task"),
        (("serve", "directt", "--executor", "simulated"), "did you mean 'direct'"),
        (("serve", "direct", "--executor", "openai:x"), "OPENAI_API_KEY"),
        (("serve", "direct", "--executor", "openai:x@http://h/v1", "--host", "0.0.0.0"),
         "--client-key-env"),
        (("serve", "direct", "--executor", "openai:x@http://h/v1", "--client-key-env", "NOKEY"),
         "NOKEY is empty"),
        (("serve", "direct", "--executor", "openai:new-model", "--key-env", "HOME", "--max-usd",
          "1"), "--price new-model=IN/OUT"),
        (("serve", "direct", "--executor", "openai:x@http://h/v1", "--price", "y=1/2"),
         "--price y=…: no such model takes part (models: x)"),
        (("serve", "direct", "--executor", "openai:x@http://h/v1", "--question", "first"),
         "conversation"),
        (("export", "direct", "--executor", "simulated", "--out", "x.py"), "openai:MODEL"),
        (("export", "direct", "--out", "x.py"), "--executor openai:MODEL"),
        (("export", "direct", "--executor", "openai:x"), "which file? add --out FILE.py"),
        (("export", "broken.py", "--executor", "openai:x", "--out", "x.py"), "no Python"),
        (("export", "empty.py", "--executor", "openai:x", "--out", "x.py"), "no function solver"),
        (("export", "direct", "--executor", "openai:x", "--out", "no/where.py"), "cannot write"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_told_before_anything_listens(
    w4s: CommandLine, words: tuple[str, ...], told: str
) -> None:
    (w4s.folder / "broken.py").write_text("def solver(:")
    (w4s.folder / "empty.py").write_text("x = 1\n")
    done = w4s(*words)
    assert done.returncode == 2
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_taken_port_is_told_in_one_line(w4s: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        executor = "openai:x@http://127.0.0.1:9/v1"
        done = w4s("serve", "direct", "--executor", executor, "--port", port)
    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
