"""Fixtures: a browser, and the page of the real system, of NEGATOSCOPE_URL, or with a stubbed server."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    CDPSession,
    Playwright,
    ViewportSize,
    expect,
    sync_playwright,
)

from tests.browser.app_page import PATIENCE_MS, AppPage
from tests.browser.chromium import ChromiumNotFound, launch
from tests.browser.stubbed_page import StubbedPage, file_server

LAPTOP: ViewportSize = {"width": 1440, "height": 900}

STORED = "cookies,local_storage,indexeddb,cache_storage,service_workers"
"""What a page can store, except the cache of its files."""


@pytest.fixture(scope="session")
def page_address(request: pytest.FixtureRequest) -> str:
    return os.environ.get("NEGATOSCOPE_URL") or str(request.getfixturevalue("stack").url)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    # Playwright's five seconds are too short beside other tests. Nothing waits longer than it has to.
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    try:
        running = launch(playwright)
    except ChromiumNotFound as reason:
        pytest.skip(str(reason))
    yield running
    running.close()


@pytest.fixture(scope="session")
def visitor(browser: Browser) -> Iterator[BrowserContext]:
    """A browser context for many tests: it keeps the page's files, and loads them in half the time."""
    with browser.new_context(viewport=LAPTOP) as context:
        yield context


@pytest.fixture(scope="session")
def devtools(visitor: BrowserContext) -> CDPSession:
    """The developer tools of an empty tab of `visitor`."""
    return visitor.new_cdp_session(visitor.new_page())


@pytest.fixture
def app(visitor: BrowserContext, devtools: CDPSession, page_address: str) -> Iterator[AppPage]:
    """A new tab without stored data; the test fails if it logged an error or called another origin."""
    devtools.send("Storage.clearDataForOrigin", {"origin": page_address, "storageTypes": STORED})
    opened = AppPage(visitor.new_page(), page_address)
    yield opened
    opened.page.close()
    assert opened.mistakes == []


@pytest.fixture
def first_visit(browser: Browser, page_address: str) -> Iterator[AppPage]:
    """The same in a fresh browser context: for tests that set the clock or the network, which belong to the
    context, and for tests of the first visit.
    """
    with browser.new_context(viewport=LAPTOP) as context:
        opened = AppPage(context.new_page(), page_address)
        yield opened
    assert opened.mistakes == []


@pytest.fixture(scope="session")
def files_address() -> Iterator[str]:
    """A server for the static files only."""
    with file_server() as address:
        yield address


@pytest.fixture
def stub(browser: Browser, files_address: str) -> Iterator[StubbedPage]:
    """A fresh page with a stubbed server; the test fails as with `app`."""
    # A separate context, since Playwright's clock belongs to the context.
    with browser.new_context(viewport=LAPTOP, locale="en-GB") as context:
        opened = StubbedPage(context.new_page(), files_address)
        yield opened
    assert opened.app.mistakes == [], opened.app.mistakes
