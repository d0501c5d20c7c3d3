"""What goes wrong is said in a sentence that helps."""

import json
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.browser import samples
from tests.browser.desk import PATIENCE_MS, TASK, Desk


@pytest.mark.parametrize("file", [samples.text_file, samples.truncated_jpeg])
def test_what_is_no_image_is_refused_in_words(desk: Desk, file: samples.Maker) -> None:
    desk.http_errors_expected = True
    desk.open()
    desk.pick(file())
    expect(desk.problem).to_be_visible(timeout=PATIENCE_MS)
    words = desk.problem.locator("p").first.inner_text()
    assert words.endswith(".")
    assert "{" not in words
    expect(desk.problem).to_contain_text("Request ")
    expect(desk.page.get_by_role("button", name="Choose images…")).to_be_visible()


def test_page_recovers_from_a_bad_file(desk: Desk) -> None:
    desk.http_errors_expected = True
    desk.open()
    desk.pick(samples.text_file())
    expect(desk.problem).to_be_visible(timeout=PATIENCE_MS)
    desk.classify(samples.jpeg())
    expect(desk.problem).to_be_hidden()


def test_empty_file_is_refused_before_it_is_sent(desk: Desk) -> None:
    desk.open()
    desk.pick(samples.empty_file())
    expect(desk.problem).to_contain_text("empty")
    assert not [request for request in desk.requests if request.method == "POST"]


def test_too_large_file_is_refused_before_it_is_sent(desk: Desk) -> None:
    desk.open()
    # A File that only says it is large: nobody wants to make 200 MB for this.
    desk.page.evaluate(
        """() => {
            const file = new File(["x"], "large.tif");
            Object.defineProperty(file, "size", { value: 201 * 1024 * 1024 });
            const drop = new DragEvent("drop", { bubbles: true, cancelable: true });
            const dataTransfer = { files: [file], items: [], types: ["Files"] };
            Object.defineProperty(drop, "dataTransfer", { value: dataTransfer });
            document.body.dispatchEvent(drop);
        }"""
    )
    expect(desk.problem).to_contain_text("the limit is")
    assert not [request for request in desk.requests if request.method == "POST"]


def test_unreachable_server_is_named_and_can_be_tried_again(desk: Desk) -> None:
    desk.http_errors_expected = True
    desk.open()
    desk.page.route("**/classify", lambda route: route.abort())
    desk.pick(samples.jpeg())
    expect(desk.problem).to_contain_text("cannot be reached")
    desk.page.unroute("**/classify")
    desk.problem.get_by_role("button", name="Try again").click()
    desk.wait_for_reading()


def test_gateway_that_answers_in_html_shows_no_html(desk: Desk) -> None:
    desk.http_errors_expected = True
    desk.open()
    page = {"status": 502, "content_type": "text/html", "body": "<html><h1>502 Bad Gateway</h1></html>"}
    desk.page.route("**/classify", lambda route: route.fulfill(**page))
    desk.pick(samples.jpeg())
    expect(desk.problem).to_contain_text("The server could not do this")
    expect(desk.problem).not_to_contain_text("Bad Gateway")


def test_page_without_its_server_says_so_and_recovers(desk: Desk) -> None:
    desk.http_errors_expected = True
    desk.page.route("**/api/**", lambda route: route.abort())
    desk.page.goto(desk.address)
    expect(desk.problem).to_contain_text("cannot be reached")
    desk.page.unroute("**/api/**")
    desk.problem.get_by_role("button", name="Try again").click()
    expect(desk.chooser).to_be_enabled(timeout=PATIENCE_MS)
    expect(desk.page.locator("#worklist-status")).not_to_contain_text("cannot be reached")


def test_unknown_result_is_said_to_be_unknown(desk: Desk) -> None:
    desk.http_errors_expected = True
    desk.open(f"#/results/{'0' * 32}")
    expect(desk.problem).to_be_visible(timeout=PATIENCE_MS)


def speak_german(desk: Desk) -> None:
    desk.page.locator("button[popovertarget=settings]").click()
    desk.page.get_by_label("Language").select_option("Deutsch")
    desk.page.keyboard.press("Escape")


def test_error_is_told_in_german_and_in_detail(desk: Desk) -> None:
    desk.http_errors_expected = True
    desk.open()
    speak_german(desk)
    desk.at_hand = samples.text_file()
    desk.page.get_by_role("button", name="Bilder wählen …").first.click()
    expect(desk.problem).to_contain_text("kein Bild in einem bekannten Format", timeout=PATIENCE_MS)
    expect(desk.problem).to_contain_text("Genauer, auf Englisch: This is not an image in a known format.")


@pytest.mark.parametrize("language", ["en", "de"])
def test_quarantined_result_shows_its_reason(desk: Desk, language: str) -> None:
    words = "The JPEG file is damaged or cut off: its image cannot be decoded. Export or copy it again."
    result: dict[str, Any] = {
        "id": "a" * 32,
        "task": TASK,
        "status": "quarantined",
        "label": None,
        "probability": None,
        "probabilities": {},
        "needs_review": True,
        "reasons": [{"code": "DamagedImage", "message": words}],
        "heatmap": None,
        "model": None,
        "source": None,
        "arrival": "drop-folder",
        "created_at": "2026-11-21T10:00:00Z",
        "classified_at": None,
        "review": None,
        "disclaimer": "Not for clinical use.",
    }

    def answer(route: Route) -> None:
        route.fulfill(content_type="application/json", body=json.dumps(result))

    desk.page.route(f"**/api/results/{'a' * 32}", answer)
    desk.open()
    if language == "de":
        speak_german(desk)
    desk.page.goto(f"{desk.address}/#/results/{'a' * 32}")
    expect(desk.heading).to_have_text("Could not be read" if language == "en" else "Nicht lesbar")
    verdict = desk.page.locator(".verdict.bad")
    expect(verdict).to_contain_text(words)
    if language == "de":
        expect(verdict).to_contain_text("Die Datei ist beschädigt oder abgeschnitten.")
        expect(verdict.locator("[lang=en]")).to_have_text(words)


def test_cancelled_upload_leaves_the_page_ready(desk: Desk) -> None:
    desk.open()
    waiting: list[Route] = []
    desk.page.route("**/classify", lambda route: waiting.append(route))
    desk.pick(samples.jpeg())
    desk.page.get_by_role("button", name="Cancel").click()
    expect(desk.page.get_by_role("button", name="Choose images…")).to_be_visible()
    assert len(waiting) == 1
    expect(desk.problem).to_be_hidden()
