"""Fixtures: a browser, and the page of the real system, of NEGATOSCOPE_URL, or with a stubbed server."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from tests.browser.app_page import PATIENCE_MS, AppPage
from tests.browser.chromium import ChromiumNotFound, launched
from tests.browser.stubbed_page import StubbedPage, file_server

USUAL_PATIENCE_MS = 5_000
"""Playwright's default."""

LAPTOP: ViewportSize = {"width": 1440, "height": 900}


@pytest.fixture(scope="session")
def page_address(request: pytest.FixtureRequest) -> str:
    return os.environ.get("NEGATOSCOPE_URL") or str(request.getfixturevalue("stack").url)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    try:
        with launched() as running:
            yield running
    except ChromiumNotFound as reason:
        pytest.skip(str(reason))


@pytest.fixture
def app(browser: Browser, page_address: str) -> Iterator[AppPage]:
    """A fresh page; the test fails if it logged an error or called another origin."""
    context = browser.new_context(viewport=LAPTOP)
    opened = AppPage(context.new_page(), page_address)
    yield opened
    context.close()
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


@pytest.fixture(scope="module")
def patience() -> Iterator[None]:
    """Longer timeouts, for several cold starts of Lambdas."""
    expect.set_options(timeout=PATIENCE_MS)
    yield
    expect.set_options(timeout=USUAL_PATIENCE_MS)
