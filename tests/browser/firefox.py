"""Runs the installed Firefox with Playwright; no browser is downloaded."""

import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Playwright

PROJECT = Path(__file__).parents[2]
NAMES = ("firefox-esr", "firefox")


class FirefoxNotFound(RuntimeError):
    """There is no Firefox on this machine."""

    def __init__(self) -> None:
        super().__init__("no Firefox found: install firefox, or set FIREFOX to the path of one")


def find_firefox() -> str:
    """Return the path of the browser: FIREFOX from the environment, else the first on PATH.

    Raises:
        FirefoxNotFound: if there is none.
    """
    found = next(filter(None, (os.environ.get("FIREFOX"), *map(shutil.which, NAMES))), None)
    if not found:
        raise FirefoxNotFound
    return found


@contextmanager
def launched(playwright: Playwright) -> Iterator[Browser]:
    """Run a browser.

    Raises:
        FirefoxNotFound: if there is none.
    """
    proxied = [sys.executable, "-m", "tests.browser.bidi_proxy", find_firefox()]
    with tempfile.TemporaryDirectory() as folder:
        # Playwright starts one file. Firefox refuses to start in the home of another user.
        starter = Path(folder, "firefox")
        starter.write_text(
            f"#!/bin/sh\ncd {shlex.quote(str(PROJECT))} && "
            f'HOME={shlex.quote(folder)} exec {shlex.join(proxied)} "$@"\n',
            encoding="utf-8",
        )
        starter.chmod(0o700)
        browser = playwright.firefox.launch(channel="moz-firefox", executable_path=starter)
        try:
            yield browser
        finally:
            browser.close()
