"""The page as the person in front of it uses it, and what it must never do meanwhile."""

import base64
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, FilePayload, Locator, Page, Request, Response, expect

TASK = "mammography-views"

# Longer than the first call to a Lambda that has never run.
PATIENCE_MS = 30_000

_FAILED_LOAD = re.compile(r"Failed to load resource")


def fill_in(page: Page, name: str, password: str) -> None:
    """Give name and password at the login page."""
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


class AppPage:
    """One open page; `mistakes` gathers console errors, page errors and requests to places of others."""

    def __init__(self, page: Page, address: str):
        self.page = page
        self.address = address.rstrip("/")
        self.mistakes: list[str] = []
        self.requests: list[Request] = []
        self.allowed_origins = {self.address}
        self.http_errors_expected = False
        self.at_hand: FilePayload | Path | Sequence[FilePayload] | None = None
        """What the file picker gives when it is opened."""
        # Listens all the time: a listener that comes with the click would sometimes come too late.
        page.on("filechooser", lambda chooser: chooser.set_files(self.at_hand or []))
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.mistakes.append(f"page error: {error}"))
        page.on("response", self._learn_origins)
        page.on("request", self._watch)

    def open(self, place: str = f"#/tasks/{TASK}") -> None:
        """Open the page at an address after `#` and wait until its task is there."""
        self.page.goto(f"{self.address}/{place}")
        expect(self.chooser).to_be_enabled(timeout=PATIENCE_MS)

    def pick(self, image: FilePayload | Path | Sequence[FilePayload]) -> None:
        """Choose a file, or many, as with the picker."""
        self.at_hand = image
        self.page.get_by_role("button", name="Choose images…").click()

    def drop(self, *files: FilePayload) -> None:
        """Let files fall onto the page."""
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
        """Choose a file and wait for its reading; its id."""
        self.pick(image)
        return self.wait_for_reading()

    def wait_for_reading(self) -> str:
        """Wait until a result is open; its id."""
        expect(self.probability).to_be_visible(timeout=PATIENCE_MS)
        return self.page.url.rsplit("/", 1)[1]

    def wait_for_queue(self, patience_ms: float = 4 * PATIENCE_MS) -> None:
        """Wait until nothing of the queue is under way any more."""
        expect(self.queue.get_by_role("button", name="Close", exact=True)).to_be_visible(timeout=patience_ms)

    def retrain(self, task: str, hyperparameters: Mapping[str, int | float | str], *, approval: bool) -> None:
        """Fill in what a retraining shall be like, and start it."""
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
        """Ask for the login page, and give name and password there."""
        self.page.get_by_role("button", name="Sign in", exact=True).click(timeout=PATIENCE_MS)
        fill_in(self.page, name, password)
        expect(self.chooser).to_be_enabled(timeout=PATIENCE_MS)

    @property
    def chooser(self) -> Locator:
        """The list of tasks."""
        return self.page.get_by_label("Task", exact=True)

    @property
    def heading(self) -> Locator:
        """The label in words."""
        return self.page.locator("#result-heading")

    @property
    def probability(self) -> Locator:
        """How sure the model is."""
        return self.page.locator(".probability")

    @property
    def sheet(self) -> Locator:
        """What lies in place of the light box: models or retrainings."""
        return self.page.locator("#sheet")

    @property
    def image(self) -> Locator:
        """The canvas on the light box."""
        return self.page.locator("#canvas")

    @property
    def slider(self) -> Locator:
        """How much the heat map covers the image."""
        return self.page.get_by_role("slider", name="Heat map opacity")

    @property
    def caption(self) -> Locator:
        """What is said of the image under it."""
        return self.page.locator("#caption")

    @property
    def problem(self) -> Locator:
        """The message that something went wrong."""
        return self.page.get_by_role("alert")

    @property
    def rows(self) -> Locator:
        """The recent results."""
        return self.page.locator("#worklist-rows > li")

    @property
    def queue(self) -> Locator:
        """The uploads."""
        return self.page.get_by_role("region", name="Uploads")

    def queued(self, name: str) -> Locator:
        """The row of a file among the uploads."""
        return self.page.locator("#queue-rows > li").filter(has_text=name)

    @property
    def outcome(self) -> Locator:
        """What is said of the open image's review."""
        return self.page.locator(".outcome")

    def row(self, result_id: str) -> Locator:
        """A result's row in the worklist."""
        return self.page.locator(f'#worklist-rows > li[data-id="{result_id}"]')

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def posts(self) -> list[str]:
        """Where anything was sent."""
        return [request.url for request in self.requests if request.method == "POST"]

    def pixels(self) -> str:
        """A fingerprint of what the canvas shows."""
        return str(self.image.evaluate("(canvas) => canvas.toDataURL()"))

    def width_beyond_screen(self) -> int:
        """By how many pixels the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - innerWidth"))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        # The page names its icon; of the login page, which names none, browsers ask for one.
        expected = self.http_errors_expected or message.location["url"].endswith("/favicon.ico")
        if expected and _FAILED_LOAD.search(message.text):
            return
        self.mistakes.append(f"console {message.type}: {message.text}")

    def _learn_origins(self, response: Response) -> None:
        """The page's own policy says where it may connect; `test_safety` checks that policy."""
        policy = response.headers.get("content-security-policy", "")
        self.allowed_origins.update(re.findall(r"https?://[^\s;]+", policy))

    def _watch(self, request: Request) -> None:
        self.requests.append(request)
        parts = urlsplit(request.url)
        if parts.scheme in ("blob", "data"):
            return
        if f"{parts.scheme}://{parts.netloc}" not in self.allowed_origins:
            self.mistakes.append(f"request to {request.url}")
