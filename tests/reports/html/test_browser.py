"""The HTML report in a real browser: silent, safe, usable by keyboard, readable in both schemes.

Needs the package playwright (extra: dev) and a Chromium of the system; downloads neither.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from told_run import HOSTILE, write_run
from w4s.reports.html.page import html_page
from w4s.reports.run import read_run
from w4s.reports.story import tell

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

sync_api = pytest.importorskip(
    "playwright.sync_api", reason="needs playwright: pip install -e '.[dev]'"
)

pytestmark = pytest.mark.long

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
CONTRAST = (Path(__file__).parent / "contrast.js").read_text("utf-8")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of a run whose model writes hostile text, a megabyte of it too."""
    folder = tmp_path_factory.mktemp("browser")
    story = tell(read_run(write_run(folder / "run", analysis=HOSTILE * 20_000)))
    page = folder / "report.html"
    page.write_text(html_page([story, story], written_at=datetime.now(UTC)), encoding="utf-8")
    return page


class Opened:
    """A page, and everything it complained about or asked for."""

    def __init__(self, browser: Browser, file: Path, scheme: Any, size: Any) -> None:
        context = browser.new_context(color_scheme=scheme, viewport=size)
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(file.as_uri())

    def focused(self) -> str:
        """What the keyboard is on, in words."""
        words: str = self.page.evaluate(
            "(() => { const e = document.activeElement;"
            " return e.getAttribute('aria-label') || e.textContent.trim(); })()"
        )
        return words


@pytest.fixture
def opened(browser: Browser, file: Path) -> Iterator[Opened]:
    opened = Opened(browser, file, "light", DESKTOP)
    yield opened
    opened.page.context.close()


def test_it_opens_in_silence_and_asks_for_nothing(opened: Opened) -> None:
    assert opened.complaints == []
    assert [url for url in opened.requests if not url.startswith(("file:", "data:"))] == []


def test_hostile_text_stays_text(opened: Opened) -> None:
    page = opened.page
    for button in page.get_by_role("button", name="Open all").all():
        button.click()
    assert page.title() == "sums: w4s report"
    assert page.locator("img").count() == 0
    assert HOSTILE in page.locator("#r1-t1c1 .prose").inner_text()
    assert "⟨U+202E⟩" in page.locator("#r1-t1c1 .prose").inner_text()
    assert opened.complaints == []


def test_the_chart_is_read_with_the_arrow_keys(opened: Opened) -> None:
    page = opened.page
    chart = page.locator("#r1-accuracy svg.chart.wide")
    chart.locator("[data-tip]").first.focus()
    assert "started: 50.0 %" in page.locator("#tip").inner_text()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert opened.focused().startswith("turn 1, sample 2: 33.3 %")
    assert page.locator("#tip").inner_text() == opened.focused()
    page.keyboard.press("Escape")
    assert page.locator("#tip").is_hidden()
    assert chart.locator("[tabindex='0']").count() == 1
    page.keyboard.press("Enter")
    page.wait_for_function("location.hash == '#r1-t1c2'")
    assert page.locator("#r1-t1c2").get_attribute("open") is not None
    assert "turn 1, sample 2" in opened.focused()


def test_values_show_under_the_pointer(opened: Opened) -> None:
    opened.page.locator("#r1-accuracy svg.chart.wide .dot.found .point").hover()
    assert "on the sealed test" in opened.page.locator("#tip").inner_text()


def test_a_candidate_opens_and_closes_by_keyboard(opened: Opened) -> None:
    summary = opened.page.locator("#r1-t1c2 > summary")
    summary.focus()
    opened.page.keyboard.press("Enter")
    assert opened.page.get_by_text("Less is more.").first.is_visible()
    opened.page.keyboard.press("Enter")
    assert opened.page.get_by_text("Less is more.").first.is_hidden()


def test_two_workflows_are_compared_by_keyboard(opened: Opened) -> None:
    page = opened.page
    problems = page.locator("#r1-problems")
    first, second = problems.locator("select").all()
    second.select_option("1")
    first.select_option("0")
    assert problems.locator(".sum").inner_text().startswith("0 won, 5 lost, 4 right in both")
    problems.get_by_role("button", name="Swap").focus()
    page.keyboard.press("Enter")
    assert problems.locator(".sum").inner_text().startswith("5 won, 0 lost")
    assert problems.locator("[data-list=won]").inner_text() == "5, 6, 7, 8, 9"
    first.focus()
    page.keyboard.press("ArrowDown")
    assert first.input_value() == "2"
    assert problems.locator(".sq.won").count() - 1 == 3  # one stands in the legend


def test_answers_to_public_problems_stay_text(opened: Opened) -> None:
    item = opened.page.locator("#r1-problems .public > li").first
    item.locator("summary").click()
    assert HOSTILE in item.locator("[data-answer=a]").inner_text()
    assert HOSTILE in item.locator(".prose").inner_text()


def test_the_scheme_is_switched_by_keyboard(opened: Opened) -> None:
    page = opened.page
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(colour)
    page.locator("#scheme").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.locator("#scheme").input_value() == "dark"
    assert page.evaluate(colour) != light


def test_everything_can_be_reached_with_the_tab_key(opened: Opened) -> None:
    page = opened.page
    reached = []
    for _ in range(200):
        page.keyboard.press("Tab")
        reached.append(opened.focused())
        if page.evaluate("document.activeElement === document.body"):
            break
    assert reached[0] == "Skip to the report"
    for wanted in ("Swap", "Open all", "Lineage", "Code", "The whole configuration, resolved"):
        assert wanted in reached


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_contrast_is_sufficient(browser: Browser, file: Path, scheme: str, size: Any) -> None:
    """WCAG 2.1: 4.5 to 1 for text, 3 for large text and for the marks of the chart."""
    opened = Opened(browser, file, scheme, size)
    for one in opened.page.get_by_role("button", name="Open all").all():
        one.click()
    opened.page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    report = opened.page.evaluate(CONTRAST)
    opened.page.context.close()
    assert report["texts"] > 200
    assert report["marks"] > 5
    assert report["faint"] == []


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_the_page_is_never_wider_than_the_screen(browser: Browser, file: Path, width: int) -> None:
    opened = Opened(browser, file, "light", {"width": width, "height": 800})
    opened.page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    opened.page.context.close()
