"""Batches, from the estimate to the report."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from local.stack import BUCKET
from tests import images
from tests.browser import history
from tests.browser.app_page import TASK, AppPage
from tests.browser.made_up_batches import NAME, ToldBatches, batch, ended, progress
from tests.stack.client import Client

LIST, ONE = f"#/tasks/{TASK}/batches", f"#/batches/{NAME}"
FOLDER = "archive/page/"
LETTER = f"{FOLDER}ward 3/letter.txt"
REFRESH_MS = 5_000
RUN_MS = 120_000
"""A batch takes some seconds here, and longer on a busy machine."""


@pytest.fixture
def archive(request: pytest.FixtureRequest) -> Iterator[str]:
    """A folder with two images and a letter."""
    client = Client(request.getfixturevalue("stack"))
    files = {f"{FOLDER}{number}.png": images.grey_file(height=150 + number) for number in range(2)}
    for key, content in {**files, LETTER: b"Dear colleague,"}.items():
        client.s3.put_object(Bucket=BUCKET, Key=key, Body=content)
    yield FOLDER
    for key in client.keys(FOLDER):
        client.s3.delete_object(Bucket=BUCKET, Key=key)


def test_batch_is_estimated_started_and_reported(app: AppPage, archive: str, tmp_path: Path) -> None:
    """By keyboard, on the real system."""
    app.open(LIST)
    app.page.get_by_label("Folder", exact=True).fill(archive.rstrip("/"))
    app.press("Tab", "Tab")
    expect(app.page.get_by_role("button", name="Estimate costs")).to_be_focused()
    app.press("Enter")
    start = app.page.get_by_role("button", name="Start batch")
    expect(app.sheet.locator(".estimate")).to_contain_text("3 images · less than $0.01 · about ")
    expect(app.page.locator("#announcer")).to_contain_text("3 images")
    app.page.get_by_label("Parts at the same time").fill("2")
    expect(start).to_have_count(0)
    app.press("Enter")
    start.press("Enter")

    expect(app.page).to_have_url(re.compile(rf"#/batches/[0-9-]+-{TASK}-"))
    expect(app.sheet.get_by_role("heading", level=2)).to_be_focused()
    verdict = app.sheet.locator(".verdict")
    expect(verdict).to_contain_text("1 file has no result", timeout=RUN_MS)
    expect(app.page.locator("#announcer")).to_contain_text("Finished.")
    expect(app.sheet.locator(".facts").first).to_contain_text("Classified by this batch2")
    expect(app.sheet.get_by_role("group", name="Files without a result", exact=True)).to_contain_text(
        "Not an image1"
    )
    expect(app.sheet).to_contain_text("No image changed its class.")
    app.page.get_by_role("button", name="Show the files").click()
    expect(app.sheet.get_by_role("row").filter(has_text=LETTER)).to_contain_text(
        "Send a JPEG, PNG, TIFF or DICOM file."
    )
    with app.page.expect_download() as download:
        app.page.get_by_role("button", name="Download list").click()
    download.value.save_as(tmp_path / "failures.jsonl")
    assert json.loads((tmp_path / "failures.jsonl").read_text())["key"] == LETTER
    with app.page.expect_download() as download:
        app.page.get_by_role("button", name="Download report").click()
    download.value.save_as(tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text())["classified"] == 2


def test_refused_batch_is_explained_beside_the_button(app: AppPage) -> None:
    app.http_errors_expected = True
    app.open(LIST)
    app.page.get_by_label("Folder", exact=True).fill("archive/nothing")
    app.page.get_by_role("button", name="Estimate costs").click()
    expect(app.problem).to_contain_text("There are no images in archive/nothing/.")
    app.page.get_by_label("Images in a CSV list").check()
    expect(app.problem).to_have_count(0)
    app.page.get_by_role("button", name="Estimate costs").click()
    expect(app.problem).to_contain_text("archive/nothing does not end in .csv.")
    app.open("#/batches/nothing")
    expect(app.problem).to_contain_text("There is no batch with this name.")
    app.open("#/batches/nothing")
    expect(app.problem).to_contain_text("There is no batch with this name.")
    assert [
        json.loads(request.post_data or "")["source"] for request in app.requests if request.method == "POST"
    ] == ["archive/nothing/"]


def test_batch_is_stopped_and_resumed(first_visit: AppPage) -> None:
    app = first_visit
    app.page.clock.install()
    told = ToldBatches(app, batch())
    app.open(LIST)
    app.sheet.locator(".paged-list").get_by_role("link").click()
    bar = app.sheet.get_by_role("progressbar", name="Progress of the batch")
    expect(bar).to_have_js_property("value", 5012)
    expect(app.sheet).to_contain_text("5,012 of 20,000 images · 48 in progress · 12 in parts that failed")
    app.page.get_by_role("button", name="Stop this batch").click()
    told.now = batch(status="stopped", progress=progress(5000, running=48))
    app.page.get_by_role("dialog").get_by_role("button", name="Stop batch").click()
    expect(app.sheet.locator(".verdict")).to_contain_text("Parts that had begun are being finished.")
    expect(app.sheet.get_by_role("heading", level=2)).to_be_focused()
    told.now = batch(status="stopped", progress=progress(5048))
    app.page.clock.run_for(REFRESH_MS)
    expect(app.sheet.locator(".verdict")).to_contain_text("Resume the batch to classify the others.")

    told.now = batch(passes=2, progress=None)
    app.page.get_by_role("button", name="Resume").click()
    expect(app.sheet).to_contain_text("The images are being listed.")
    expect(app.sheet.locator(".facts")).to_contain_text("Passes2")
    told.now = ended() | {"passes": 2}
    app.page.clock.run_for(REFRESH_MS)
    expect(app.sheet.get_by_role("row").filter(has_text="Left")).to_contain_text("120")
    expect(app.page.get_by_role("button", name="Run again")).to_be_visible()
    assert told.acts == ["stop", "continue"]


def test_steps_of_a_batch_with_a_transform_job_are_told(first_visit: AppPage) -> None:
    app = first_visit
    app.page.clock.install()
    told = ToldBatches(app, batch(progress=progress(5000, step="prepare")))
    app.open(ONE)
    expect(app.sheet).to_contain_text("Step 1 of 3")
    told.now = batch(progress=progress(19_988, step="transform"))
    app.page.clock.run_for(REFRESH_MS)
    expect(app.sheet).to_contain_text("Step 2 of 3: a transform job classifies")
    told.now = batch(progress=progress(0, step="record") | {"images": 15_000})
    app.page.clock.run_for(REFRESH_MS)
    expect(app.sheet).to_contain_text("Step 3 of 3")
    expect(app.sheet).to_contain_text("12 of 15,000 images")


def test_batches_are_for_admins_only(app: AppPage) -> None:
    history.member(app, "reviewer")
    app.open(LIST)
    expect(app.sheet).to_contain_text("Only members of the group “admin” can start and follow batches.")
    expect(app.page.locator("#nav-batches")).to_be_hidden()
    expect(app.sheet.locator("form")).to_have_count(0)
    app.open(ONE)
    expect(app.sheet).to_contain_text("Only members of the group “admin”")
    assert [request.url for request in app.requests if "/api/batches" in request.url] == []


def test_batches_fit_a_narrow_phone(app: AppPage) -> None:
    # German words are longer.
    app.page.add_init_script("localStorage.setItem('negatoscope.language', 'de')")
    app.page.set_viewport_size({"width": 320, "height": 700})
    long = batch(name="b", source=f"archive/{'ward' * 40}/")
    told = ToldBatches(app, batch(), long)
    app.open(LIST)
    expect(app.sheet.locator(".paged-list li")).to_have_count(2)
    app.sheet.get_by_role("radio").last.check()
    assert app.width_beyond_screen() <= 0
    app.open(ONE)
    expect(app.sheet.get_by_role("progressbar")).to_be_visible()
    assert app.width_beyond_screen() <= 0
    told.now = ended()
    app.open(LIST)
    app.open(ONE)
    app.page.get_by_role("button", name="Dateien zeigen").click()
    expect(app.sheet.get_by_role("row").filter(has_text="letter.txt")).to_be_visible()
    assert app.width_beyond_screen() <= 0
