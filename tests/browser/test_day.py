"""A day before the page, all of it for real: films are read, a model is retrained and taken back."""

import csv
import json
import os
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import FilePayload, expect

from local.stack import LocalStack
from tests.browser import samples
from tests.browser.app_page import PATIENCE_MS, Desk
from tests.browser.app_page import TASK as FILMS
from tests.browser.test_queue import named
from tests.stack.client import Client
from tests.stack.retraining_driver import ENDPOINT, PATIENCE, TASK, TINY, RetrainingDriver
from tests.stack.sagemaker_harness import SageMakerHarness

pytestmark = pytest.mark.usefixtures("patience")
REVIEWED = 10
LOADING_MS = 4 * PATIENCE_MS


@pytest.fixture(scope="module")
def driver(stack: LocalStack) -> Iterator[RetrainingDriver]:
    if "NEGATOSCOPE_URL" in os.environ:
        pytest.skip("the models of a system that others use are not changed")
    driver = RetrainingDriver(SageMakerHarness(Client(stack)))
    driver.put_images()
    yield driver
    driver.remove_endpoint()


def hundred_files() -> list[FilePayload]:
    """As they lie in a folder after years: 90 films of all kinds, five of them twice, and five others."""
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


def test_films_are_read_and_exported_and_a_model_comes_and_goes(desk: Desk, driver: RetrainingDriver) -> None:
    before = json.loads(driver.current())["version"]
    earlier = reviewed_already(driver)
    desk.open()
    files = hundred_files()
    assert len(files) == 100
    desk.drop(*files)
    desk.wait_for_queue(8 * PATIENCE_MS)
    expect(desk.page.locator("#queue-summary")).to_have_text("100 of 100 done · 5 sent before · 5 not usable")

    show = desk.page.get_by_label("Show", exact=True)
    show.select_option("Not reviewed")
    expect(desk.page.locator("#worklist-status")).not_to_have_text("Loading…")
    desk.rows.first.get_by_role("link").click()
    desk.wait_for_reading()
    desk.page.get_by_label("Then open the next one not reviewed").check()
    desk.heading.focus()
    reviewed = []
    for _ in range(REVIEWED):
        reviewed.append(desk.wait_for_reading())
        desk.press("Enter")
        expect(desk.row(reviewed[-1])).to_contain_text("Confirmed")
        expect(desk.page).not_to_have_url(re.compile(reviewed[-1]))
    expect(desk.page.locator("#reviewed")).to_contain_text(re.compile(rf"^{REVIEWED} of \d+ reviewed"))

    show.select_option("Reviewed")
    # Rows out of sight are not in the page, but each says how many there are.
    expect(desk.rows.first).to_have_attribute("aria-setsize", str(len(earlier) + REVIEWED))
    with desk.page.expect_download() as download:
        desk.page.get_by_role("link", name="Download CSV").click()
    rows = list(csv.DictReader(download.value.path().read_text().splitlines()))
    assert {row["id"] for row in rows} == {*earlier, *reviewed}
    assert all(row["reviewed_label"] == row["label"] and row["reviewed_at"] for row in rows)

    desk.retrain(TASK.name, TINY | {"seed": 2}, approval=True)
    desk.page.get_by_role("button", name="Deploy").click(timeout=PATIENCE * 1000)
    desk.page.get_by_role("dialog").get_by_role("button", name="Deploy").click()
    expect(desk.sheet.locator(".verdict.good")).to_contain_text(
        "classifies from now on", timeout=PATIENCE * 1000
    )
    current = json.loads(driver.current())
    assert (current["endpoint"], current["version"] != before) == (ENDPOINT, True)
    driver.wait_until_served_by(current["version"])

    desk.open(f"#/tasks/{TASK.name}/models")
    expect(desk.sheet.locator(".lead")).to_contain_text(current["version"])
    desk.page.get_by_role("button", name=f"Roll back to {before}").click()
    desk.page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    expect(desk.sheet.locator(".lead")).to_contain_text(before)
    assert json.loads(driver.current())["version"] == before

    desk.open()
    desk.page.get_by_role("switch", name="On this device").check()
    expect(desk.page.locator("#on-device-status")).to_contain_text("without a network", timeout=LOADING_MS)
    desk.http_errors_expected = True
    sent = len(desk.posts())
    desk.page.context.set_offline(True)
    desk.page.reload()
    expect(desk.page.locator("#on-device-status")).to_contain_text("ready", timeout=LOADING_MS)
    desk.classify(samples.jpeg())
    desk.page.context.set_offline(False)
    assert len(desk.posts()) == sent
