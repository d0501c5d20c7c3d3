"""Page object of the application: uses the page as a person does, and records its errors."""

import base64
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus, urlsplit

from playwright.sync_api import ConsoleMessage, FilePayload, Locator, Page, Request, Response, Route, expect

TASK = "mammography-views"

# Longer than a cold start of a Lambda, on a machine that runs other tests as well.
PATIENCE_MS = 30_000

Address = str | re.Pattern[str] | Callable[[str], bool]
"""A glob, a pattern or a predicate of addresses, as in Playwright."""

PROBE = "/favicon.svg?probe"

LANGUAGES = {"English": "en", "Deutsch": "de"}

# Chromium does not tell what a form with files holds.
_TELL_SENT_FILES = """
    const telling = (send) => function (...given) {
        const forms = [given[0], given[1], given[1]?.body].filter((each) => each instanceof FormData);
        const files = forms.flatMap((form) => [...form.values()]).filter((value) => value instanceof File);
        for (const { name } of files) console.debug("sent in a form: " + name);
        return send.apply(this, given);
    };
    window.fetch = telling(fetch);
    navigator.sendBeacon = telling(navigator.sendBeacon);
    XMLHttpRequest.prototype.send = telling(XMLHttpRequest.prototype.send);
"""
_SENT_FILE = "sent in a form: "

MIN_STEM = 8
"""Characters of a file's name without extension that no other text of a request has by chance."""

_FAILED_LOAD = re.compile(r"Failed to load resource")


def _texts(value: object) -> Iterator[str]:
    """All texts in a JSON value."""
    if isinstance(value, dict):
        yield from value
        yield from (text for member in value.values() for text in _texts(member))
    elif isinstance(value, list):
        yield from (text for member in value for text in _texts(member))
    elif isinstance(value, str):
        yield value


def fill_in(page: Page, name: str, password: str) -> None:
    """Sign in at the login page."""
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


class AppPage:
    """One open page; `mistakes` collects console errors, page errors and requests to other origins."""

    def __init__(self, page: Page, address: str, *, newcomer: bool = False):
        """Open a page for somebody who has seen the hints, or for a newcomer."""
        self.page = page
        if not newcomer:
            page.add_init_script("try { localStorage.setItem('negatoscope.hints-seen', 'yes') } catch {}")
        page.add_init_script(_TELL_SENT_FILES)
        self.address = address.rstrip("/")
        self.mistakes: list[str] = []
        self.requests: list[Request] = []
        self.file_names: set[str] = set()
        """Of all files that were chosen or dropped; no request may hold one."""
        self.unfinished: set[Request] = set()
        """Requests whose response has not ended yet."""
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
        page.on("requestfinished", lambda request: self.unfinished.discard(request))
        page.on("requestfailed", lambda request: self.unfinished.discard(request))

    def open(self, place: str = f"#/tasks/{TASK}") -> None:
        """Open the page at a route, and wait until that view is complete."""
        self.page.goto(f"{self.address}/{place}")
        self.wait_for_view(place)

    def reload(self) -> None:
        """Load the page again, and wait until the view is complete."""
        self.page.reload()
        self.wait_for_view()

    def wait_for_view(self, place: str | None = None) -> None:
        """Wait until the view at a route, or at any, is complete: only then may keys and files follow.

        After an action that opens another view, name its route: until the page has noticed the action, the
        view before it is still complete.
        """
        expected = re.compile("^(#|$)") if place is None else place
        expect(self.main).to_have_attribute("data-shown", expected, timeout=PATIENCE_MS)

    def wait_until(self, condition: Callable[[], object]) -> None:
        """Wait until a condition holds; requests and other events of the page arrive meanwhile."""
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while not condition():
            assert time.monotonic() < deadline, "The condition did not become true."
            self.page.wait_for_timeout(50)

    def choose_language(self, name: str) -> None:
        """Choose a language by its own name, and wait until the view is complete in it."""
        self.page.locator("header button[popovertarget=settings]").click()
        chooser = self.page.locator("#language")
        if chooser.input_value() != LANGUAGES[name]:
            chooser.select_option(label=name)
            # The page sets this together with all of its texts.
            expect(self.page.locator("html")).to_have_attribute("lang", LANGUAGES[name])
            self.wait_for_view()
        self.close_dialog()

    def close_dialog(self) -> None:
        """Close the open dialog or popover. While one is open, the page takes no other keys."""
        self.press("Escape")
        expect(self.page.locator("dialog[open], :popover-open")).to_have_count(0)

    def pick(self, image: FilePayload | Path | Sequence[FilePayload]) -> None:
        """Choose one or more files with the file picker."""
        self.picker_files = image
        if isinstance(image, Path):
            self.file_names.add(image.name)
        else:
            files = [image] if isinstance(image, dict) else image
            self.file_names.update(file["name"] for file in files)
        self.page.get_by_role("button", name="Choose images…").click()

    def drop(self, *files: FilePayload) -> None:
        """Drop files onto the page."""
        self.file_names.update(file["name"] for file in files)
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
        """Choose a file that was not classified before, and wait for its result; return its id."""
        before = self.main.get_attribute("data-shown") or ""
        self.pick(image)
        expect(self.main).not_to_have_attribute("data-shown", before, timeout=PATIENCE_MS)
        return self.wait_for_result()

    def wait_for_result(self, result_id: str = "[^/]+") -> str:
        """Wait until a result is open, any one unless its id is given; return its id.

        Give the id if another result was open before; see `wait_for_view`.
        """
        shown = re.compile(f"^#/results/{result_id}$")
        expect(self.main).to_have_attribute("data-shown", shown, timeout=PATIENCE_MS)
        expect(self.probability).to_be_visible(timeout=PATIENCE_MS)
        return self.page.url.rsplit("/", 1)[1]

    def wait_for_queue(self, patience_ms: float = 4 * PATIENCE_MS) -> None:
        """Wait until all uploads are finished."""
        # In any language.
        expect(self.page.locator("#queue-close")).to_be_visible(timeout=patience_ms)

    def retrain(self, task: str, hyperparameters: Mapping[str, int | float | str], *, approval: bool) -> None:
        """Fill in the form of a retraining and start it."""
        self.open(f"#/tasks/{task}/retrainings")
        self.page.get_by_label("Require approval before a new model is deployed").set_checked(approval)
        self.page.get_by_text("Hyperparameters", exact=True).click()
        for name, value in hyperparameters.items():
            self.page.get_by_label("Add a hyperparameter").select_option(name)
            field = self.page.get_by_label(name, exact=True)
            if field.evaluate("(field) => field.localName") == "select":
                field.select_option(str(value))
            else:
                field.fill(str(value))
        self.page.get_by_role("button", name="Start retraining").click()
        expect(self.page).to_have_url(re.compile(rf"#/retrainings/{task}-"))

    def sign_in(self, name: str, password: str) -> None:
        """Go to the login page and sign in."""
        self.page.get_by_role("button", name="Sign in", exact=True).click(timeout=PATIENCE_MS)
        fill_in(self.page, name, password)
        self.wait_for_view()

    @property
    def main(self) -> Locator:
        """The main part of the page; `data-shown` is the address of the view that is complete."""
        return self.page.locator("#main")

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

    def intercept(self, address: Address, handler: Callable[[Route], Any], *, once: bool = False) -> None:
        """Let `handler` answer requests to an address, or only the first one.

        Use this instead of Playwright's `route`. Chromium starts to intercept a little later than it reports:
        requests before that reach the server, and are missing in `requests`. At the end of `times=1`, too,
        requests can be missing.
        """
        handlers = [handler]

        def answer(route: Route) -> Any:
            if not handlers:
                return route.fallback()
            return handlers.pop()(route) if once else handler(route)

        self.page.route(address, answer)
        if self.page.url == "about:blank":
            return
        self.page.route(
            lambda url: url.endswith(PROBE), lambda route: route.fulfill(status=HTTPStatus.NO_CONTENT)
        )
        self.page.wait_for_function(
            "([address, intercepted]) => fetch(address).then(({ status }) => status === intercepted)",
            arg=[PROBE, HTTPStatus.NO_CONTENT],
        )

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def posts(self) -> list[str]:
        """The addresses of all POST requests."""
        return [request.url for request in self.requests if request.method == "POST"]

    def pixels(self) -> str:
        """The content of the canvas as a data URL, once it is drawn in full detail."""
        expect(self.page.locator("#image-area[aria-busy=true]")).to_have_count(0)
        content = self.image.evaluate(
            """async (canvas) => {
                // If the layout has changed, the image is drawn again in the next frame.
                for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
                return canvas.toDataURL();
            }"""
        )
        return str(content)

    def width_beyond_screen(self) -> int:
        """Pixels by which the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - innerWidth"))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.text.startswith(_SENT_FILE) and self._tells_a_name([message.text]):
            self.mistakes.append("file name in a form")
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

    def _holds_a_name(self, request: Request) -> bool:
        """Whether a request holds the name of a chosen file."""
        content = request.post_data_buffer or b""
        said = [request.url, *request.headers.values()]
        # Playwright does not know what Firefox sends.
        if content and "json" in request.headers.get("content-type", ""):
            said += _texts(json.loads(content))
        return self._tells_a_name(said) or any(name.encode() in content for name in self.file_names)

    def _tells_a_name(self, said: list[str]) -> bool:
        """Whether texts hold the name of a chosen file, in any spelling, also without its extension."""
        told = unquote_plus("\n".join(said)).lower()
        stems = (name.rpartition(".")[0] for name in self.file_names)
        names = [*self.file_names, *(stem for stem in stems if len(stem) >= MIN_STEM)]
        return any(name.lower() in told for name in names)

    def _watch(self, request: Request) -> None:
        self.requests.append(request)
        self.unfinished.add(request)
        if self._holds_a_name(request):
            self.mistakes.append(f"file name in the request to {request.url}")
        parts = urlsplit(request.url)
        if parts.scheme in ("blob", "data"):
            return
        if f"{parts.scheme}://{parts.netloc}" not in self.allowed_origins:
            self.mistakes.append(f"request to {request.url}")
