"""Runs the installed Chromium with Playwright; no browser is downloaded."""

import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager

from playwright.sync_api import Browser, Playwright, sync_playwright

# The headless shell is the same browser without windows: tests take a fifth less time in it.
NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)

# Chromium uses only the last --disable-features, so this list replaces Playwright's and repeats it.
DISABLED_FEATURES = (
    *("AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades"),
    *("HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter", "PaintHolding"),
    *("ThirdPartyStoragePartitioning", "AvoidCorsURLLoaderRestartOnRedirect", "TcpPortRandomizationWin"),
    *("OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled", "PreconnectToSearch"),
    # The address bar of each window is a page itself, which takes as long to load as the one under test.
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup"),
    # A spare process for each browser context, which most tests never use.
    "SpareRendererForSitePerProcess",
)

# No GPU and no sandbox in a container, and no background requests.
FLAGS = (
    f"--disable-features={','.join(DISABLED_FEATURES)}",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class ChromiumNotFound(RuntimeError):
    """There is no Chromium on this machine."""

    def __init__(self) -> None:
        super().__init__("no Chromium found: install chromium, or set CHROMIUM to the path of one")


def find_chromium() -> str:
    """Return the path of the browser: CHROMIUM from the environment, else the first on PATH.

    Raises:
        ChromiumNotFound: if there is none.
    """
    candidates = (os.environ.get("CHROMIUM"), *map(shutil.which, NAMES))
    found = next(filter(None, candidates), None)
    if not found:
        raise ChromiumNotFound
    return found


def launch(playwright: Playwright, *flags: str) -> Browser:
    """Start a browser, with additional `flags`.

    Raises:
        ChromiumNotFound: if there is none.
    """
    return playwright.chromium.launch(executable_path=find_chromium(), args=[*FLAGS, *flags])


@contextmanager
def launched(*flags: str) -> Iterator[Browser]:
    """Run a browser, with additional `flags`, where Playwright is not running yet.

    Raises:
        ChromiumNotFound: if there is none.
    """
    with sync_playwright() as playwright, closing(launch(playwright, *flags)) as browser:
        yield browser
