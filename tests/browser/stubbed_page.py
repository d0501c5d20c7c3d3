"""The page with a stubbed server: its files are served, and `server_in_page.js` answers its requests."""

import gzip
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from deploy.page import File, security_headers
from deploy.page import Page as Files
from local.http_server import serving
from local.page_server import PageServer
from tests.browser.app_page import PATIENCE_MS, TASK, AppPage
from tests.stage import ROOT

_SERVER = Path(__file__).with_name("server_in_page.js")

_MAX_STEPS = 30

# Responses take turns of the event loop, which the fake clock does not wait for.
_YIELD = """async () => {
    const { port1, port2 } = new MessageChannel();
    for (let turn = 0; turn < 20; turn++) {
        await new Promise((done) => { port1.onmessage = done; port2.postMessage(null); });
    }
}"""


class _FilesWithoutPreload(Files):
    """The files of the page. The browser itself would preload from the API, where no server answers."""

    def find(self, path: str) -> File | None:
        file = super().find(path)
        if file is None or not file.media_type.startswith("text/html"):
            return file
        content = file.content.replace(b'rel="preload"', b'rel="not-preloaded"')
        return replace(file, content=content, compressed=gzip.compress(content))


@contextmanager
def file_server() -> Iterator[str]:
    """Serve the page's files; yield the address. Browsers treat localhost like HTTPS."""
    files = _FilesWithoutPreload(ROOT / "frontend")
    with serving(PageServer(files, security_headers("https://bucket.invalid"))) as port:
        yield f"http://localhost:{port}"


class StubbedPage:
    """One open page with a stubbed server and a fake clock."""

    def __init__(self, page: Page, address: str):
        self.page = page
        self.app = AppPage(page, address)
        self.summary: Locator = page.locator("#queue-summary")
        page.clock.install()
        page.add_init_script(path=_SERVER)

    def open(self, task: str = TASK) -> None:
        """Open the page at a task, and wait for its list."""
        self.app.open(f"#/tasks/{task}")
        expect(self.page.locator("#worklist-status")).not_to_have_text("Loading…")

    def another_tab(self) -> "StubbedPage":
        """A tab of the same browser at the same task."""
        tab = StubbedPage(self.page.context.new_page(), self.app.address)
        tab.open()
        return tab

    def stop_clock(self) -> None:
        """From now on, time passes only in `pass_time`; before, the page's clock runs by itself as well."""
        self.page.clock.pause_at(self.run("return Date.now() + 1_000;") / 1_000)

    def run(self, script: str, argument: object = None) -> Any:
        """Run the body of an async JavaScript function in the page; `argument` is available as `given`."""
        return self.page.evaluate(f"async (given) => {{ {script} }}", argument)

    def wait_until(self, condition: str, patience_ms: int = PATIENCE_MS) -> None:
        """Wait until a JavaScript expression is true (the page's policy forbids Playwright's own method)."""
        deadline = time.monotonic() + patience_ms / 1_000
        while not self.run(f"return Boolean({condition});"):
            assert time.monotonic() < deadline, f"It did not become true: {condition}"

    def drop(self, contents: list[str], prefix: str = "film") -> None:
        """Drop one file for each content, PREFIX-0000.jpg and so on; equal contents make equal files."""
        self.run("server.drop(given[0], given[1]);", [contents, prefix])

    def pass_time(self, milliseconds: int) -> None:
        """Advance the clock; timers that are due fire, and their work continues."""
        step = max(1_000, milliseconds // _MAX_STEPS)
        for begun in range(0, milliseconds, step):
            self.page.clock.run_for(min(step, milliseconds - begun))
            self.page.evaluate(_YIELD)

    def requests(self, beginning: str) -> list[str]:
        """The requests so far with this prefix, such as "GET /api/results?"."""
        return [request for request in self.run("return server.requests;") if request.startswith(beginning)]

    def forget_requests(self) -> None:
        """Clear the recorded requests."""
        self.run("server.requests.length = 0;")
