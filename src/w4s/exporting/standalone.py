"""The part that is written for an exported file alone: its model, its processes, its commands.

In: the constants of one export, which stand empty here and are filled in by `exporting.file`. Out:
`solve(question)`, and a command line. All else in an exported file is the package's own code,
brought along by `exporting.bundle`: the interface, the limits of a call, how replies are read,
how a program is run. The processes here have limits and no walls; `WARNING` says so.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from w4s.agent import make_agent
from w4s.answering import NotAnswered, answer_of, question_of_user, unjudged, wants_entry_point
from w4s.errors import Overloaded, ProviderError, Rejected, ServerFault, Unsupported
from w4s.executor import Allowance, Executor
from w4s.models.base import Purpose, Reply, Request
from w4s.models.choices import AllChoices
from w4s.models.features import Features, body, features_of, lesson
from w4s.models.refusals import Refusal, read_refusal, status_error
from w4s.models.replies import ErrorInstead, read_reply
from w4s.runner import Runner
from w4s.sandbox.base import Ending, HostCall, Job, Limits, Result
from w4s.sandbox.exchange import Answers, Exchange
from w4s.sandbox.frames import BadFrame, FrameReader, pack
from w4s.sandbox.host import order
from w4s.sandbox.inside.channel import Channel, Stopped
from w4s.sandbox.inside.program import NOT_COMPILED, Program, failure, not_compiled, run
from w4s.types import Outcome, Trouble, Workflow

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

ATTEMPTS = 8
MOST_REFUSALS = 12
"""Refusals of features in one call, after which the server refuses without learning."""
LONGEST_PAUSE_SECONDS = 60.0
REQUEST_SECONDS = 600.0
FILE_BYTES = 16 * 2**20
"""Largest file that a process may write."""
SPARE_CPU_SECONDS = 2
"""Between the limit that raises in the program and the one that kills it."""
LINGER_SECONDS = 1.0
CHILD = "--run-one-program"
"""First word of the command line of the processes that this file starts."""


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


# --- The model -----------------------------------------------------------------------------


class PinnedModel:
    """One model of one server, through the `openai` package.

    Repeats what may succeed the next time, and learns what the server lacks from its refusals."""

    def __init__(self, model: str, base_url: str, key: str) -> None:
        import openai  # here, because the processes that run programs must not wait for it

        self._model = model
        self._where = urlsplit(base_url).hostname or ""
        self._features = features_of(self._where)
        self._client = openai.AsyncOpenAI(
            api_key=key or "none", base_url=base_url, max_retries=0, timeout=REQUEST_SECONDS
        )

    @property
    def name(self) -> str:
        return f"openai:{self._model}@{self._where}"

    async def complete(self, request: Request) -> Reply:
        for attempt in range(ATTEMPTS):
            try:
                return await self._attempt(request)
            except (Overloaded, ServerFault) as error:
                if attempt == ATTEMPTS - 1:
                    raise
                pause = max(error.retry_after or 0.0, 0.5 * 2**attempt)
                await asyncio.sleep(min(pause, LONGEST_PAUSE_SECONDS))
        raise AssertionError("the last attempt returns or raises")

    async def aclose(self) -> None:
        await self._client.close()

    async def _attempt(self, request: Request) -> Reply:
        """Send until the server has refused no feature; such refusals are no failed attempts."""
        for _ in range(MOST_REFUSALS):
            with contextlib.suppress(Unsupported):
                return await self._ask(request)
        raise Rejected(f"{self._where} goes on refusing features")

    async def _ask(self, request: Request) -> Reply:
        sent = body(self._model, request, self._features)
        text = await self._post(sent)
        try:
            reply = read_reply(text, request)
        except ErrorInstead as instead:
            raise self._error(read_refusal(instead.status, {}, instead.text), sent) from None
        except ValueError as error:
            raise ServerFault(f"{self._where} sent no usable answer: {error}") from None
        if "n" in sent and len(reply.choices) == 1:
            self._features = replace(self._features, n=False)
        return reply

    async def _post(self, sent: dict[str, Any]) -> str:
        """The body of the answer."""
        import openai

        try:
            answer = await self._client.chat.completions.with_raw_response.create(**sent)
        except openai.APIStatusError as error:
            answered = error.response
            refusal = read_refusal(answered.status_code, answered.headers, answered.text)
            raise self._error(refusal, sent) from None
        except openai.APIConnectionError as error:
            raise ServerFault(f"no answer from {self._where}: {error.__cause__ or error}") from None
        return str(answer.text)

    def _error(self, refusal: Refusal, sent: dict[str, Any]) -> ProviderError:
        if refusal.may_be_of_a_feature:
            learned: Features | None = lesson(self._features, sent, refusal.text, refusal.param)
            if learned is not None:
                self._features = learned
                return Unsupported(refusal.message)
        return status_error(refusal, self._where)


# --- The processes -------------------------------------------------------------------------


class SubprocessSandbox:
    """Runs each job in a Python process of its own, under limits but without walls."""

    async def run(self, job: Job, host: HostCall | None = None) -> Result:
        ours, theirs = socket.socketpair()
        with ours, tempfile.TemporaryDirectory(prefix="workflow-") as folder:
            with theirs:
                process = _start(theirs.fileno(), folder)
            answers = Answers(host)
            try:
                exchange = await _converse(job, answers, ours, process)
            finally:
                answers.cancel()
                _signal(process, signal.SIGKILL)
                await asyncio.to_thread(process.wait)
        if exchange.error is not None:
            raise exchange.error
        return exchange.result("", _end_of(process))

    async def aclose(self) -> None:
        """Nothing is held."""


def _start(descriptor: int, folder: str) -> subprocess.Popen[bytes]:
    # PYTHONHASHSEED is that of the search: a workflow may depend on the order of a set.
    return subprocess.Popen(
        [sys.executable, "-s", "-P", os.path.abspath(__file__), CHILD, str(descriptor)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(descriptor,),
        cwd=folder,
        env={"PYTHONHASHSEED": "0", "PATH": os.defpath, "LANG": "C.UTF-8"},
        start_new_session=True,
    )


async def _converse(
    job: Job, answers: Answers, ours: socket.socket, process: subprocess.Popen[bytes]
) -> Exchange:
    """Give the job to the process and answer its calls, until its last word or its limit."""
    reader, writer = await asyncio.open_connection(sock=ours)
    writer.write(pack(order(job, answers.offered)))
    await reader.read(1)  # it is up, and its clock begins
    exchange: Exchange

    def stop(number: int) -> None:
        _signal(process, number)
        if number == signal.SIGKILL:  # and in case another process keeps the line open
            asyncio.get_running_loop().call_later(LINGER_SECONDS, exchange.close)

    exchange = Exchange(
        job.limits,
        answers,
        send=lambda message: writer.write(pack(message)),
        stop=stop,
        ask_delay=lambda: exchange.delayed(0.0),
    )
    listening = asyncio.ensure_future(_listen(reader, job, exchange))
    try:
        await exchange.answered.wait()
    finally:
        listening.cancel()
        writer.close()
    return exchange


async def _listen(reader: asyncio.StreamReader, job: Job, exchange: Exchange) -> None:
    frames = FrameReader(max(job.limits.frame_bytes, 2 * job.limits.result_bytes + 4096))
    with contextlib.suppress(BadFrame, ValueError, OSError):
        while data := await reader.read(2**16):
            for message in frames.feed(data):
                exchange.take(message)
    exchange.close()


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    """A kill takes the whole group; a soft stop only the program."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if number == signal.SIGKILL:
            os.killpg(process.pid, number)
        elif process.poll() is None:
            process.send_signal(number)


def _end_of(process: subprocess.Popen[bytes]) -> tuple[Ending, Trouble]:
    """How a process ended that left no word."""
    code = process.returncode
    if code >= 0:
        return Ending.EXITED, Trouble("Exit", f"the process ended itself with code {code}")
    return Ending.KILLED, Trouble("Killed", f"ended by {signal.Signals(-code).name}")


def run_one_program(descriptor: int) -> None:
    """What the processes do: one job under limits, its last word, and the end."""
    line = socket.socket(fileno=descriptor)
    channel = Channel(line)
    told = channel.next_order()
    if told is None:
        return
    channel.frame_bytes = told["frame_bytes"]
    signal.signal(signal.SIGUSR2, _at_limit)
    signal.signal(signal.SIGXCPU, _at_limit)
    _lay_limits(told["cpu_seconds"])
    line.sendall(b"!")
    channel.send(_carried_out(told, channel))
    os._exit(0)


def _at_limit(number: int, frame: object) -> None:
    raise Stopped("a limit was reached")


def _lay_limits(cpu_seconds: int) -> None:
    used = int(sum(os.times()[:2]))
    cpu = used + cpu_seconds
    memory = _address_space() + Limits().memory_mb * 2**20
    for what, soft, hard in (
        (resource.RLIMIT_CPU, cpu, cpu + SPARE_CPU_SECONDS),
        (resource.RLIMIT_AS, memory, memory),
        (resource.RLIMIT_FSIZE, FILE_BYTES, FILE_BYTES),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        resource.setrlimit(what, (soft, hard))


def _address_space() -> int:
    """Bytes that this process has mapped already."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def _carried_out(told: dict[str, Any], channel: Channel) -> dict[str, Any]:
    try:
        try:
            program = Program(told["source"], told["action"])
        except NOT_COMPILED as error:
            return {"failed": not_compiled(error)}
        return {"done": run(told, program, lambda: make_agent(channel.call))}
    except BaseException as error:
        return {"failed": failure(error)}


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
            row = json.loads(line)
            if not isinstance(row, dict) or not isinstance(row.get("question"), str):
                raise ValueError(f'{path}, line {number}: no object with a text "question"')
            yield row


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
