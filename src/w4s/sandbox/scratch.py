"""The private folder of one child under the profile `scratch`.

In: nothing. Out: a path that only that child may write to, gone afterwards, whatever tree a
hostile program left in it. The kernel has no quota for it, so its size is looked at ten times a
second; what a program can write in between is the accepted rest.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from w4s.sandbox.base import Ending
from w4s.sandbox.child import Child

MOST_BYTES = 64 * 1024 * 1024
MOST_ENTRIES = 10_000
LOOK_SECONDS = 0.1
_PREFIX = "w4s-scratch-"


@contextlib.asynccontextmanager
async def private_folder() -> AsyncIterator[str]:
    path = tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-")
    try:
        yield path
    finally:
        await asyncio.shield(asyncio.to_thread(remove_tree, path))


async def watch_folder(path: str, child: Child) -> None:
    """Stop the child when its folder holds too much."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if await asyncio.to_thread(_holds_too_much, path):
            megabytes = MOST_BYTES // 1024 // 1024
            message = f"wrote more than {megabytes} MB or {MOST_ENTRIES} files"
            child.stop(Ending.OUTPUT, "DiskLimit", message)
            return


def _holds_too_much(path: str) -> bool:
    """A tree that cannot be walked is treated as too much."""
    held = entries = 0
    folders = [path]
    try:
        while folders:
            with os.scandir(folders.pop()) as found:
                for entry in found:
                    entries += 1
                    held += entry.stat(follow_symlinks=False).st_blocks * 512
                    if held > MOST_BYTES or entries > MOST_ENTRIES:
                        return True
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def remove_tree(path: str) -> None:
    """Remove a folder of any depth and with any modes.

    Paths of thousands of levels are longer than the kernel takes, so the tree is not descended:
    what lies in a folder is moved up to the top, over and over.
    """
    top = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        number = 0
        while names := os.listdir(top):
            for name in names:
                if stat.S_ISDIR(os.lstat(name, dir_fd=top).st_mode):
                    number = _lift(top, name, number)
                else:
                    os.unlink(name, dir_fd=top)
    finally:
        os.close(top)
    os.rmdir(path)


def _lift(top: int, name: str, number: int) -> int:
    """Move the contents of `name` up to `top` under new names, and remove it."""
    os.chmod(name, 0o700, dir_fd=top)
    folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
    try:
        for inner in os.listdir(folder):
            number += 1
            if stat.S_ISDIR(os.lstat(inner, dir_fd=folder).st_mode):
                os.chmod(inner, 0o700, dir_fd=folder)  # a folder's own mode decides its moving
                os.rename(inner, f".w4s-{number}", src_dir_fd=folder, dst_dir_fd=top)
            else:
                os.unlink(inner, dir_fd=folder)
    finally:
        os.close(folder)
    os.rmdir(name, dir_fd=top)
    return number


def sweep() -> None:
    """Remove what hosts left behind that were killed."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        pid = path.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            with contextlib.suppress(OSError):
                remove_tree(str(path))
