"""The page without a system behind it: a server sends its files, `server_in_page.js` answers it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page, expect

from deploy.page import Page as Files
from deploy.page import security_headers
from tests.browser.app_page import TASK, AppPage
from tests.stage import ROOT

_SERVER = Path(__file__).with_name("server_in_page.js")
_FILES = Files(ROOT / "frontend")

_MAX_STEPS = 30

# Answers take turns of the event loop, which the clock does not wait for.
_YIELD = """async () => {
    const { port1, port2 } = new MessageChannel();
    for (let turn = 0; turn < 20; turn++) {
        await new Promise((done) => { port1.onmessage = done; port2.postMessage(null); });
    }
}"""


class _FileHandler(BaseHTTPRequestHandler):
    """Sends the files of the page."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        found = _FILES.find(urlsplit(self.path).path)
        # What is preloaded of the API is asked for by the browser itself, where nothing answers.
        content = found.content.replace(b'rel="preload"', b'rel="not-preloaded"') if found else b""
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Type", found.media_type if found else "text/plain")
        for name, value in security_headers("https://bucket.invalid").items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def file_server() -> Iterator[str]:
    """A server of the page's files; its address. Browsers trust localhost as they trust HTTPS."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _FileHandler) as server:
        server.daemon_threads = True
        # Else a connection that the browser keeps would be waited for.
        server.block_on_close = False
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield f"http://localhost:{server.server_port}"
        finally:
            server.shutdown()


class StubbedPage:
    """One open page whose server and clock are in the test's hands."""

    def __init__(self, page: Page, address: str):
        self.page = page
        self.app = AppPage(page, address)
        self.summary: Locator = page.locator("#queue-summary")
        page.clock.install()
        page.add_init_script(path=_SERVER)

    def open(self, task: str = TASK) -> None:
        """Open the page at a task."""
        self.app.open(f"#/tasks/{task}")
        expect(self.page.locator("#worklist-status")).not_to_have_text("Loading…")

    def run(self, script: str, argument: object = None) -> Any:
        """Run the body of an asynchronous JavaScript function in the page; `argument` is `given` there."""
        return self.page.evaluate(f"async (given) => {{ {script} }}", argument)

    def wait_until(self, condition: str, patience_ms: int = 10_000) -> None:
        """Wait until a JavaScript expression is true; the page's policy forbids Playwright's own way."""
        deadline = time.monotonic() + patience_ms / 1_000
        while not self.run(f"return Boolean({condition});"):
            assert time.monotonic() < deadline, f"It did not become true: {condition}"

    def drop(self, contents: list[str], prefix: str = "film") -> None:
        """Drop one file for each content, PREFIX-0000.jpg and so on; equal contents make equal files."""
        self.run("server.drop(given[0], given[1]);", [contents, prefix])

    def pass_time(self, milliseconds: int) -> None:
        """Let so much time pass; all timers that fall due fire, and their work goes on."""
        step = max(1_000, milliseconds // _MAX_STEPS)
        for begun in range(0, milliseconds, step):
            self.page.clock.run_for(min(step, milliseconds - begun))
            self.page.evaluate(_YIELD)

    def requests(self, beginning: str) -> list[str]:
        """The requests so far that begin so, such as "GET /api/results?"."""
        return [request for request in self.run("return server.requests;") if request.startswith(beginning)]

    def forget_requests(self) -> None:
        """Count anew."""
        self.run("server.requests.length = 0;")
