"""A small client of W3C WebDriver, for a browser that Playwright cannot run.

https://www.w3.org/TR/webdriver2/
"""

import json
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Self

from local.loopback import HOST

# Names that the standard gives.
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
KEYS = {"Enter": "\ue007", "Escape": "\ue00c"}


class RefusedCommand(RuntimeError):
    """The browser refused a command."""


class Session:
    """A browser with one page; a context manager, which closes it.

    Every method raises `RefusedCommand` if the browser refuses.
    """

    def __init__(self, port: int):
        """Start a browser with the driver that listens on a port of this machine."""
        self._driver = HTTPConnection(HOST, port, timeout=120)
        self._path = "/session"
        opened = self._send("POST", "", capabilities={})
        self._path += f"/{opened['sessionId']}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._send("DELETE", "")
        self._driver.close()

    def go(self, address: str) -> None:
        """Load a page."""
        self._send("POST", "/url", url=address)

    def reload(self) -> None:
        """Load the page again."""
        self._send("POST", "/refresh")

    def resize(self, width: int, height: int) -> None:
        """Change the size of the window, in pixels."""
        self._send("POST", "/window/rect", width=width, height=height)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression; that of a promise when it is kept."""
        return self._send("POST", "/execute/sync", script=f"return {expression}", args=[])

    def click(self, selector: str) -> None:
        """Click the first element that a CSS selector finds."""
        self._send("POST", f"/element/{self._find(selector)}/click")

    def choose(self, selector: str, *files: Path) -> None:
        """Choose files with a file input."""
        self._send("POST", f"/element/{self._find(selector)}/value", text="\n".join(map(str, files)))

    def press(self, key: str) -> None:
        """Press a key: a character, or one of `KEYS`."""
        value = KEYS.get(key, key)
        self._act("key", {"type": "keyDown", "value": value}, {"type": "keyUp", "value": value})

    def drag(self, selector: str, right: int, down: int) -> None:
        """Drag the mouse from the middle of an element, by pixels."""
        self._act(
            "pointer",
            {"type": "pointerMove", "origin": {ELEMENT: self._find(selector)}, "x": 0, "y": 0},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerMove", "origin": "pointer", "x": right, "y": down},
            {"type": "pointerUp", "button": 0},
        )

    def _act(self, device: str, *actions: dict[str, Any]) -> None:
        self._send("POST", "/actions", actions=[{"type": device, "id": device, "actions": actions}])

    def _find(self, selector: str) -> str:
        found = self._send("POST", "/element", using="css selector", value=selector)
        return str(found[ELEMENT])

    def _send(self, method: str, command: str, **parameters: Any) -> Any:
        body = json.dumps(parameters) if method == "POST" else None
        self._driver.request(method, self._path + command, body, {"Content-Type": "application/json"})
        response = self._driver.getresponse()
        value = json.load(response)["value"]
        if response.status != HTTPStatus.OK:
            raise RefusedCommand(f"{command}: {value['error']}: {value['message']}")
        return value
