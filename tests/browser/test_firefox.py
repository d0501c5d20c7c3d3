"""What depends on the browser's engine, in Firefox: files, pictures, stored names, keys, layout."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Playwright, expect

from tests.browser import samples
from tests.browser.app_page import AppPage
from tests.browser.conftest import LAPTOP
from tests.browser.firefox import FirefoxNotFound, launched
from tests.browser.test_access import violations
from tests.stack.client import wait_for


@pytest.fixture(scope="module")
def firefox(playwright: Playwright) -> Iterator[Browser]:
    try:
        with launched(playwright) as browser:
            yield browser
    except FirefoxNotFound as reason:
        pytest.skip(str(reason))


@pytest.fixture
def page_in_firefox(firefox: Browser, page_address: str) -> Iterator[AppPage]:
    with firefox.new_context(viewport=LAPTOP) as context:
        opened = AppPage(context.new_page(), page_address)
        yield opened
        assert opened.mistakes == []


def test_image_is_classified_read_and_found_again(page_in_firefox: AppPage) -> None:
    app = page_in_firefox
    app.open()
    result_id = app.classify(samples.jpeg())
    expect(app.caption).to_have_text("phantom.jpg · Original, 300 × 600 pixels")
    before = app.pixels()
    app.image.hover()
    app.page.mouse.wheel(0, -400)
    # The wheel does not wait for the page.
    wait_for(lambda: app.pixels() != before)
    app.press("Enter")
    expect(app.outcome).to_contain_text("Confirmed")

    # The browser keeps the name; the server keeps the review.
    app.reload()
    app.wait_for_result(result_id)
    expect(app.caption).to_contain_text("phantom.jpg")
    expect(app.outcome).to_contain_text("Confirmed")
    expect(app.row(result_id)).to_contain_text("phantom.jpg")


def test_dicom_file_is_decoded_and_windowed(page_in_firefox: AppPage) -> None:
    app = page_in_firefox
    app.open()
    app.classify(samples.dicom())
    before = app.pixels()
    box = app.image.bounding_box()
    assert box
    app.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    app.page.mouse.down()
    app.page.mouse.move(box["x"] + box["width"] / 2 + 60, box["y"] + box["height"] / 2 + 40)
    app.page.mouse.up()
    assert app.pixels() != before


def test_dropped_files_are_all_classified(page_in_firefox: AppPage) -> None:
    app = page_in_firefox
    app.open()
    files = [samples.jpeg() for _ in range(3)]
    for number, file in enumerate(files):
        file["name"] = f"film-{number}.jpg"
    app.drop(*files)
    app.wait_for_queue()
    for file in files:
        expect(app.queued(file["name"])).to_contain_text("%")


def test_phone_shows_the_answer_in_german(page_in_firefox: AppPage) -> None:
    app = page_in_firefox
    app.page.set_viewport_size({"width": 390, "height": 844})
    app.open()
    app.classify(samples.jpeg())
    app.choose_language("Deutsch")
    expect(app.page.locator(".verdict h3")).to_have_text(re.compile("Prüfung erforderlich$"))
    assert app.width_beyond_screen() <= 0
    assert violations(app) == []
