"""A day of two readers on one system: nothing that either says is lost."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from playwright.sync_api import Browser, Playwright, expect

from chalicelib.results import result_document
from chalicelib.results.table import ResultsTable
from chalicelib.tasks import load_task
from chalicelib.timestamps import timestamp
from local.account import REGION, ROOT_CREDENTIALS
from local.stack import LocalStack
from tests.browser.app_page import TASK, AppPage
from tests.browser.conftest import LAPTOP
from tests.browser.firefox import FirefoxNotFound, launched
from tests.browser.test_login import KNOWN
from tests.browser.test_review import resolve_conflict

IMAGES, BY_KEY = 200, 5
CLASSES = load_task(TASK).class_names
LIST = re.compile(r"/api/results\?")

READ = """([ids, label]) => {
    const read = async () => {
        const { saveReview } = await import("/modules/api.js");
        const conditions = { seen: null, second: true, kind: "blind" };
        for (let id = ids.shift(); id; id = ids.shift()) await saveReview(id, label, "", conditions);
    };
    window.reading = Promise.all(Array.from({ length: 4 }, read)).then(() => true);
}"""
"""Begins to read images through the page's own requests, four at a time."""


@pytest.fixture
def table(login_stack: LocalStack) -> ResultsTable:
    keys = {name.lower(): value for name, value in ROOT_CREDENTIALS.items()}
    resource = boto3.resource("dynamodb", endpoint_url=login_stack.aws_url, region_name=REGION, **keys)
    return ResultsTable(resource, "negatoscope-local-results")


@pytest.fixture
def other_browser(browser: Browser, playwright: Playwright) -> Iterator[Browser]:
    """Firefox where there is one."""
    try:
        with launched(playwright) as firefox:
            yield firefox
    except FirefoxNotFound:
        yield browser


@pytest.fixture
def readers(browser: Browser, other_browser: Browser, login_stack: LocalStack) -> Iterator[list[AppPage]]:
    """The pages of two users who may review, in two browsers."""
    contexts = [each.new_context(viewport=LAPTOP) for each in (browser, other_browser)]
    pages = [AppPage(context.new_page(), login_stack.url) for context in contexts]
    for page, group in zip(pages, ("reviewer", "admin"), strict=True):
        page.http_errors_expected = True  # conflicts, and the images of these results do not exist
        page.page.goto(f"{page.address}/#/tasks/{TASK}")
        page.sign_in(*KNOWN[group])
    yield pages
    for context in contexts:
        context.close()
    assert [page.mistakes for page in pages] == [[], []]


def store(table: ResultsTable) -> list[str]:
    """Store classified results; return their ids, the newest first."""
    now = datetime.now(UTC)
    ids = [f"{number:032x}" for number in range(IMAGES)]
    for number, image_id in enumerate(ids):
        label = CLASSES[number % len(CLASSES)]
        table.finish(
            result_document.received(image_id, TASK, "api")
            | {
                "status": "classified",
                "label": label,
                "probability": 0.6,
                "probabilities": {name: 0.6 if name == label else 0.1 for name in CLASSES},
                "created_at": timestamp(now - timedelta(seconds=number)),
            }
        )
    return ids


def open_image(app: AppPage, image_id: str) -> None:
    app.page.evaluate("(address) => (location.hash = address)", f"#/results/{image_id}")
    app.wait_for_view(f"#/results/{image_id}")
    app.heading.focus()


def provoke_conflict(first: AppPage, other: AppPage, image_id: str) -> None:
    """Both look at an image; the second one saves without knowing what the first one has saved."""
    other.intercept(LIST, lambda route: route.abort())
    for app in (first, other):
        open_image(app, image_id)
    first.press("1")
    expect(first.page.locator(".review-form")).to_have_attribute("aria-busy", "false")
    expect(first.page.locator("#toast")).to_contain_text("Saved.")
    other.press("2")
    conflict = other.page.get_by_role("group", name="Not saved")
    expect(conflict).to_be_focused()
    name = KNOWN["reviewer"][0].partition("@")[0]
    expect(conflict).to_contain_text(re.compile(f"Now: .* by {name}Yours"))


def read_by_key(app: AppPage, ids: Sequence[str], key: str) -> None:
    """Read images one after the other, each of which the page opens by itself."""
    app.reload()  # the list has been asked for before the results were stored
    expect(app.row(ids[0])).to_be_visible()
    open_image(app, ids[0])
    app.page.get_by_label("Then open the next unreviewed image").check()
    app.heading.focus()
    for following in ids[1:]:
        app.press(key)
        app.wait_for_view(f"#/results/{following}")
    app.page.get_by_label("Then open the next unreviewed image").uncheck()


def said(result: Any, user: str) -> list[str]:
    """The classes that a reader gave an image."""
    return [reading["label"] for reading in result["readings"] if reading["reviewer"] == user]


def test_nothing_that_two_readers_say_is_lost(readers: list[AppPage], table: ResultsTable) -> None:
    ids = store(table)
    one, other = readers
    users = [
        app.page.evaluate("import('/modules/permissions.js').then((it) => it.user())") for app in readers
    ]
    added, replaced, *rest = ids

    provoke_conflict(one, other, added)
    resolve_conflict(other, "Add mine as another reading")
    provoke_conflict(one, other, replaced)
    resolve_conflict(other, "Replace it with mine")
    for image_id, label in ((added, CLASSES[0]), (replaced, CLASSES[1])):
        expect(other.page.locator(".review-form")).to_have_attribute("aria-busy", "false")
        result = table.get(image_id)
        assert result["review"]
        assert result["review"]["label"] == label
        assert result["disagreement"]
        assert [said(result, user) for user in users] == [[CLASSES[0]], [CLASSES[1]]]

    other.page.unroute(LIST)
    other.page.evaluate("localStorage.setItem('negatoscope.blind', 'on')")
    read_by_key(one, rest[: BY_KEY + 1], "1")
    read_by_key(other, rest[: BY_KEY + 1], "2")
    expect(other.heading).to_have_text("Not read yet")
    for app, label in zip(readers, CLASSES, strict=False):
        app.page.evaluate(READ, [rest[BY_KEY:], label])
    assert [app.page.evaluate("window.reading") for app in readers] == [True, True]

    lost = []
    for image_id in rest:
        result = table.get(image_id)
        if [said(result, user) for user in users] != [[CLASSES[0]], [CLASSES[1]]] or not result[
            "disagreement"
        ]:
            lost.append(result)
    assert lost == []

    open_image(other, added)
    other.page.get_by_role("button", name="Settle as").first.click()
    expect(other.outcome).to_contain_text("Settled as")
    settled = table.get(added)
    assert settled["review"]
    assert (settled["review"]["label"], settled["disagreement"]) == (CLASSES[0], False)
