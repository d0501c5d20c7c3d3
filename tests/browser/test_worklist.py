"""The worklist: live, filtered, of any length."""

import re

from playwright.sync_api import APIRequestContext, expect

from tests.browser import samples
from tests.browser.desk import PATIENCE_MS, TASK, Desk


def send(request: APIRequestContext, address: str) -> str:
    """Classify an image as another program would; the result's id."""
    answer = request.post(
        f"{address}/api/tasks/{TASK}/classify",
        data=samples.jpeg()["buffer"],
        headers={"Content-Type": "image/jpeg"},
    )
    assert answer.ok, answer.text()
    return str(answer.json()["id"])


def test_result_that_others_send_appears_by_itself(desk: Desk) -> None:
    desk.open()
    expect(desk.page.locator("#worklist-status")).not_to_have_text("Loading…")
    result_id = send(desk.page.request, desk.address)
    expect(desk.row(result_id)).to_be_visible(timeout=PATIENCE_MS)


def test_row_opens_its_result_and_its_address_can_be_shared(desk: Desk) -> None:
    result_id = send(desk.page.request, desk.address)
    desk.open()
    row = desk.row(result_id).get_by_role("link")
    label = row.locator(".row-label").inner_text()
    row.click()
    expect(desk.heading).to_have_text(label)
    expect(desk.heading).to_be_focused()
    expect(row).to_have_attribute("aria-current", "true")
    shared = desk.page.url
    assert shared.endswith(f"#/results/{result_id}")

    desk.page.goto("about:blank")
    desk.page.goto(shared)
    desk.wait_for_reading()
    expect(desk.heading).to_have_text(label)
    expect(desk.image).to_be_visible()


def test_back_returns_to_the_task(desk: Desk) -> None:
    desk.open()
    desk.classify(samples.jpeg())
    desk.page.go_back()
    expect(desk.page.get_by_role("button", name="Choose images…")).to_be_visible()


def test_own_image_opened_again_is_the_original(desk: Desk) -> None:
    desk.open()
    first = desk.classify(samples.jpeg())
    desk.pick(samples.jpeg())
    expect(desk.page).not_to_have_url(re.compile(first))
    desk.wait_for_reading()
    desk.row(first).get_by_role("link").click()
    expect(desk.page).to_have_url(re.compile(first))
    expect(desk.caption).to_have_text("Your file, 300 × 600 pixels")


def test_hidden_page_asks_for_nothing(desk: Desk) -> None:
    desk.open()
    expect(desk.page.locator("#worklist-status")).not_to_have_text("Loading…")
    desk.page.evaluate(
        """() => {
            Object.defineProperty(document, "hidden", { value: true, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }"""
    )
    desk.page.wait_for_timeout(500)
    before = len(desk.requests)
    desk.page.wait_for_timeout(5_000)
    assert len(desk.requests) == before


def test_drop_folder_of_the_task_is_named(desk: Desk) -> None:
    bucket = desk.page.request.get(f"{desk.address}/api/health").json()["data_bucket"]
    desk.open()
    desk.page.get_by_text("Classify a folder without this page").click()
    expect(desk.page.locator("#drop-folder-address")).to_have_text(f"s3://{bucket}/inbox/{TASK}/")
