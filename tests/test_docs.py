"""What README and docs tell the reader to type exists: commands, options, files, extras, pages.

Running it all is in `test_docs_run.py`; this is what can be said of every command at once.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer.main

from documented import PAGES, ROOT, Block, Command, all_commands, blocks, commands, snippets
from w4s.cli.main import app
from w4s.tasks.registry import task_names

CLI: Any = typer.main.get_command(app)
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
INLINE = re.compile(r"`(w4s [^`]+)`")
LINK = re.compile(r"\]\(([^)#:]+?)(?:#([^)]+))?\)")


def parse(words: tuple[str, ...]) -> dict[str, Any]:
    """What the command line makes of the words behind `w4s`; raises for an unknown option."""
    command, name, rest = CLI, "w4s", list(words)
    while hasattr(command, "commands"):
        context = typer.Context(command)
        name, command, rest = command.resolve_command(context, rest)
    parsed: dict[str, Any] = command.make_context(name, rest).params
    return parsed


def plain(words: tuple[str, ...]) -> tuple[str, ...]:
    """Without what the shell does with the output."""
    for mark in (">", "|", "&&", "2>"):
        if mark in words:
            words = words[: words.index(mark)]
    return words


def check(command: Command) -> None:
    """AssertionError or the parser's own error for what does not exist."""
    words = plain(command.words)
    match command.program:
        case "w4s":
            parse(words[1:])
        case "make":
            targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
            assert set(words[1:]) <= set(targets)
        case "pip":
            assert words[1] == "install"
            for extra in re.findall(r"w4s\[([\w,-]+)\]", " ".join(words)):
                assert set(extra.split(",")) <= EXTRAS.keys()
        case "python" if words[1:3] == ("-m", "benchmarks"):
            assert (ROOT / "benchmarks" / f"{words[3]}.py").exists()
        case "python" if words[1].startswith("examples/"):
            assert (ROOT / words[1]).exists()
        case "pytest":
            assert all((ROOT / word).exists() for word in words[1:] if not word.startswith("-"))
        case "torchrun":
            parse(words[words.index("w4s") + 1 :])
        case program if program.startswith("scripts/"):
            assert (ROOT / program).exists()


COMMANDS = all_commands()


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.place)
def test_what_is_typed_exists(command: Command) -> None:
    check(command)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_commands_in_the_text_exist(page: Path) -> None:
    text = " ".join(page.read_text("utf-8").split())
    for typed in INLINE.findall(text):
        words = shlex.split(typed.replace("…", "x").replace("[", "").replace("]", ""))
        assert _known(tuple(words[1:])), typed


def _known(words: tuple[str, ...]) -> bool:
    """Whether there is such a command and it has these options, whatever their values are."""
    command = CLI
    while hasattr(command, "commands") and words and words[0] in command.commands:
        command, words = command.commands[words[0]], words[1:]
    alike = getattr(command, "commands", {"": command}).values()  # of a group, any of its commands
    flags = {flag for one in alike for p in one.params for flag in p.opts} | {"--help", "-h"}
    known = command is not CLI or not words or words[0].isupper()
    return known and all(w.partition("=")[0] in flags for w in words if w.startswith("--"))


def test_there_are_commands() -> None:
    """The extraction is not the thing that passes."""
    assert len(COMMANDS) > 50
    assert len(snippets()) >= 4


@pytest.mark.parametrize(
    "typed",
    [
        "w4s search toy_ledger --turms 3",
        "w4s serch toy_ledger",
        "w4s estimate searches toy_ledger",
        "make dmo",
        "pip install 'w4s[trian]'",
        "python -m benchmarks speed",
    ],
)
def test_what_does_not_exist_is_found(typed: str) -> None:
    page = Block(ROOT / "README.md", 1, "", typed + "\n")
    (command,) = commands(page)
    with pytest.raises(Exception, match=r".") as trouble:
        check(command)
    assert isinstance(trouble.value, AssertionError) or "o such" in str(trouble.value)


def test_tasks_that_are_named_exist() -> None:
    for command in COMMANDS:
        words = plain(command.words)
        if words[:2] == ("w4s", "search") and not words[2].startswith(("-", "examples/")):
            name = words[2].split(":")[0]
            assert name in task_names() or name.endswith((".csv", ".py")), command.place


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text("utf-8")):
        file = (page.parent / target).resolve()
        assert file.exists(), f"{page.name}: {target}"
        if anchor and file.suffix == ".md":
            assert anchor in _anchors(file), f"{page.name}: {target}#{anchor}"


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    plain_text = (re.sub(r"[^\w\s-]", "", heading.lower()) for heading in headings)
    return {re.sub(r"[\s]+", "-", heading.strip()) for heading in plain_text}


def test_settings_files_are_read() -> None:
    """TOML that a page shows has settings that exist."""
    from w4s.config import CompareConfig

    shown = [
        block
        for block in blocks(ROOT / "docs" / "methods.md")
        if block.text.startswith("tasks =") or block.language == "toml"
    ]
    assert shown
    for block in shown:
        CompareConfig.resolve({"run": "r"}, tomllib.loads(block.text))
