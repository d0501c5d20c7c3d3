"""A working day on the real system: images are reviewed, a model is retrained and rolled back."""

import csv
import json
import os
import re

import pytest
from playwright.sync_api import FilePayload, expect

from local.stack import LocalStack
from tests.browser import samples
from tests.browser.app_page import PATIENCE_MS, AppPage
from tests.browser.app_page import TASK as FILMS
from tests.browser.test_queue import named
from tests.stack.client import Client
from tests.stack.retraining_driver import PATIENCE, TASK, TINY, RetrainingDriver
from tests.stack.sagemaker_harness import SageMakerHarness

REVIEWED = 10
LOADING_MS = 4 * PATIENCE_MS


@pytest.fixture(scope="module")
def driver(stack: LocalStack) -> RetrainingDriver:
    if "NEGATOSCOPE_URL" in os.environ:
        pytest.skip("the models of a system that others use are not changed")
    driver = RetrainingDriver(SageMakerHarness(Client(stack)))
    driver.put_images()
    return driver


def hundred_files() -> list[FilePayload]:
    """A typical folder: 90 images of all formats, five of them twice, and five other files."""
    films = [
        *(named(f"film-{index}.jpg", samples.jpeg()) for index in range(60)),
        *(named(f"scan-{index}.dcm", samples.dicom()) for index in range(15)),
        *(named(f"deep-{index}.png", samples.deep_png()) for index in range(10)),
        *(named(f"old-{index}.tif", samples.tiff()) for index in range(5)),
    ]
    copies = [named(f"copy of {film['name']}", film) for film in films[:5]]
    broken = [named(f"broken-{index}.jpg", samples.truncated_jpeg()) for index in range(3)]
    return [*films, *copies, *broken, samples.text_file(), samples.empty_file()]


def reviewed_already(driver: RetrainingDriver) -> list[str]:
    """Results that other tests have reviewed."""
    listed = driver.client.api("GET", f"/api/results?task={FILMS}&reviewed=true").json
    assert listed["cursor"] is None
    return [result["id"] for result in listed["results"]]


def test_working_day_from_classification_to_rollback_and_offline(
    first_visit: AppPage, driver: RetrainingDriver
) -> None:
    app = first_visit
    before = json.loads(driver.current())["version"]
    earlier = reviewed_already(driver)
    app.open()
    files = hundred_files()
    assert len(files) == 100
    app.drop(*files)
    app.wait_for_queue(8 * PATIENCE_MS)
    expect(app.page.locator("#queue-summary")).to_have_text(
        "100 of 100 done · 5 already uploaded · 5 not usable"
    )

    show = app.page.get_by_label("Show", exact=True)
    show.select_option("Not reviewed")
    expect(app.page.locator("#worklist-status")).not_to_have_text("Loading…")
    app.rows.first.get_by_role("link").click()
    app.wait_for_result()
    app.page.get_by_label("Then open the next unreviewed image").check()
    app.heading.focus()
    reviewed = []
    for _ in range(REVIEWED):
        reviewed.append(app.wait_for_result())
        app.press("Enter")
        expect(app.row(reviewed[-1])).to_contain_text("Confirmed")
        expect(app.page).not_to_have_url(re.compile(reviewed[-1]))
    expect(app.page.locator("#reviewed")).to_contain_text(re.compile(rf"^{REVIEWED} of \d+ reviewed"))

    show.select_option("Reviewed")
    # Rows out of view are not in the page, but each states the total number.
    expect(app.rows.first).to_have_attribute("aria-setsize", str(len(earlier) + REVIEWED))
    with app.page.expect_download() as download:
        app.page.get_by_role("link", name="Export CSV").click()
    rows = list(csv.DictReader(download.value.path().read_text().splitlines()))
    assert {row["id"] for row in rows} == {*earlier, *reviewed}
    assert all(row["reviewed_label"] == row["label"] and row["reviewed_at"] for row in rows)

    app.retrain(TASK.name, TINY | {"seed": 2}, approval=True)
    app.page.get_by_role("button", name="Deploy").click(timeout=PATIENCE * 1000)
    app.page.get_by_role("dialog").get_by_role("button", name="Deploy").click()
    expect(app.sheet.locator(".verdict.good")).to_contain_text(
        "classifies from now on", timeout=PATIENCE * 1000
    )
    current = json.loads(driver.current())
    assert (current["endpoint"], current["version"] != before) == (None, True)
    driver.wait_until_served_by(current["version"], "embedded")

    app.open(f"#/tasks/{TASK.name}/models")
    expect(app.sheet.locator(".lead")).to_contain_text(current["version"])
    app.page.get_by_role("button", name=f"Roll back to {before}").click()
    app.page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    expect(app.sheet.locator(".lead")).to_contain_text(before)
    assert json.loads(driver.current())["version"] == before

    app.open()
    app.page.get_by_role("switch", name="On this device").check()
    expect(app.page.locator("#on-device-status")).to_contain_text("also offline", timeout=LOADING_MS)
    app.http_errors_expected = True
    sent = len(app.posts())
    app.page.context.set_offline(True)
    app.page.reload()
    expect(app.page.locator("#on-device-status")).to_contain_text("ready", timeout=LOADING_MS)
    app.classify(samples.jpeg())
    app.page.context.set_offline(False)
    assert len(app.posts()) == sent
