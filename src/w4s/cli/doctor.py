"""`w4s doctor`: is this machine ready? One line for each look, and what mends it.

In: the settings. Out: lines on standard output, or JSON. Exit code 1 when something that is needed
fails.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.text import Text

from w4s.cli.output import output, say
from w4s.config import DoctorConfig
from w4s.doctor.finding import Finding, Verdict, is_ready
from w4s.doctor.visit import asked_for, visit
from w4s.models.specs import read_spec

_WHAT_COLUMNS = 18
_STYLES = {Verdict.OK: "green", Verdict.NOTE: "yellow", Verdict.FAILS: "bold red"}


def doctor(config: DoctorConfig) -> None:
    """Look at everything and print it, as it comes or in the end as JSON."""
    for asked in asked_for(config):
        read_spec(asked.text)  # a mistake in the command shows at once
    console = None if config.as_json else output()
    findings = asyncio.run(_look(config, console))
    if console is None:
        print(_as_json(findings))
    else:
        console.print()
        say(console, _summary(findings))
    if not is_ready(findings):
        sys.exit(1)


async def _look(config: DoctorConfig, console: Console | None) -> list[Finding]:
    findings: list[Finding] = []
    async for finding in visit(config, Path(), os.environ):
        if console is not None:
            if not findings or findings[-1].room != finding.room:
                say(console, f"\n{finding.room}", "bold")
            for line in lines(finding):
                console.print(line, soft_wrap=True)
        findings.append(finding)
    return findings


def lines(finding: Finding) -> list[Text]:
    """The finding, and under it what mends it."""
    verdict = finding.verdict
    first = Text(f"  {verdict.value:6}", style=_STYLES[verdict])
    first.append(f"{finding.what:{_WHAT_COLUMNS}} {finding.found}", style="default")
    if not finding.fix:
        return [first]
    return [first, Text(f"{'':8}{'':{_WHAT_COLUMNS}} → {finding.fix}", style="cyan")]


def _summary(findings: Sequence[Finding]) -> str:
    failing = [f for f in findings if f.verdict is Verdict.FAILS]
    if not failing:
        return "Ready. What is noted is optional; what a search needs is there."
    named = ", ".join(f"{f.room}: {f.what}" for f in failing)
    return f"Not ready: {named}. The lines with → say what mends it."


def _as_json(findings: Sequence[Finding]) -> str:
    told = {"ready": is_ready(findings), "findings": [asdict(f) for f in findings]}
    return json.dumps(told, indent=2, ensure_ascii=False)
