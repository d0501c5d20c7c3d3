"""Any number of made-up results, in the format of the API."""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Route

from chalicelib.limits import RESULTS_PER_PAGE
from tests.browser.app_page import TASK, AppPage

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
)
"""One grey pixel."""


def is_quarantined(number: int) -> bool:
    """Whether a result could not be read."""
    return number % 50 == 7


def probability(number: int) -> float:
    """The probability of a classified result."""
    return 0.4 + (number * 37 % 60) / 100


def listed(number: int) -> dict[str, Any]:
    """A result as in lists; higher numbers are older."""
    quarantined = is_quarantined(number)
    return {
        "id": f"{number:032x}",
        "task": TASK,
        "status": "quarantined" if quarantined else "classified",
        "label": None if quarantined else "left-cc",
        "probability": None if quarantined else probability(number),
        "probabilities": {},
        "needs_review": number % 3 == 0,
        "reasons": [],
        "model": None,
        "source": None,
        "arrival": "drop-folder",
        "created_at": datetime.fromtimestamp(1_790_000_000 - number, UTC).isoformat(timespec="microseconds"),
        "classified_at": None,
        "review": None,
        "readers": [],
        "disagreement": False,
        "disclaimer": "",
    }


def serve_many(app: AppPage, total: int) -> list[str]:
    """Serve a list of `total` results, newest or least sure first; return the queries made."""
    asked: list[str] = []
    classified = (number for number in range(total) if not is_quarantined(number))
    orders: dict[str, Sequence[int]] = {"least-sure": sorted(classified, key=probability)}

    def answer(route: Route) -> None:
        query = parse_qs(urlsplit(route.request.url).query)
        asked.append(route.request.url)
        start, limit = (
            int(query.get("cursor", ["0"])[0]),
            int(query.get("limit", [RESULTS_PER_PAGE.default])[0]),
        )
        numbers = orders.get(query.get("order", [""])[0], range(total))
        results = [listed(number) for number in numbers[start : start + limit]]
        cursor = str(start + limit) if start + limit < len(numbers) else None
        route.fulfill(json={"results": results, "cursor": cursor})

    app.intercept("**/api/results?*", answer)
    serve_pictures(app)
    return asked


def serve_pictures(app: AppPage) -> list[int]:
    """Serve a small picture for each result; return the numbers of those that were asked for."""
    asked: list[int] = []

    def answer(route: Route) -> None:
        asked.append(int(urlsplit(route.request.url).path.split("/")[-2], 16))
        route.fulfill(body=PICTURE, content_type="image/png")

    app.intercept("**/preview?thumbnail=true", answer)
    return asked
