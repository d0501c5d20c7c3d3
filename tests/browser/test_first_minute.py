"""What newcomers see, who have no image at hand."""

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.app_page import AppPage
from tests.browser.conftest import LAPTOP
from tests.browser.test_access import violations

MINUTE = 60.0


@pytest.fixture
def newcomer(browser: Browser, page_address: str) -> Iterator[AppPage]:
    with browser.new_context(viewport=LAPTOP) as context:
        opened = AppPage(context.new_page(), page_address, newcomer=True)
        yield opened
    assert opened.mistakes == []


def test_newcomer_understands_an_example_within_a_minute(newcomer: AppPage) -> None:
    app = newcomer
    began = time.monotonic()
    app.open("")
    app.page.get_by_role("button", name="Try an example").click()
    expect(app.page).to_have_url(re.compile("#/tasks/[a-z0-9-]+/example$"))
    expect(app.probability).to_be_visible()
    app.wait_for_view()
    # The answer, what it rests on, and what the image is.
    expect(app.heading).to_be_focused()
    expect(app.page.locator(".verdict h3")).to_have_text(re.compile("Needs review|No review needed"))
    expect(app.slider).to_be_visible()
    expect(app.caption).to_have_text(re.compile("^Example · Original, "))
    expect(app.page.get_by_role("heading", name="An example image")).to_be_visible()
    hints = app.page.get_by_role("region", name=re.compile("^Hint "))
    expect(hints).to_contain_text("Hint 1 of 3: the answer")
    assert violations(app) == []
    app.page.get_by_role("button", name="Next hint").click()
    expect(hints).to_contain_text("Enter confirms the class")
    expect(app.page.get_by_role("button", name="Next hint")).to_be_focused()
    app.press("Enter")
    expect(hints).to_contain_text("choose “To review”")
    app.page.get_by_role("button", name="Understood").click()
    expect(hints).to_have_count(0)
    expect(app.heading).to_be_focused()
    assert time.monotonic() - began < MINUTE

    # They are shown once, and again on demand.
    app.reload()
    expect(app.probability).to_be_visible()
    expect(hints).to_have_count(0)
    app.page.get_by_role("button", name="Settings").click()
    app.page.get_by_role("button", name="Show hints").click()
    expect(hints).to_contain_text("Hint 1 of 3")

    # What is open changes its language, too.
    settings = app.page.locator("#settings")
    language = settings.locator("#language")
    app.page.get_by_role("button", name="Settings").click()
    expect(settings).to_contain_text("Read blind")
    language.select_option(label="Deutsch")
    expect(settings).to_contain_text("Blind prüfen")
    expect(settings.locator("#kept-names")).to_contain_text("Dateinamen")
    expect(app.page.locator(".hints h3")).to_have_text("Hinweis 1 von 3: das Ergebnis")
    language.select_option(label="English")
    expect(settings).to_contain_text("Read blind")
    app.close_dialog()
    app.page.get_by_role("button", name="No more hints").click()
    expect(hints).to_have_count(0)

    # It is nobody's work.
    result_id = app.page.locator("#result-body .facts code").last.inner_text()
    assert re.fullmatch("[0-9a-f]{32}", result_id)
    assert app.page.request.get(f"{app.address}/api/results/{result_id}").status == 404
    expect(app.row(result_id)).to_have_count(0)
    expect(app.page.get_by_label("Comment")).to_have_count(0)
    app.page.get_by_role("link", name="Add your own images").click()
    expect(app.page.get_by_role("button", name="Choose images…").first).to_be_visible()
    app.page.go_back()
    app.wait_for_view()
    expect(app.probability).to_be_visible()


@pytest.mark.parametrize(
    ("task", "words"), [("chest-xray", "Kermany et al."), ("breast-ultrasound", "a drawing")]
)
def test_example_names_its_source(app: AppPage, task: str, words: str) -> None:
    app.open(f"#/tasks/{task}/example")
    expect(app.page.locator(".device-note")).to_contain_text(words)
    assert violations(app) == []


def test_example_reports_errors_and_can_be_tried_again(app: AppPage) -> None:
    app.http_errors_expected = True
    app.open()
    app.intercept("**/examples/*.jpg", lambda route: route.abort(), once=True)
    app.page.get_by_role("button", name="Try an example").click()
    expect(app.problem).to_contain_text("cannot be reached")
    app.page.get_by_role("button", name="Try again").click()
    expect(app.probability).to_be_visible()
