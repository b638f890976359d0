"""The commands and snippets of README and docs, taken out of the text as a reader would type them.

In: Markdown. Out: blocks, fenced or indented by four blanks, with the line they begin at, and the
shell commands in them. What a block is can be seen from its first word.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PROGRAMS = {
    *("w4s", "make", "python", "pip", "git", "export", "cd", "torchrun", "curl", "tensorboard"),
    *("inspect", "wandb", "mlflow", "trackio", "pytest", "scripts/serve_vllm.sh"),
}
_FENCE = re.compile(r"^(`{3,})(\w*)\s*$")
_PROMPT = re.compile(r"^\$ ")
_ASSIGNMENT = re.compile(r"^[A-Z][A-Z0-9_]*=")


@dataclass(frozen=True)
class Block:
    """One block of a page."""

    page: Path
    line: int
    """Of the page, from 1, where its text begins."""
    language: str
    """Of a fence; empty for indented blocks."""
    text: str

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True)
class Command:
    """One command as it is typed, continuation lines joined."""

    place: str
    text: str
    words: tuple[str, ...]
    """Without the assignments in front, and without a comment."""

    @property
    def program(self) -> str:
        """Its plain name, wherever it lies."""
        name = self.words[0]
        return name if name.startswith("scripts/") else Path(name).name


def blocks(page: Path) -> Iterator[Block]:
    """All blocks of a page in order."""
    lines = page.read_text("utf-8").splitlines()
    number, blank_before = 0, True
    while number < len(lines):
        line, start = lines[number], number
        if fence := _FENCE.match(line):
            number += 1
            body = []
            while not lines[number].startswith(fence[1]):
                body.append(lines[number])
                number += 1
            yield Block(page, start + 2, fence[2], "\n".join(body) + "\n")
        elif line.startswith("    ") and blank_before:
            body = []
            while number < len(lines) and (lines[number].startswith("    ") or not lines[number]):
                body.append(lines[number][4:])
                number += 1
            yield Block(page, start + 1, "", "\n".join(body).rstrip() + "\n")
            blank_before = True
            continue
        blank_before = not line.strip()
        number += 1


def commands(block: Block) -> list[Command]:
    """The shell commands of a block; none when it is something else."""
    found: list[Command] = []
    joined, start = "", block.line
    for number, line in enumerate(block.text.splitlines(), block.line):
        start = start if joined else number
        joined += _PROMPT.sub("", line)
        if joined.endswith("\\"):
            joined = joined[:-1]
            continue
        command = _command(f"{block.page.relative_to(ROOT)}:{start}", joined.strip())
        joined = ""
        if command is not None:
            found.append(command)
        elif not found:
            return []  # the first line tells; what follows a command may be what it prints
    return found


def _command(place: str, text: str) -> Command | None:
    try:
        words = shlex.split(text, comments=True)
    except ValueError:
        return None
    while words and _ASSIGNMENT.match(words[0]):
        words = words[1:]
    if not words or words[0].endswith("/") or not {words[0], Path(words[0]).name} & PROGRAMS:
        return None
    return Command(place, text, tuple(words))


def all_commands() -> list[Command]:
    return [c for page in PAGES for block in blocks(page) for c in commands(block)]


def snippets() -> list[Block]:
    """Blocks of Python."""
    starts = ("import ", "from ", "def ", "async def ")
    return [
        block
        for page in PAGES
        for block in blocks(page)
        if block.language == "python" or (not block.language and block.text.startswith(starts))
    ]
