"""Make the pictures of the documentation from a run: `python docs/pictures.py [RUN]`.

Without RUN it searches first, much as the quickstart does, which takes a minute or two. Writes
report.png (the top of the HTML report) and terminal.svg (`w4s watch`) beside itself. Needs the
extra dev and a Chromium of the system.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from rich.console import Console

from w4s.models.metering.ledger import Totals
from w4s.reports.board import Now, board
from w4s.reports.run import read_run
from w4s.reports.story import tell

FOLDER = Path(__file__).resolve().parent
RUN = Path("runs/first")
"""As the pictures name it."""
W4S = Path(sys.executable).with_name("w4s")
MOST_BYTES = 300_000
WIDTH, MARGIN = 1120, 24
COLUMNS = 108


def main() -> None:
    """Search where no run is given; then both pictures, of a copy with a short name."""
    given = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory() as place, contextlib.chdir(place):
        if given is not None:
            shutil.copytree(given, RUN)
        else:
            _w4s("search", "toy_report", "--turns", "4", "--run", str(RUN))
            _w4s("test", str(RUN), "--baselines")
        _w4s("report", str(RUN), "--html", "report.html")
        _photograph(Path("report.html").resolve(), FOLDER / "report.png")
        _draw_terminal(FOLDER / "terminal.svg")


def _w4s(*words: str) -> None:
    subprocess.run([W4S, *words], check=True)


def _photograph(page: Path, picture: Path) -> None:
    """From the heading to the end of the lineage."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        tab = browser.new_page(viewport={"width": WIDTH, "height": 900}, color_scheme="light")
        tab.goto(page.as_uri())
        box = tab.locator("#r1-lineage").bounding_box()
        assert box is not None
        tab.screenshot(
            path=picture,
            full_page=True,
            clip={"x": 0, "y": 0, "width": WIDTH, "height": box["y"] + box["height"] + MARGIN},
        )
        browser.close()
    size = picture.stat().st_size
    if size > MOST_BYTES:
        sys.exit(f"{picture}: {size:,} bytes are more than {MOST_BYTES:,}")
    print(f"{picture}: {size:,} bytes")


def _draw_terminal(picture: Path) -> None:
    """What `w4s watch` shows of it."""
    story = tell(read_run(RUN))
    with Path("/dev/null").open("w") as nowhere:
        console = Console(width=COLUMNS, record=True, file=nowhere, force_terminal=True)
        console.print(board(story, Now(0.0, Totals()), COLUMNS))
        svg = console.export_svg(title=f"w4s watch {RUN}")
    # The fonts that rich names would be fetched from elsewhere.
    picture.write_text(re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL), "utf-8")
    print(f"{picture}: {picture.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
