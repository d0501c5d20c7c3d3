"""What depends on the browser's engine, in WebKit: files, pictures, stored names, keys, layout."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload

from tests.browser import samples
from tests.browser.app_page import PATIENCE_MS, TASK
from tests.browser.conftest import LAPTOP
from tests.browser.webdriver import Session
from tests.browser.webkit import WebKitNotFound, launched

# WebDriver tells nothing of console and requests, so the page collects what fails once its view is complete.
_COLLECT = """(() => {
    window.mistakes = [];
    addEventListener("error", ({ message, target }) => mistakes.push(message ?? target.outerHTML), true);
    addEventListener("unhandledrejection", ({ reason }) => mistakes.push(String(reason)));
    addEventListener("securitypolicyviolation", ({ blockedURI }) => mistakes.push(blockedURI));
    const send = fetch;
    window.fetch = async (...given) => {
        const response = await send(...given);
        if (response.status >= 400) mistakes.push(`${response.status} ${response.url}`);
        return response;
    };
})()"""

SCREENS = (LAPTOP["width"], LAPTOP["height"]), (390, 844)
GRID = "#worklist button[aria-pressed]"
PICTURES = "[...document.querySelectorAll('#worklist-rows img[src^=\"blob:\"]')]"


def _element(selector: str) -> str:
    """The JavaScript expression for an element."""
    return f"document.querySelector({json.dumps(selector)})"


class WebKitPage:
    """The page in WebKit."""

    def __init__(self, browser: Session, address: str, folder: Path):
        """Files are chosen from a folder, which may be empty."""
        self.browser = browser
        self.address = address.rstrip("/")
        self.folder = folder

    def open(self, place: str = f"#/tasks/{TASK}") -> None:
        """Open the page at a route, and wait until that view is complete."""
        # From another address: otherwise only the route would change.
        self.browser.go("about:blank")
        self.browser.go(f"{self.address}/{place}")
        self.wait_until(f"document.querySelector('#main').dataset.shown === {json.dumps(place)}")
        self.browser.evaluate(_COLLECT)

    def reload(self) -> None:
        """Load the page again."""
        self.check()
        self.browser.reload()
        self.wait_until("document.querySelector('#main').dataset.shown")
        self.browser.evaluate(_COLLECT)

    def check(self) -> None:
        """Fail if a script failed, or a request, or the page's policy forbade something."""
        assert self.browser.evaluate("mistakes") == []

    def classify(self, file: FilePayload) -> None:
        """Choose a file that was not classified before, and wait for its result."""
        path = self.folder / file["name"]
        path.write_bytes(file["buffer"])
        self.browser.choose("#file", path)
        self.wait_until("document.querySelector('#main').dataset.shown?.startsWith('#/results/')")
        self.wait_until("document.querySelector('.probability')?.textContent.includes('%')")

    def wait_until(self, condition: str) -> None:
        """Wait until a JavaScript expression is true."""
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while not self.browser.evaluate(f"Boolean({condition})"):
            assert time.monotonic() < deadline, f"It did not become true: {condition}"
            time.sleep(0.1)

    def text(self, selector: str) -> str:
        """The visible text of an element."""
        return str(self.browser.evaluate(f"{_element(selector)}?.innerText ?? ''"))

    def wait_for_text(self, selector: str, expected: str) -> None:
        """Wait until an element shows a text, among others."""
        self.wait_until(f"{_element(selector)}?.innerText.includes({json.dumps(expected)})")

    def pixels(self) -> str:
        """The content of the canvas, once it is drawn in full detail."""
        self.wait_until("!document.querySelector('#image-area[aria-busy=true]')")
        # If the layout has changed, the image is drawn again in the next frame.
        frames = "new Promise(requestAnimationFrame).then(() => new Promise(requestAnimationFrame))"
        content = self.browser.evaluate(f"{frames}.then(() => document.querySelector('#canvas').toDataURL())")
        return str(content)


@pytest.fixture(scope="module")
def webkit() -> Iterator[Session]:
    try:
        with launched() as browser:
            yield browser
    except WebKitNotFound as reason:
        pytest.skip(str(reason))


@pytest.fixture
def page(webkit: Session, page_address: str, tmp_path: Path) -> Iterator[WebKitPage]:
    webkit.resize(LAPTOP["width"], LAPTOP["height"])
    opened = WebKitPage(webkit, page_address, tmp_path)
    opened.open()
    yield opened
    opened.check()
    webkit.evaluate("localStorage.clear()")


def test_image_is_classified_read_and_found_again(page: WebKitPage) -> None:
    page.classify(samples.jpeg())
    assert page.text("#caption") == "phantom.jpg · Original, 300 × 600 pixels"
    page.browser.press("Enter")
    page.wait_for_text(".outcome", "Confirmed")

    # The browser keeps the name; the server keeps the review.
    page.reload()
    page.wait_for_text("#caption", "phantom.jpg")
    page.wait_for_text(".outcome", "Confirmed")
    page.wait_for_text("#worklist-rows li:has([aria-current])", "phantom.jpg")


def test_dicom_file_is_decoded_and_windowed(page: WebKitPage) -> None:
    page.classify(samples.dicom())
    before, window = page.pixels(), page.text("#grey")
    assert window.startswith("W ")
    page.browser.drag("#canvas", right=60, down=40)
    page.wait_until(f"document.querySelector('#grey').innerText !== {json.dumps(window)}")
    assert page.pixels() != before


def test_list_and_grid_fit_laptop_and_phone_in_german(page: WebKitPage) -> None:
    page.classify(samples.jpeg())
    # Each time, the settings ask for their module. WebKit would end all but the first import too early.
    page.browser.evaluate(f"[1, 2, 3, 4].forEach(() => {_element('#settings')}.togglePopover())")
    page.browser.click("header button[popovertarget=settings]")
    page.browser.click("#language option[value=de]")
    page.wait_for_text("#settings", "Blind prüfen")
    page.wait_for_text(".verdict h3", "Prüfung erforderlich")
    page.wait_for_text("#worklist-heading", "Arbeitsliste")
    page.browser.press("Escape")
    for width, height in SCREENS:
        page.browser.resize(width, height)
        page.wait_until(f"innerWidth === {width}")
        for grid in ("true", "false"):
            # Not with the mouse: WebDriver does not wait until a button has stopped moving.
            page.browser.evaluate(f"{_element(GRID)}.click()")
            page.wait_until(f"{_element(GRID)}.ariaPressed === '{grid}'")
            page.wait_until(f"{PICTURES}.some(({{ naturalWidth }}) => naturalWidth > 0)")
            assert page.browser.evaluate("document.documentElement.scrollWidth") <= width
