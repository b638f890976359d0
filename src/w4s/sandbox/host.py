"""The sandbox of this machine: jobs in, Results out, each job in a process of its own.

In: Jobs, any number at once. Out: Results. Jobs wait here for their place, a dead zygote is
replaced, and a job that lost its process through no fault of its own is run once more; answers
that its host had already given are given again, so nobody is asked twice.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import os
import resource
from pathlib import Path
from typing import Any

from w4s.errors import SandboxError
from w4s.sandbox.base import HostCall, Job, Result
from w4s.sandbox.child import ChildLost
from w4s.sandbox.exchange import Answers
from w4s.sandbox.nursery import Nursery

PACKAGES = ("numpy",)
"""Third-party packages that programs may import, where they are installed."""
DESCRIPTORS_PER_CALL = 3
SPARE_DESCRIPTORS = 200


class PythonSandbox:
    """A `Sandbox` on this machine. Belongs to the event loop of its first `run`.

    `prelude` is trusted Python source for the child (standard library only) that defines
    `make_agent(call)`; `concurrency` bounds the jobs with a host, which mostly wait for it;
    jobs without one compute, so only two per processor run at a time.
    """

    def __init__(self, prelude: str = "", concurrency: int = 1024) -> None:
        self._prelude = prelude
        self._waiting_places = asyncio.Semaphore(_affordable(concurrency))
        self._computing_places = asyncio.Semaphore(2 * (os.cpu_count() or 1))
        self._nursery: Nursery | None = None
        self._starting = asyncio.Lock()
        self._closed = False

    async def run(self, job: Job, host: HostCall | None = None) -> Result:
        """See `Sandbox.run`."""
        answers = Answers(host)
        places = self._waiting_places if host is not None else self._computing_places
        async with places:
            try:
                return await self._run_somewhere(job, answers)
            finally:
                answers.cancel()

    async def aclose(self) -> None:
        self._closed = True
        async with self._starting:
            if self._nursery is not None:
                await self._nursery.aclose()
                self._nursery = None

    async def _run_somewhere(self, job: Job, answers: Answers) -> Result:
        try:
            return await self._run_once(job, answers)
        except ChildLost:
            answers.again()
        try:
            return await self._run_once(job, answers)
        except ChildLost as lost:
            raise SandboxError(f"a program lost its process twice: {lost}") from None

    async def _run_once(self, job: Job, answers: Answers) -> Result:
        nursery = await self._living_nursery()
        child = nursery.spawn(job.limits, job.limits.cpu_seconds + 2)
        return await child.carry_out(order(job, answers.offered), job.limits, answers)

    async def _living_nursery(self) -> Nursery:
        if self._nursery is None or self._nursery.dead:
            async with self._starting:
                if self._closed:
                    raise SandboxError("the sandbox is closed")
                if self._nursery is None or self._nursery.dead:
                    if self._nursery is not None:
                        await self._nursery.aclose()
                    self._nursery = await Nursery.open(self._settings())
        return self._nursery

    def _settings(self) -> dict[str, Any]:
        return {
            "prelude": self._prelude,
            "packages": list(PACKAGES),
            "package_folders": sorted(_folders(PACKAGES)),
        }


def order(
    job: Job, offered: bool, *, with_source: bool = True, keep: bool = False
) -> dict[str, Any]:
    """What the child is told. `keep`: more orders for the same source may follow."""
    return {
        "source": job.source if with_source else None,
        "action": job.action.value,
        "entry": job.entry,
        "arguments": dict(job.arguments),
        "cases": list(job.cases),
        "host": offered,
        "seed": _seed(job),
        "cpu_seconds": job.limits.cpu_seconds,
        "frame_bytes": job.limits.frame_bytes,
        "result_bytes": job.limits.result_bytes,
        "keep": keep,
    }


def _seed(job: Job) -> str:
    """For the program's `random`: the same job draws the same numbers in every run."""
    text = f"{job.source}\0{sorted(job.arguments.items())}\0{job.cases}"
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _folders(packages: tuple[str, ...]) -> set[str]:
    specs = [importlib.util.find_spec(name) for name in packages]
    return {str(Path(spec.origin).parent.parent) for spec in specs if spec and spec.origin}


def _affordable(concurrency: int) -> int:
    """Raise the limit of open descriptors as far as allowed; places that fit below it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = concurrency * DESCRIPTORS_PER_CALL + SPARE_DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return concurrency
    return max(1, min(concurrency, (soft - SPARE_DESCRIPTORS) // DESCRIPTORS_PER_CALL))
