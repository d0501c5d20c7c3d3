"""A browser before the running page: that of the real system, or the one that NEGATOSCOPE_URL names."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from tests.browser.chromium import ChromiumNotFound, launched
from tests.browser.desk import PATIENCE_MS, Desk

USUAL_PATIENCE_MS = 5_000
"""Playwright's own."""

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
def desk(browser: Browser, page_address: str) -> Iterator[Desk]:
    """A fresh page; the test fails if it wrote an error to the console or called a stranger."""
    context = browser.new_context(viewport=LAPTOP)
    opened = Desk(context.new_page(), page_address)
    yield opened
    context.close()
    assert opened.mistakes == []


@pytest.fixture(scope="module")
def patience() -> Iterator[None]:
    """Everything may take as long as several calls to Lambdas that have never run."""
    expect.set_options(timeout=PATIENCE_MS)
    yield
    expect.set_options(timeout=USUAL_PATIENCE_MS)
