"""Recent results: listed, opened again, reviewed."""

import re

from playwright.sync_api import APIRequestContext, Locator, expect

from tests.browser import samples
from tests.browser.desk import PATIENCE_MS, TASK, Desk


def row_of(desk: Desk, result_id: str) -> Locator:
    """A result's row in the list."""
    return desk.page.locator(f'#worklist-rows > li[data-id="{result_id}"]')


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
    expect(row_of(desk, result_id)).to_be_visible(timeout=PATIENCE_MS)


def test_row_opens_its_result_and_its_address_can_be_shared(desk: Desk) -> None:
    result_id = send(desk.page.request, desk.address)
    desk.open()
    row = row_of(desk, result_id).get_by_role("link")
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
    expect(desk.page.get_by_role("button", name="Choose an image…")).to_be_visible()


def test_own_image_opened_again_is_the_original(desk: Desk) -> None:
    desk.open()
    first = desk.classify(samples.jpeg())
    desk.pick(samples.jpeg())
    expect(desk.page).not_to_have_url(re.compile(first))
    desk.wait_for_reading()
    row_of(desk, first).get_by_role("link").click()
    expect(desk.page).to_have_url(re.compile(first))
    expect(desk.caption).to_have_text("Your file, 300 × 600 pixels")


def test_correction_is_saved_and_listed(desk: Desk) -> None:
    desk.open()
    result_id = desk.classify(samples.jpeg())
    predicted = desk.heading.inner_text()
    select = desk.page.get_by_label("Correct class")
    button = desk.page.locator(".review-form button")
    expect(button).to_have_text("Confirm")
    other = select.locator("option", has_not_text=predicted).first
    correct = other.inner_text()
    select.select_option(label=correct)
    expect(button).to_have_text("Save correction")
    desk.page.get_by_label("Comment").fill("The marker says otherwise.")
    button.click()
    expect(desk.page.locator(".outcome")).to_contain_text(f"Corrected to {correct}")
    row = row_of(desk, result_id)
    expect(row).to_contain_text(f"Corrected: {correct}", timeout=PATIENCE_MS)
    saved = desk.page.request.get(f"{desk.address}/api/results/{result_id}").json()["review"]
    assert saved["comment"] == "The marker says otherwise."


def test_confirmation_is_saved(desk: Desk) -> None:
    desk.open()
    desk.classify(samples.jpeg())
    desk.page.get_by_role("button", name="Confirm").click()
    expect(desk.page.locator(".outcome")).to_contain_text("Confirmed")


def test_list_can_be_narrowed_to_what_needs_review(desk: Desk) -> None:
    desk.open()
    flagged = desk.classify(samples.both_breasts())
    desk.page.get_by_label("Needs review only").check()
    expect(row_of(desk, flagged)).to_be_visible()
    expect(desk.page.locator("#worklist-status")).not_to_have_text("Loading…")
    listed = desk.page.request.get(f"{desk.address}/api/results?task={TASK}&limit=200").json()["results"]
    unflagged = {one["id"] for one in listed if not one["needs_review"]}
    shown = set(desk.rows.evaluate_all("(rows) => rows.map((row) => row.dataset.id)"))
    assert shown
    assert shown.isdisjoint(unflagged)


def test_list_is_read_page_by_page(desk: Desk) -> None:
    for _ in range(22):
        send(desk.page.request, desk.address)
    desk.open()
    expect(desk.rows).to_have_count(20)
    desk.page.get_by_role("button", name="Show more").click()
    expect(desk.rows.nth(21)).to_be_visible()
    expect(desk.rows.nth(20).get_by_role("link")).to_be_focused()


def test_csv_can_be_downloaded(desk: Desk) -> None:
    desk.open()
    desk.classify(samples.jpeg())
    with desk.page.expect_download() as download:
        desk.page.get_by_role("link", name="Download CSV").click()
    assert download.value.path().read_text().startswith("id,")


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
    desk.page.get_by_text("Classify a whole folder").click()
    expect(desk.page.locator("#drop-folder-address")).to_have_text(f"s3://{bucket}/inbox/{TASK}/")
