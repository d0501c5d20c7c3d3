"""Exports of any size, from the click to the file."""

import csv
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from tests.browser import samples
from tests.browser.app_page import TASK, AppPage
from tests.browser.every_view import EXPORTS

WRITTEN_MS = 120_000
"""DynamoDB's copy and the processing job take some seconds here, and longer on a busy machine."""


def test_export_is_written_and_downloaded(app: AppPage, tmp_path: Path) -> None:
    app.open()
    result_id = app.classify(samples.jpeg())
    app.page.locator("#large-export").click()
    dialog = app.page.get_by_role("dialog", name="Large export")
    dialog.get_by_label("Format").select_option("CSV, for spreadsheets")
    dialog.get_by_role("button", name="Start export").click()
    newest = dialog.get_by_role("listitem").first
    expect(newest.get_by_role("progressbar")).to_be_visible()
    # The page may not see the second step: it asks every five seconds, and a small file is written in less.
    expect(newest).to_contain_text("Ready:", timeout=WRITTEN_MS)

    with app.page.expect_download() as download:
        newest.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename.startswith(f"negatoscope-{TASK}-")
    download.value.save_as(tmp_path / "results.csv")
    with (tmp_path / "results.csv").open(newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    assert rows[result_id]["task"] == TASK
    assert {row["status"] for row in rows.values()} <= {"classified", "quarantined", "received"}


def test_export_has_the_filters_of_the_worklist_and_can_be_stopped(app: AppPage) -> None:
    asked: list[str] = []
    shown: list[dict[str, Any]] = [EXPORTS[0]]

    def answer(route: Any) -> None:
        if route.request.method == "POST":
            asked.append(route.request.url)
        if "/stop" in route.request.url:
            shown[0] = EXPORTS[0] | {"status": "stopped", "step": None}
        route.fulfill(json=shown[0] if route.request.method == "POST" else {"exports": shown})

    app.intercept("**/api/exports**", answer)
    app.open()
    app.page.get_by_label("Show", exact=True).select_option("To review")
    app.page.locator("#large-export").click()
    dialog = app.page.get_by_role("dialog", name="Large export")
    dialog.get_by_label("Format").select_option("Parquet, for data tools")
    dialog.get_by_role("button", name="Start export").click()
    dialog.get_by_role("button", name="Stop").click()

    expect(dialog.get_by_role("listitem")).to_contain_text("Stopped.")
    expect(dialog.get_by_role("button", name="Stop")).to_have_count(0)
    start, stop = asked
    assert f"task={TASK}" in start
    assert "needs_review=true" in start
    assert "format=parquet" in start
    assert "order" not in start
    assert stop.endswith(f"/api/exports/{EXPORTS[0]['name']}/stop")
    app.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_answer_from_before_a_start_does_not_hide_the_new_export(app: AppPage) -> None:
    lists: list[Any] = []

    def answer(route: Any) -> None:
        if route.request.method == "POST":
            route.fulfill(json=EXPORTS[0])
        elif lists:
            lists.append(route)
            route.fulfill(json={"exports": [EXPORTS[1]]})
        else:
            lists.append(route)  # it takes long

    app.intercept("**/api/exports**", answer)
    app.open()
    app.page.locator("#large-export").click()
    app.wait_until(lambda: lists)
    app.page.get_by_role("button", name="Start export").click()
    expect(app.page.locator("#announcer")).to_contain_text("The export has started.")
    app.page.wait_for_timeout(300)
    # The page asks again only when it has the answer that is on its way.
    assert len(lists) == 1
    lists[0].fulfill(json={"exports": []})
    expect(app.page.locator(".export-list li")).to_contain_text("Step 2 of 2")
