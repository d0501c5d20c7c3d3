"""Any number of made-up results, in the format of the API."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Route

from chalicelib.limits import RESULTS_PER_PAGE
from tests.browser.app_page import TASK, AppPage


def listed(number: int) -> dict[str, Any]:
    """A result as in lists; higher numbers are older."""
    quarantined = number % 50 == 7
    return {
        "id": f"{number:032x}",
        "task": TASK,
        "status": "quarantined" if quarantined else "classified",
        "label": None if quarantined else "left-cc",
        "probability": None if quarantined else 0.4 + (number * 37 % 60) / 100,
        "probabilities": {},
        "needs_review": number % 3 == 0,
        "reasons": [],
        "model": None,
        "source": None,
        "arrival": "drop-folder",
        "created_at": datetime.fromtimestamp(1_790_000_000 - number, UTC).isoformat(timespec="microseconds"),
        "classified_at": None,
        "review": None,
        "disclaimer": "",
    }


def serve_many(app: AppPage, total: int) -> list[str]:
    """Serve a list of `total` results; return the queries made."""
    asked: list[str] = []

    def answer(route: Route) -> None:
        query = parse_qs(urlsplit(route.request.url).query)
        asked.append(route.request.url)
        start, limit = (
            int(query.get("cursor", ["0"])[0]),
            int(query.get("limit", [RESULTS_PER_PAGE.default])[0]),
        )
        results = [listed(number) for number in range(start, min(start + limit, total))]
        cursor = str(start + limit) if start + limit < total else None
        route.fulfill(json={"results": results, "cursor": cursor})

    app.intercept("**/api/results?*", answer)
    return asked
