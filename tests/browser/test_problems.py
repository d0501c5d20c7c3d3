"""Errors are explained in helpful sentences."""

import json
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.browser import samples
from tests.browser.app_page import PATIENCE_MS, TASK, AppPage
from tests.browser.stubbed_page import StubbedPage

BROKEN = {
    "interrupted": 'new Response(new ReadableStream({ start: (body) => body.error(new TypeError("lost")) }))',
    "another page": 'new Response("<html>Sign in to the hospital\'s network</html>")',
}
"""Answers whose headers promise success."""

ASKED = {
    "result": '(await import("/modules/api.js")).fetchResult("a")',
    "review": '(await import("/modules/api.js")).saveReview("a", "left-cc", "", { seen: null })',
    "picture": '(await import("/modules/api.js")).fetchPreview("a")',
    "card": '(await import("/modules/modelapi.js")).fetchModelFile("mammography-views", "1", "card.md")',
    "failures of a batch": '(await import("/modules/batchapi.js")).fetchFailures("/failures", 1, signal)',
    "model package": '(await import("/modules/device/package.js")).obtain(task, "", { signal })',
}
"""Requests whose answers are read in different ways."""


@pytest.mark.parametrize("file", [samples.unknown_file, samples.truncated_jpeg])
def test_non_image_is_refused_with_an_explanation(app: AppPage, file: samples.Maker) -> None:
    app.http_errors_expected = True
    app.open()
    app.pick(file())
    expect(app.problem).to_be_visible(timeout=PATIENCE_MS)
    words = app.problem.locator("p").first.inner_text()
    assert words.endswith(".")
    assert "{" not in words
    expect(app.problem).to_contain_text("Request ")
    expect(app.page.get_by_role("button", name="Choose images…")).to_be_visible()


def test_page_recovers_from_a_bad_file(app: AppPage) -> None:
    app.http_errors_expected = True
    app.open()
    app.pick(samples.truncated_jpeg())
    expect(app.problem).to_be_visible(timeout=PATIENCE_MS)
    app.classify(samples.jpeg())
    expect(app.problem).to_be_hidden()


def test_text_file_is_refused_before_upload(app: AppPage) -> None:
    app.open()
    app.pick(samples.text_file())
    expect(app.problem).to_contain_text("was not sent")
    assert not [request for request in app.requests if request.method == "POST"]


def test_empty_file_is_refused_before_upload(app: AppPage) -> None:
    app.open()
    app.pick(samples.empty_file())
    expect(app.problem).to_contain_text("empty")
    assert not [request for request in app.requests if request.method == "POST"]


def test_too_large_file_is_refused_before_upload(app: AppPage) -> None:
    app.open()
    # A File that only states a large size, instead of 200 MB of data.
    app.page.evaluate(
        """() => {
            const file = new File(["x"], "large.tif");
            Object.defineProperty(file, "size", { value: 201 * 1024 * 1024 });
            const drop = new DragEvent("drop", { bubbles: true, cancelable: true });
            const dataTransfer = { files: [file], items: [], types: ["Files"] };
            Object.defineProperty(drop, "dataTransfer", { value: dataTransfer });
            document.body.dispatchEvent(drop);
        }"""
    )
    expect(app.problem).to_contain_text("the limit is")
    assert not [request for request in app.requests if request.method == "POST"]


def test_unreachable_server_is_reported_and_can_be_retried(app: AppPage) -> None:
    app.http_errors_expected = True
    app.open()
    app.intercept("**/classify", lambda route: route.abort())
    app.pick(samples.jpeg())
    expect(app.problem).to_contain_text("cannot be reached")
    app.page.unroute("**/classify")
    app.problem.get_by_role("button", name="Try again").click()
    app.wait_for_result()


def test_gateway_error_page_is_not_shown(app: AppPage) -> None:
    app.http_errors_expected = True
    app.open()
    body = "<html><h1>502 Bad Gateway</h1></html>"
    app.intercept("**/classify", lambda route: route.fulfill(status=502, content_type="text/html", body=body))
    app.pick(samples.jpeg())
    expect(app.problem).to_contain_text("The server could not complete the request")
    expect(app.problem).not_to_contain_text("Bad Gateway")


def test_page_reports_a_missing_server_and_recovers(app: AppPage) -> None:
    app.http_errors_expected = True
    app.intercept("**/api/**", lambda route: route.abort())
    app.page.goto(app.address)
    expect(app.problem).to_contain_text("cannot be reached")
    app.page.unroute("**/api/**")
    app.problem.get_by_role("button", name="Try again").click()
    expect(app.chooser).to_be_enabled(timeout=PATIENCE_MS)
    expect(app.page.locator("#worklist-status")).not_to_contain_text("cannot be reached")


def test_unknown_result_is_reported(app: AppPage) -> None:
    app.http_errors_expected = True
    app.open(f"#/results/{'0' * 32}")
    expect(app.problem).to_be_visible(timeout=PATIENCE_MS)


def test_error_is_shown_in_german_with_details(app: AppPage) -> None:
    app.http_errors_expected = True
    app.open()
    app.choose_language("Deutsch")
    app.picker_files = samples.unknown_file()
    app.page.get_by_role("button", name="Bilder auswählen …").first.click()
    expect(app.problem).to_contain_text("kein Bild in einem unterstützten Format", timeout=PATIENCE_MS)
    expect(app.problem).to_contain_text("Details (auf Englisch): This is not an image in a known format.")


@pytest.mark.parametrize("language", ["en", "de"])
def test_quarantined_result_shows_its_reason(app: AppPage, language: str) -> None:
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
        "readers": [],
        "disagreement": False,
        "disclaimer": "Not for clinical use.",
    }

    def answer(route: Route) -> None:
        route.fulfill(content_type="application/json", body=json.dumps(result))

    app.intercept(f"**/api/results/{'a' * 32}", answer)
    app.open()
    if language == "de":
        app.choose_language("Deutsch")
    app.open(f"#/results/{'a' * 32}")
    expect(app.heading).to_have_text("Could not be read" if language == "en" else "Nicht lesbar")
    verdict = app.page.locator(".verdict.bad")
    expect(verdict).to_contain_text(words)
    if language == "de":
        expect(verdict).to_contain_text("Die Datei ist beschädigt oder unvollständig.")
        expect(verdict.locator("[lang=en]")).to_have_text(words)


def test_cancelled_upload_leaves_the_page_usable(app: AppPage) -> None:
    app.open()
    waiting: list[Route] = []
    app.intercept("**/classify", lambda route: waiting.append(route))
    with app.page.expect_request("**/classify"):
        app.pick(samples.jpeg())
    app.page.get_by_role("button", name="Cancel").click()
    expect(app.page.get_by_role("button", name="Choose images…")).to_be_visible()
    app.wait_until(lambda: waiting)
    assert len(waiting) == 1
    expect(app.problem).to_be_hidden()


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
def test_worklist_goes_on_after_a_broken_answer(stub: StubbedPage, answer: str) -> None:
    stub.open()
    stub.stop_clock()
    stub.run(f"window.ask = window.fetch; window.fetch = async () => {answer};")
    stub.pass_time(6_000)
    status = stub.page.locator("#worklist-status")
    expect(status).to_contain_text("cannot be reached")
    stub.run("window.fetch = window.ask;")
    arrived = stub.run('return server.arrive("mammography-views").id;')
    stub.pass_time(10_000)
    expect(stub.app.row(arrived)).to_be_visible()


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
def test_interrupted_answer_is_a_problem(stub: StubbedPage, ask: str) -> None:
    stub.open()
    code = stub.run(
        f"""
        const {{ signal }} = new AbortController();
        const task = {{ name: "x", classes: [], model: {{ version: "1", sha256: "0" }} }};
        const real = window.fetch;
        window.fetch = async () => {BROKEN["interrupted"]};
        return {ask}.catch(({{ code }}) => code).finally(() => (window.fetch = real));
        """
    )
    assert code == "Network"
