"""What users of an exported file call: `solve(question)`, and a command line.

In: the constants of one export, which stand empty here and are filled in by `exporting.file`, and
questions. Out: answers. Model and processes are the file's own (`pinned`, `processes`); all else
is the code that a search runs, brought along by `exporting.bundle`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from w4s.answering import NotAnswered, answer_of, question_of_user, unjudged, wants_entry_point
from w4s.errors import ProviderError
from w4s.executor import Allowance, Executor
from w4s.exporting.pinned import PinnedModel
from w4s.exporting.processes import CHILD, SubprocessSandbox, run_one_program
from w4s.models.base import Purpose
from w4s.models.choices import AllChoices
from w4s.runner import Runner
from w4s.sandbox.base import Limits
from w4s.types import Outcome, Workflow

WORKFLOW = ""
MODEL = ""
BASE_URL = ""
KEY_VARIABLE = ""
SEED = 0
SOLVER_CALLS = 50
REPLY_TOKENS = 4096
SOLVER_SECONDS = 20.0

WARNING = """\
This file runs Python that a language model wrote: the workflow, and what the workflow gives to
execute_code. Each piece runs in a process of its own with limits on time, processor time, memory
and file size, without your environment variables. That holds accidents. It does NOT hold malice:
such a process may read your files, use the network and start other processes. For questions or
models that you do not trust run this file in a container or virtual machine without secrets, or
use `w4s serve`, whose walls hold these things."""


# --- For users -----------------------------------------------------------------------------


def solve(
    question: str,
    *,
    entry_point: str | None = None,
    public_tests: Sequence[str] = (),
    id: str | None = None,
    model: str = MODEL,
    base_url: str = BASE_URL,
) -> str:
    """The workflow's answer to one question; may be called from several threads.

    For programming tasks `entry_point` names the function to write, and `public_tests` are
    assert statements that the workflow may try its code on. Equal questions get equal answers
    where the server honours `seed`; another `id` draws afresh. Raises NotAnswered when the
    workflow fails, ProviderError when the key or the model is refused."""
    return answer_of(
        outcome(
            question,
            entry_point=entry_point,
            public_tests=public_tests,
            id=id,
            model=model,
            base_url=base_url,
        )
    )


def outcome(
    question: str,
    *,
    entry_point: str | None = None,
    public_tests: Sequence[str] = (),
    id: str | None = None,
    model: str = MODEL,
    base_url: str = BASE_URL,
) -> Outcome:
    """As `solve`, with what the answer took (`usage`) or why there is none (`trouble`)."""
    workflow = Workflow(WORKFLOW)
    takes = wants_entry_point(workflow)
    if takes and not entry_point:
        raise ValueError("this workflow writes functions: give entry_point, the function's name")
    problem = question_of_user(question, entry_point if takes else None, public_tests, id)
    work = _runner(model, base_url).run(workflow, problem, Purpose.USE)
    return asyncio.run_coroutine_threadsafe(work, _loop()).result()


_ONE_AT_A_TIME = threading.Lock()


def _loop() -> asyncio.AbstractEventLoop:
    """The event loop of this file, in a thread of its own."""
    with _ONE_AT_A_TIME:
        return _started_loop()


@lru_cache(1)
def _started_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="workflow", daemon=True).start()
    return loop


def _runner(model: str, base_url: str) -> Runner:
    with _ONE_AT_A_TIME:
        return _made_runner(model, base_url)


@lru_cache(8)
def _made_runner(model: str, base_url: str) -> Runner:
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not key and not _needs_no_key(base_url):
        raise ValueError(f"set the environment variable {KEY_VARIABLE} to the key of {base_url}")
    executor = Executor(
        AllChoices(PinnedModel(model, base_url, key)),
        SubprocessSandbox(),
        SEED,
        Allowance(requests=SOLVER_CALLS, max_tokens=REPLY_TOKENS),
    )
    seconds = SOLVER_SECONDS
    return Runner(executor, unjudged, Limits(seconds=seconds, cpu_seconds=max(1, round(seconds))))


def _needs_no_key(base_url: str) -> bool:
    """Servers on this machine mostly take any."""
    return urlsplit(base_url).hostname in ("127.0.0.1", "localhost", "::1")


# --- The command line ----------------------------------------------------------------------


def main() -> None:
    """Entry point of the file."""
    if sys.argv[1:2] == [CHILD]:
        run_one_program(int(sys.argv[2]))
        return
    asked = _arguments()
    try:
        sys.exit(_answer_batch(asked) if asked.batch else _answer_one(asked))
    except (ValueError, OSError, ProviderError, ImportError) as error:
        sys.exit(f"{os.path.basename(sys.argv[0])}: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Answer questions with the workflow in this file.",
        epilog=WARNING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("question", nargs="?", help="a question; - reads it from standard input")
    parser.add_argument(
        "--batch",
        metavar="FILE",
        help='JSON lines, each with "question" and, if wanted, "id", "entry_point" and'
        ' "public_tests"; prints one line of JSON for each, in their order',
    )
    parser.add_argument("--model", default=MODEL, help="default: %(default)s")
    parser.add_argument("--base-url", default=BASE_URL, help="default: %(default)s")
    parser.add_argument("--entry-point", help="programming tasks: the function to write")
    parser.add_argument("--workers", type=int, default=8, help="questions at a time [8]")
    asked = parser.parse_args()
    if (asked.question is None) == (asked.batch is None):
        parser.error("give a question, or --batch FILE")
    return asked


def _answer_one(asked: argparse.Namespace) -> int:
    question = sys.stdin.read() if asked.question == "-" else asked.question
    try:
        answer = solve(
            question,
            entry_point=asked.entry_point,
            model=asked.model,
            base_url=asked.base_url,
        )
    except NotAnswered as error:
        print(f"no answer: {error}", file=sys.stderr)
        return 1
    print(answer)
    return 0


def _answer_batch(asked: argparse.Namespace) -> int:
    """All rows, some at a time; 1 when one has no answer."""
    failed = 0
    rows = list(_rows(asked.batch))
    with ThreadPoolExecutor(max(1, asked.workers)) as pool:
        try:
            for answered in pool.map(lambda row: _answer_row(row, asked), rows):
                print(json.dumps(answered, ensure_ascii=False), flush=True)
                failed += "error" in answered
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # what has not begun costs nothing yet
            raise
    return 1 if failed else 0


def _rows(path: str) -> Iterator[dict[str, Any]]:
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            yield _row(line, f"{path} line {number}")


def _row(line: str, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where}: not JSON: {error}") from None
    if not isinstance(row, dict) or not isinstance(row.get("question"), str):
        raise ValueError(f'{where}: no object with a text "question"')
    return row


def _answer_row(row: dict[str, Any], asked: argparse.Namespace) -> dict[str, Any]:
    tests: Iterable[str] = row.get("public_tests") or ()
    found = outcome(
        row["question"],
        entry_point=row.get("entry_point") or asked.entry_point,
        public_tests=tuple(tests),
        id=row.get("id"),
        model=asked.model,
        base_url=asked.base_url,
    )
    told: dict[str, Any] = {"id": row["id"]} if "id" in row else {}
    try:
        told["answer"] = answer_of(found)
    except NotAnswered as error:
        told["error"] = str(error)
    used = found.usage
    return told | {
        "calls": used.calls,
        "prompt_tokens": used.prompt_tokens,
        "completion_tokens": used.completion_tokens,
    }
