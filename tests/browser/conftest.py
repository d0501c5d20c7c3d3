"""A browser before the running page: that of the real system, or the one that NEGATOSCOPE_URL names."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ViewportSize

from tests.browser.chromium import ChromiumNotFound, launched
from tests.browser.desk import Desk

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
