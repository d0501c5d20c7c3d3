"""Items of the results table as versions without sharding store them, written out."""

from decimal import Decimal
from typing import Any

from tests.unit.results.items import ids, second

Item = dict[str, Any]


def item(number: int, **changes: Any) -> Item:
    """A classified result that arrived in one second of a minute."""
    (image_id,) = ids(number)
    return {
        "id": image_id,
        "listing": "all",
        "task": "mammography-views",
        "status": "classified",
        "arrival": "inbox",
        "label": "left-cc" if number % 2 else "right-cc",
        "probability": Decimal(number) / 100,
        "indexed_probability": Decimal(number) / 100,
        "probabilities": {"left-cc": Decimal("0.5"), "right-cc": Decimal("0.5")},
        "distance": None,
        "needs_review": False,
        "reasons": [],
        "heatmap": {"width": 1, "height": 1, "values": [Decimal("0.5")]},
        "picture": None,
        "frames": None,
        "model": {"version": "1", "sha256": "a", "backend": "embedded"},
        "source": {"format": "PNG", "rows": 1, "columns": 1},
        "created_at": second(number),
        "classified_at": second(number),
        "review": None,
        "readings": [],
        "readers": [],
        "disagreement": False,
        "hidden": None,
        "disclaimer": "Not for clinical use.",
    } | changes


def items() -> list[Item]:
    """Results in all states: 0 to 9 in lists, 10 hidden, 11 of another task, 12 not classified yet."""
    waiting = item(
        12, status="received", label=None, probability=None, unfinished="0", unfinished_since=second(12)
    )
    del waiting["indexed_probability"]
    hidden = {"listing": "hidden/all", "task": "hidden/mammography-views", "hidden": {"reason": "mistake"}}
    return [
        *(item(number) for number in range(10)),
        item(10, **hidden),
        item(11, task="chest-xray"),
        waiting | {"event": {"Records": []}, "tries": 1},
    ]


IN_LISTS = ids(12, 11, *range(9, -1, -1))
"""Ids of those that lists of all tasks show, the newest first."""
