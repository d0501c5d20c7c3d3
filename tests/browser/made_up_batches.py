"""Made-up batches, as the API tells them to the page."""

import re
from typing import Any

from playwright.sync_api import Route

from tests.browser.app_page import TASK, AppPage

NAME = f"20261129-120000-{TASK}-0a1b"
_LINK = "/made-up-failures.jsonl"
FAILURES = (
    '{"key": "archive/2019/ward 3/letter.txt", "code": "NotAnImage", "message": "This is not an image."}\n'
    '{"key": "archive/2019/ward 3/7.png", "code": "DamagedImage", "message": "The PNG file is damaged."}\n'
)
REPORT: dict[str, Any] = {
    "name": NAME,
    "task": TASK,
    "images": 20_000,
    "classified": 19_950,
    "current": 40,
    "deleted": 3,
    "skipped": 5,
    "failed": 2,
    "failures": {"NotAnImage": 1, "DamagedImage": 1},
    "changes": [{"before": "left-cc", "after": "left-mlo", "images": 120}],
    "written_at": "2026-11-29T14:00:00.000000Z",
}


def batch(**known: Any) -> dict[str, Any]:
    """A running batch of 20,000 images, of which a quarter is done."""
    return {
        "name": NAME,
        "task": TASK,
        "kind": "folder",
        "source": "archive/2019/",
        "concurrency": 4,
        "requested_at": "2026-11-29T12:00:00.000000Z",
        "requested_by": "local",
        "status": "running",
        "outcome": None,
        "passes": 1,
        "estimate": {
            "images": 20_000,
            "complete": True,
            "dollars": 1.63,
            "seconds": 3250.0,
            "transform": False,
        },
        "progress": progress(5000, running=48),
        "report": None,
        "failures": None,
        **known,
    }


def progress(done: int, *, running: int = 0, step: str = "classify") -> dict[str, Any]:
    """The progress of such a batch, with some images in a part that failed."""
    return {
        "step": step,
        "images": 20_000,
        "done": done,
        "failed": 12,
        "running": running,
        "pending": 19_988 - done - running,
    }


def ended() -> dict[str, Any]:
    """The same, with its report."""
    return batch(status="ended", progress=progress(19_988), report=REPORT, failures=_LINK)


class ToldBatches:
    """Answers requests for batches; `now`, the newest one, can be changed while the page polls."""

    def __init__(self, app: AppPage, now: dict[str, Any], *others: dict[str, Any]) -> None:
        self.now = now
        self.acts: list[str] = []
        """The last parts of the paths of POST requests."""
        extra = ("estimate", "progress", "report", "failures")

        def listed(route: Route) -> None:
            known = [{name: one[name] for name in one if name not in extra} for one in (self.now, *others)]
            route.fulfill(json={"batches": known, "cursor": None})

        app.intercept(re.compile(r"/api/batches(\?|$)"), listed)
        app.intercept(f"**/api/batches/{NAME}", lambda route: route.fulfill(json=self.now))
        app.intercept(re.compile(rf"/api/batches/{NAME}/(stop|continue)$"), self._acted)
        app.intercept(f"**{_LINK}", lambda route: route.fulfill(body=FAILURES))

    def _acted(self, route: Route) -> None:
        self.acts.append(route.request.url.rpartition("/")[2])
        route.fulfill(json={"name": NAME, "status": self.now["status"]})
