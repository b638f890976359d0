"""The sandbox of this machine: jobs in, Results out, each job in a process of its own.

In: Jobs, any number at once. Out: Results. Jobs wait here for their place, a dead zygote is
replaced, and a job that lost its process through no fault of its own is run once more; answers
that its host had already given are given again, so nobody is asked twice.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import resource
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from typing import Any, TypeVar

from w4s.errors import ConfigError, SandboxError, W4sError
from w4s.sandbox.base import Action, Ending, Grade, HostCall, Job, Limits, Result
from w4s.sandbox.births import Births
from w4s.sandbox.child import Child, ChildLost
from w4s.sandbox.compilations import Compilations
from w4s.sandbox.exchange import Answers
from w4s.sandbox.grader import GRADER_LIMITS, examine
from w4s.sandbox.nursery import Nursery
from w4s.sandbox.outfit import folders_of, modules_of, outfits_of
from w4s.sandbox.scratch import private_folder, watch_folder
from w4s.sandbox.shifts import Shift
from w4s.types import JSON

BIRTHS_PER_PROCESSOR = 16
"""Children that may be on their way at once: of hundreds that start together the first would be as
late as the last."""
DESCRIPTORS_PER_CALL = 3
SPARE_DESCRIPTORS = 200
SPARE_CPU_SECONDS = 2
"""Between the limit that raises in the program and the one that kills it."""
NEWS_SECONDS = 0.05
"""A child's end may be seen a moment before that of the zygote which took it along."""
SHIFT_CPU_FACTOR = 20
"""A child that serves many orders may use the processor time of so many in all."""
_LIMIT_ENDINGS = frozenset((Ending.TIME, Ending.MEMORY, Ending.OUTPUT, Ending.KILLED))

T = TypeVar("T")


class Profile(StrEnum):
    """What a child may touch."""

    NOFS = "nofs"
    """Nothing: it computes, and talks to the host."""
    SCRATCH = "scratch"
    """One private folder besides; needs Landlock."""
    NONE = "none"
    """Everything this user may. Only limits hold it."""


class PythonSandbox:
    """A `Sandbox` on this machine. Belongs to the event loop of its first `run`.

    `prelude` is trusted Python source for the child (standard library only) that defines
    `make_agent(call)`; `concurrency` bounds the jobs with a host, which mostly wait for it;
    jobs without one compute, so only two per processor run at a time. With `batch` the jobs of
    one workflow share children, one after another. `use_landlock=False` shows
    in tests that the other walls hold alone; `prefix` is a command that starts the zygote.
    """

    def __init__(
        self,
        prelude: str = "",
        concurrency: int = 1024,
        profile: Profile = Profile.NOFS,
        *,
        batch: bool = False,
        use_landlock: bool = True,
        prefix: tuple[str, ...] = (),
    ) -> None:
        self._prelude = prelude
        self._profile = profile
        self._batch = batch
        self._use_landlock = use_landlock
        self._prefix = prefix
        processors = os.cpu_count() or 1
        self._waiting_places = asyncio.Semaphore(_affordable(concurrency))
        self._computing_places = asyncio.Semaphore(2 * processors)
        self._births = Births(BIRTHS_PER_PROCESSOR * processors, processors)
        self._grading_places = asyncio.Semaphore(processors)
        self._compilations = Compilations(self._compile)
        self._nurseries: dict[tuple[str, ...], Nursery] = {}
        self._starting = asyncio.Lock()
        self._shifts: dict[tuple[str, str, str, Limits], Shift] = {}
        self._alone: set[tuple[str, str, str, Limits]] = set()
        self._closed = False

    async def start(self) -> None:
        """Be up now rather than with the first job. Raises ConfigError, SandboxError."""
        await self._nursery_for("")

    def canaries(self) -> dict[str, JSON]:
        """Which walls stand and what they withstood at the last start; for a run's record."""
        nursery = self._nurseries.get(())
        walls = dict(nursery.greeting["walls"]) if nursery is not None else {}
        return {"backend": "bwrap" if self._prefix else "process", **walls}

    async def run(self, job: Job, host: HostCall | None = None) -> Result:
        """See `Sandbox.run`."""
        answers = Answers(host)
        places = self._waiting_places if host is not None else self._computing_places
        async with places:
            try:
                if self._batch and host is not None and _key(job) not in self._alone:
                    return await self._run_in_shift(job, answers)
                return await self._run_alone(job, answers)
            finally:
                answers.cancel()

    async def grade(
        self,
        candidate: str,
        statements: Sequence[str],
        *,
        setup: str = "",
        names: Sequence[str] = (),
        limits: Limits = Limits(),  # noqa: B008  (frozen)
    ) -> Grade:
        """See `grader.grade_asserts`."""
        async with self._grading_places:
            return await _again_if_lost(
                lambda: self._grade_once(candidate, statements, setup, names, limits)
            )

    async def aclose(self) -> None:
        self._closed = True
        for shift in self._shifts.values():
            shift.close()
        await self._compilations.aclose()
        async with self._starting:
            for nursery in self._nurseries.values():
                await nursery.aclose()
            self._nurseries.clear()

    # --- one child per job ---

    async def _run_alone(self, job: Job, answers: Answers) -> Result:
        return await _again_if_lost(lambda: self._run_once(job, answers), answers.again)

    async def _run_once(self, job: Job, answers: Answers) -> Result:
        cpu_seconds = job.limits.cpu_seconds + SPARE_CPU_SECONDS
        if self._profile is not Profile.SCRATCH:
            child = await self._born(job, cpu_seconds)
            return await child.carry_out(self._order(job, answers), job.limits, answers)
        async with private_folder() as folder:
            child = await self._born(job, cpu_seconds, folder)
            watch = asyncio.ensure_future(watch_folder(folder, child))
            try:
                return await child.carry_out(self._order(job, answers), job.limits, answers)
            finally:
                watch.cancel()
                await child.gone()

    def _order(self, job: Job, answers: Answers) -> dict[str, Any]:
        code = self._compilations.of(job.source) if job.action is Action.CALL else None
        return order(job, answers.offered, code=code)

    async def _compile(self, source: str) -> str | None:
        """In a child that goes before all who wait."""
        job = Job(source)
        told = {**order(job, offered=False), "action": "compile"}
        try:
            nursery = await self._nursery_for(source)
            child = nursery.spawn(job.limits, job.limits.cpu_seconds)
            result = await child.carry_out(told, job.limits, Answers(None))
        except (ChildLost, W4sError):
            return None
        return result.value if isinstance(result.value, str) else None

    async def _born(self, job: Job, cpu_seconds: int, folder: str | None = None) -> Child:
        """A child on its way."""
        await self._births.begin()
        try:
            nursery = await self._nursery_for(job.source)  # now: the last one may have died since
            child = nursery.spawn(job.limits, cpu_seconds, folder)
        except BaseException:
            self._births.done()
            raise
        child.when_ready(self._births.done)
        return child

    async def _grade_once(
        self,
        candidate: str,
        statements: Sequence[str],
        setup: str,
        names: Sequence[str],
        limits: Limits,
    ) -> Grade:
        cpu_seconds = GRADER_LIMITS.cpu_seconds + SPARE_CPU_SECONDS
        home = await self._nursery_for("\n".join([setup, *statements]))
        far = await self._nursery_for(candidate)
        tests = home.spawn(GRADER_LIMITS, cpu_seconds)
        code = far.spawn(limits, limits.cpu_seconds + SPARE_CPU_SECONDS)
        try:
            return await examine(
                tests, code, candidate, statements, setup=setup, names=names, limits=limits
            )
        finally:
            tests.kill()
            code.kill()

    # --- one child for many jobs of one workflow ---

    async def _run_in_shift(self, job: Job, answers: Answers) -> Result:
        """On a child that served this workflow before, where there is one.

        A limit that is hit by a child with a past may be the past's fault: the workflow's
        problems then run alone, this one first.
        """
        key = _key(job)
        shift = self._shifts.setdefault(key, Shift())
        child, served = await shift.take()
        try:
            if child is None:
                child = await self._born(job, job.limits.cpu_seconds * SHIFT_CPU_FACTOR)
            told = order(job, answers.offered, with_source=served == 0, keep=True)
            result = await child.carry_out(told, job.limits, answers)
        except BaseException as error:
            if child is not None:
                child.kill()
            shift.give_back(None, 0)
            if isinstance(error, ChildLost):
                answers.again()
                return await self._run_alone(job, answers)
            raise
        if result.ending in (Ending.RETURNED, Ending.RAISED):
            shift.give_back(child, served + 1)
            return result
        child.kill()
        shift.give_back(None, 0)
        if result.ending in _LIMIT_ENDINGS:
            self._alone.add(key)
        if served == 0:
            return result
        answers.again()
        return await self._run_alone(job, answers)

    # --- the zygote ---

    async def _nursery_for(self, source: str) -> Nursery:
        """A living zygote with what the text may need; one with less forks faster."""
        outfits = outfits_of(source)
        nursery = self._nurseries.get(outfits)
        if nursery is not None and not nursery.dead:
            return nursery
        async with self._starting:
            if self._closed:
                raise SandboxError("the sandbox is closed")
            nursery = self._nurseries.get(outfits)
            if nursery is None or nursery.dead:
                if nursery is not None:
                    await nursery.aclose()
                nursery = self._nurseries[outfits] = await self._open_nursery(outfits)
        return nursery

    async def _open_nursery(self, outfits: tuple[str, ...]) -> Nursery:
        """A zygote whose walls have been proven. Raises ConfigError where they do not stand."""
        nursery = await Nursery.open(self._settings(outfits), self._prefix)
        walls = nursery.greeting["walls"]
        trouble = walls.get("error") or ", ".join(walls.get("broken", ()))
        if trouble:
            await nursery.aclose()
            raise ConfigError(
                f"this machine cannot hold untrusted code ({trouble}); to run it without walls, "
                "on a machine that may be lost, type --sandbox unsafe"
            )
        return nursery

    def _settings(self, outfits: tuple[str, ...]) -> dict[str, Any]:
        modules = modules_of(outfits)
        return {
            "prelude": self._prelude,
            "profile": self._profile.value,
            "landlock": self._use_landlock,
            "modules": modules,
            "folders": folders_of(modules),
        }


async def _again_if_lost(
    attempt: Callable[[], Awaitable[T]], before_again: Callable[[], None] = lambda: None
) -> T:
    """A process that is lost through no fault of the program's is replaced once."""
    try:
        return await attempt()
    except ChildLost:
        before_again()
    await asyncio.sleep(NEWS_SECONDS)
    try:
        return await attempt()
    except ChildLost as lost:
        raise SandboxError(f"a program lost its process twice: {lost}") from None


def _key(job: Job) -> tuple[str, str, str, Limits]:
    return job.source, job.action.value, job.entry, job.limits


def order(
    job: Job,
    offered: bool,
    *,
    code: str | None = None,
    with_source: bool = True,
    keep: bool = False,
) -> dict[str, Any]:
    """What the child is told. `code`: the source, compiled; `keep`: more orders for the same source
    may follow."""
    return {
        "source": job.source if with_source else None,
        "code": code,
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
