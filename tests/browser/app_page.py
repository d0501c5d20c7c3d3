"""Page object of the application: uses the page as a person does, and records its errors."""

import base64
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, FilePayload, Locator, Page, Request, Response, expect

TASK = "mammography-views"

# Longer than a cold start of a Lambda.
PATIENCE_MS = 30_000

_FAILED_LOAD = re.compile(r"Failed to load resource")


def fill_in(page: Page, name: str, password: str) -> None:
    """Sign in at the login page."""
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


class AppPage:
    """One open page; `mistakes` collects console errors, page errors and requests to other origins."""

    def __init__(self, page: Page, address: str):
        self.page = page
        self.address = address.rstrip("/")
        self.mistakes: list[str] = []
        self.requests: list[Request] = []
        self.allowed_origins = {self.address}
        self.http_errors_expected = False
        self.picker_files: FilePayload | Path | Sequence[FilePayload] | None = None
        """Files that the file picker returns when it opens."""
        # Registered once: a listener added together with the click is sometimes too late.
        page.on("filechooser", lambda chooser: chooser.set_files(self.picker_files or []))
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.mistakes.append(f"page error: {error}"))
        page.on("response", self._learn_origins)
        page.on("request", self._watch)

    def open(self, place: str = f"#/tasks/{TASK}") -> None:
        """Open the page at a route and wait until the tasks are loaded."""
        self.page.goto(f"{self.address}/{place}")
        expect(self.chooser).to_be_enabled(timeout=PATIENCE_MS)

    def pick(self, image: FilePayload | Path | Sequence[FilePayload]) -> None:
        """Choose one or more files with the file picker."""
        self.picker_files = image
        self.page.get_by_role("button", name="Choose images…").click()

    def drop(self, *files: FilePayload) -> None:
        """Drop files onto the page."""
        transfer = self.page.evaluate_handle(
            """(files) => {
                const transfer = new DataTransfer();
                for (const [name, type, content] of files) {
                    const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
                    transfer.items.add(new File([bytes], name, { type }));
                }
                return transfer;
            }""",
            [[file["name"], file["mimeType"], base64.b64encode(file["buffer"]).decode()] for file in files],
        )
        self.page.dispatch_event("main", "dragover", {"dataTransfer": transfer})
        self.page.dispatch_event("main", "drop", {"dataTransfer": transfer})

    def classify(self, image: FilePayload | Path) -> str:
        """Choose a file and wait for its result; return its id."""
        self.pick(image)
        return self.wait_for_result()

    def wait_for_result(self) -> str:
        """Wait until a result is open; return its id."""
        expect(self.probability).to_be_visible(timeout=PATIENCE_MS)
        return self.page.url.rsplit("/", 1)[1]

    def wait_for_queue(self, patience_ms: float = 4 * PATIENCE_MS) -> None:
        """Wait until all uploads are finished."""
        expect(self.queue.get_by_role("button", name="Close", exact=True)).to_be_visible(timeout=patience_ms)

    def retrain(self, task: str, hyperparameters: Mapping[str, int | float | str], *, approval: bool) -> None:
        """Fill in the form of a retraining and start it."""
        self.open(f"#/tasks/{task}/retrainings")
        self.page.get_by_label("Require approval before a new model is deployed").set_checked(approval)
        self.page.get_by_text("Hyperparameters", exact=True).click()
        for name, value in hyperparameters.items():
            self.page.get_by_label("Add a hyperparameter").select_option(name)
            field = self.page.get_by_label(name, exact=True)
            if isinstance(value, str):
                field.select_option(value)
            else:
                field.fill(str(value))
        self.page.get_by_role("button", name="Start retraining").click()
        expect(self.page).to_have_url(re.compile(rf"#/retrainings/{task}-"))

    def sign_in(self, name: str, password: str) -> None:
        """Go to the login page and sign in."""
        self.page.get_by_role("button", name="Sign in", exact=True).click(timeout=PATIENCE_MS)
        fill_in(self.page, name, password)
        expect(self.chooser).to_be_enabled(timeout=PATIENCE_MS)

    @property
    def chooser(self) -> Locator:
        """The task chooser."""
        return self.page.get_by_label("Task", exact=True)

    @property
    def heading(self) -> Locator:
        """The heading of the result: the predicted class."""
        return self.page.locator("#result-heading")

    @property
    def probability(self) -> Locator:
        """The probability of the predicted class."""
        return self.page.locator(".probability")

    @property
    def sheet(self) -> Locator:
        """The sheet for models and retraining."""
        return self.page.locator("#sheet")

    @property
    def image(self) -> Locator:
        """The canvas of the light box."""
        return self.page.locator("#canvas")

    @property
    def slider(self) -> Locator:
        """The opacity slider of the heat map."""
        return self.page.get_by_role("slider", name="Heat map opacity")

    @property
    def caption(self) -> Locator:
        """The caption of the image."""
        return self.page.locator("#caption")

    @property
    def problem(self) -> Locator:
        """The error message."""
        return self.page.get_by_role("alert")

    @property
    def rows(self) -> Locator:
        """The rows of the worklist."""
        return self.page.locator("#worklist-rows > li")

    @property
    def queue(self) -> Locator:
        """The upload queue."""
        return self.page.get_by_role("region", name="Uploads")

    def queued(self, name: str) -> Locator:
        """The row of a file in the upload queue."""
        return self.page.locator("#queue-rows > li").filter(has_text=name)

    @property
    def outcome(self) -> Locator:
        """The review of the open result, as text."""
        return self.page.locator(".outcome")

    def row(self, result_id: str) -> Locator:
        """The row of a result in the worklist."""
        return self.page.locator(f'#worklist-rows > li[data-id="{result_id}"]')

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def posts(self) -> list[str]:
        """The addresses of all POST requests."""
        return [request.url for request in self.requests if request.method == "POST"]

    def pixels(self) -> str:
        """The content of the canvas as a data URL."""
        return str(self.image.evaluate("(canvas) => canvas.toDataURL()"))

    def width_beyond_screen(self) -> int:
        """Pixels by which the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - innerWidth"))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        # Browsers request an icon for the login page, which has none.
        expected = self.http_errors_expected or message.location["url"].endswith("/favicon.ico")
        if expected and _FAILED_LOAD.search(message.text):
            return
        self.mistakes.append(f"console {message.type}: {message.text}")

    def _learn_origins(self, response: Response) -> None:
        """Allow the origins in the page's own policy; `test_safety` checks that policy."""
        policy = response.headers.get("content-security-policy", "")
        self.allowed_origins.update(re.findall(r"https?://[^\s;]+", policy))

    def _watch(self, request: Request) -> None:
        self.requests.append(request)
        parts = urlsplit(request.url)
        if parts.scheme in ("blob", "data"):
            return
        if f"{parts.scheme}://{parts.netloc}" not in self.allowed_origins:
            self.mistakes.append(f"request to {request.url}")
