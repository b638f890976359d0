"""The nursery and its zygote: many starts at once, and whose group and session a child is in."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from w4s.sandbox.base import Ending, Job, Limits
from w4s.sandbox.host import PythonSandbox
from w4s.types import JSON

InSandbox = Callable[[Callable[[PythonSandbox], Awaitable[Any]]], Any]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def test_as_many_starts_as_come_at_once_arrive_whole(in_sandbox: InSandbox) -> None:
    async def story(sandbox: PythonSandbox) -> list[str]:
        nursery = await sandbox._nursery_for("")
        children = [nursery.spawn(Limits(), 5) for _ in range(100)]
        await asyncio.wait_for(asyncio.gather(*(child.ready.wait() for child in children)), 30)
        lost = [child._lost for child in children]
        await asyncio.gather(*(child.gone() for child in children))
        return lost

    assert in_sandbox(story) == [""] * 100


def test_a_child_has_a_group_of_its_own_in_the_zygotes_session(in_sandbox: InSandbox) -> None:
    """A group can be killed whole; sessions of their own would be scheduled against the host's."""
    seen: list[tuple[int, int, int]] = []

    async def story(sandbox: PythonSandbox) -> Ending:
        zygote = (await sandbox._nursery_for("")).pid

        async def look(method: str, arguments: Mapping[str, JSON]) -> JSON:
            listed = Path(f"/proc/{zygote}/task/{zygote}/children").read_text().split()
            seen.extend((pid, os.getpgid(pid), os.getsid(pid)) for pid in map(int, listed))
            seen.append((zygote, 0, os.getsid(zygote)))
            return None

        source = "def solver(agent):\n    return agent.ask('?')"
        return (await sandbox.run(Job(source), look)).ending

    assert in_sandbox(story) is Ending.RETURNED
    *children, (_, _, session) = seen
    assert children
    for pid, group, own_session in children:
        assert group == pid
        assert own_session == session
