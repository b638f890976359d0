"""The zygote rehearses a child's life: to its end, and leaving nothing behind."""

import json
import subprocess
import sys
from importlib.resources import files

import pytest

REHEARSE = """
import json, os, resource, sys
from w4s.sandbox.frames import FrameReader
from w4s.sandbox.inside import life, zygote
prelude = zygote._prelude(sys.argv[1])
life.prepare_descriptors()
before = resource.getrlimit(resource.RLIMIT_CPU), sorted(os.listdir("/proc/self/fd"))
bare = life.Inheritance(lambda order: None, prelude["make_agent"], (), [])
program, reply = prelude.get("REHEARSAL", zygote.PROGRAM), prelude.get("REPLY", "")
heard = life.rehearse({}, program, reply, bare)
after = resource.getrlimit(resource.RLIMIT_CPU), sorted(os.listdir("/proc/self/fd"))
os.write(2, json.dumps([list(FrameReader(1 << 20).feed(heard)), before == after]).encode())
"""
TWO_CALLS = """
def make_agent(call):
    return lambda *given, **named: [call("first"), call("second")]
"""


def rehearse(prelude: str) -> list[dict[str, object]]:
    """What the rehearsed life told its host."""
    command = [sys.executable, "-c", REHEARSE, prelude]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    messages, unchanged = json.loads(ended.stderr)
    assert unchanged, "the rehearsal left a limit or a descriptor behind"
    told: list[dict[str, object]] = messages
    return told


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_agent_of_every_workflow_is_rehearsed_to_its_answer() -> None:
    ready, call, done = rehearse(files("w4s").joinpath("agent.py").read_text("utf-8"))
    assert ready == {"ready": True}
    assert call["call"] == "llm"
    assert done == {"done": {"answer": "1"}}


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_prelude_that_asks_more_than_is_answered_does_not_hang_the_zygote() -> None:
    *_, last = rehearse(TWO_CALLS)
    assert "failed" in last
