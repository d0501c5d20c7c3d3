"""Runs the installed WebKitGTK, which has Safari's engine, without a screen; no browser is downloaded."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

from local.loopback import ask
from local.process import Process
from tests.browser.webdriver import Session
from tests.stack.client import wait_for
from tests.stack.ports import free_ports

DRIVER = "WebKitWebDriver"
SCREEN = "Xvfb"

# Otherwise the toolbar of WebKitGTK's small browser keeps its window wider than a phone.
NARROW_TOOLBAR = "* { min-width: 0; margin: 0; padding: 0; font-size: 1px }"


class WebKitNotFound(RuntimeError):
    """There is no WebKitGTK on this machine, or nothing that runs it without a screen."""

    def __init__(self, missing: str) -> None:
        super().__init__(f"no {missing} found: install webkit2gtk-driver and xvfb")


@contextmanager
def launched() -> Iterator[Session]:
    """Run a browser.

    Raises:
        WebKitNotFound: if there is none, or nothing that runs it.
    """
    for program in (DRIVER, SCREEN):
        if not shutil.which(program):
            raise WebKitNotFound(program)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        style = folder / "gtk-3.0" / "gtk.css"
        style.parent.mkdir()
        style.write_text(NARROW_TOOLBAR, encoding="utf-8")
        with _screen(folder) as display, _driver(folder, display) as port, Session(port) as browser:
            yield browser


@contextmanager
def _screen(folder: Path) -> Iterator[str]:
    """Run a screen in memory; yield its name."""
    # It chooses a free number, and prints it when it is ready.
    command = [SCREEN, "-displayfd", "1", "-screen", "0", "1600x1200x24", "-nolisten", "tcp"]
    with _running(Process(SCREEN, command, folder / "screen", dict(os.environ))) as screen:
        number = next((line.strip() for line in screen.follow() if line.strip().isdigit()), None)
        if number is None:
            raise screen.failure(f"{SCREEN} did not start.")
        yield f":{number}"


@contextmanager
def _driver(folder: Path, display: str) -> Iterator[int]:
    """Run the driver on a screen, with settings from a folder; yield its port."""
    # Nothing depends on the machine's home, graphics card, or desktop.
    settings = {
        "DISPLAY": display,
        "GDK_BACKEND": "x11",
        "LIBGL_ALWAYS_SOFTWARE": "1",
        "NO_AT_BRIDGE": "1",
        "WEBKIT_DISABLE_DMABUF_RENDERER": "1",
        "HOME": str(folder),
        **{f"XDG_{name}": str(folder) for name in ("CACHE_HOME", "CONFIG_HOME", "DATA_HOME", "RUNTIME_DIR")},
    }
    port, _ = free_ports()
    command = [DRIVER, f"--port={port}"]
    with _running(Process(DRIVER, command, folder / "driver", os.environ | settings)) as driver:
        wait_for(lambda: _answers(driver, port))
        yield port


def _answers(driver: Process, port: int) -> bool:
    if not driver.running:
        raise driver.failure(f"{DRIVER} did not start.")
    try:
        return ask(port, "/status") == HTTPStatus.OK
    except OSError:
        return False


@contextmanager
def _running(process: Process) -> Iterator[Process]:
    try:
        yield process
    finally:
        process.stop()
