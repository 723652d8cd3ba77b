"""The report in a browser. Runs where Chromium is installed and Playwright can drive it."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from resemblance import dedup

sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

CLUSTERS = 120
TEXT = "Volunteers of village {} will open lighthouse number {} to visitors for one day in June, and the tower will be lit."


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    with open(folder / "in.jsonl", "w", encoding="utf-8") as file:
        for number in range(CLUSTERS):
            text = " ".join(f"w{number}x{word}" for word in range(20)) + " " + TEXT.format(number, number)
            copy = "NEWS </script><b>SPORT</b> " + text.replace("visitors", "guests")
            for id, text in ((f"first-{number}", text), (f"<i>copy</i>-{number}", copy)):
                print(json.dumps({"id": id, "text": text}), file=file)
    dedup(folder / "in.jsonl", threshold=0.5, report=folder / "report.html")
    return folder / "report.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(params=[(1200, "light"), (400, "dark")])
def page(browser: Any, report: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    width, scheme = request.param
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: errors.append(request.url) if not request.url.startswith("file:") else None)
    page.goto(report.as_uri())
    yield page
    assert errors == []
    page.close()


def clusters(page: Any) -> int:
    return int(page.locator("section.cluster").count())


def test_pages_are_turned_by_clicks_and_keys(page: Any) -> None:
    assert clusters(page) == 50
    assert page.locator("#status").inner_text() == "120 clusters, page 1 of 3"
    page.click("#next")
    page.keyboard.press("n")
    assert clusters(page) == 20
    assert page.locator("#next").is_disabled()
    page.keyboard.press("p")
    assert "page 2 of 3" in page.locator("#status").inner_text()


def test_a_search_finds_ids_and_words(page: Any) -> None:
    page.keyboard.press("/")
    page.keyboard.type("lighthouse number 77 ")
    sync_api.expect(page.locator("#status")).to_have_text("1 found, page 1 of 1")
    assert "first-77" in page.locator("section.cluster h2").inner_text()
    page.fill("#search", "<i>copy</i>-119")
    sync_api.expect(page.locator("#status")).to_have_text("1 found, page 1 of 1")
    page.fill("#search", "section")  # a tag, and in no text
    sync_api.expect(page.locator("#status")).to_have_text("0 found")
    page.fill("#search", "")
    sync_api.expect(page.locator("#status")).to_have_text("120 clusters, page 1 of 3")


def test_passages_are_marked_and_linked(page: Any) -> None:
    section = page.locator("section.cluster").first
    texts = section.locator(".text")
    assert "NEWS </script><b>SPORT</b>" in texts.first.inner_text()
    assert section.locator("b", has_text="SPORT").count() == 0
    marks = [texts.nth(side).locator(".mark") for side in (0, 1)]
    assert marks[0].count() == marks[1].count() == 2
    colour = "element => getComputedStyle(element).backgroundColor"
    assert marks[0].first.evaluate(colour) == marks[1].first.evaluate(colour) != "rgba(0, 0, 0, 0)"
    marks[0].first.click()
    target = page.evaluate("document.querySelector(':target').id")
    assert target == marks[1].first.get_attribute("id")


def test_nothing_is_wider_than_the_window(page: Any) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator(".unfold").first.check()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    sides = page.locator("section.cluster article")
    boxes = [sides.nth(side).bounding_box() for side in (0, 1)]
    is_narrow = page.viewport_size["width"] == 400
    assert (boxes[0]["x"] == boxes[1]["x"]) == is_narrow  # below each other, or beside


def test_print_shows_the_clusters_alone(page: Any) -> None:
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert page.locator("section.cluster").first.is_visible()
