"""The result documents in the API's answers, in the table and in `results/`."""

from collections.abc import Sequence
from typing import Any

from chalicelib import DISCLAIMER
from chalicelib.models.classification import Classification
from chalicelib.models.review_rule import Reason
from chalicelib.timestamps import now

Result = dict[str, Any]
Review = dict[str, str | None]
"""A person's review of a classified image: `label`, `comment`, `reviewed_at` and `reviewer`."""

RECEIVED, CLASSIFIED, QUARANTINED = "received", "classified", "quarantined"
FINISHED = (CLASSIFIED, QUARANTINED)

UNKNOWN_TASK = "unknown"
"""The task of files outside the folders of tasks."""


def key(result: Result) -> str:
    """The key of a result document in the bucket."""
    return f"results/{result['task']}/{result['id']}.json"


def received(image_id: str, task: str, arrival: str) -> Result:
    """The document of an image that has arrived.

    Args:
        image_id: 32 hexadecimal digits.
        task: name of the task.
        arrival: "api", "upload" or "drop-folder".
    """
    return {
        "id": image_id,
        "task": task,
        "status": RECEIVED,
        "label": None,
        "probability": None,
        "probabilities": {},
        "needs_review": False,
        "reasons": [],
        "heatmap": None,
        "distance": None,
        "model": None,
        "source": None,
        "arrival": arrival,
        "created_at": now(),
        "classified_at": None,
        "review": None,
        "disclaimer": DISCLAIMER,
    }


def classified(base: Result, source: dict[str, Any], answer: Classification) -> Result:
    """`base` with the model's answer."""
    return base | {
        "status": CLASSIFIED,
        "label": answer.label,
        "probability": answer.probability,
        "probabilities": answer.probabilities,
        "needs_review": bool(answer.reasons),
        "reasons": _dicts(answer.reasons),
        "heatmap": answer.heatmap,
        "distance": answer.distance,
        "model": {
            "version": answer.model.version,
            "sha256": answer.model.sha256,
            "backend": answer.model.backend,
        },
        "source": source,
        "classified_at": now(),
    }


def quarantined(base: Result, reason: Reason) -> Result:
    """`base` as an unusable file, with the reason."""
    return base | {"status": QUARANTINED, "needs_review": True, "reasons": _dicts([reason])}


def _dicts(reasons: Sequence[Reason]) -> list[dict[str, str]]:
    return [reason.to_dict() for reason in reasons]
