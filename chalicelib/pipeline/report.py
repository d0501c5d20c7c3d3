"""Reports finished images in metrics and in the log."""

from datetime import datetime

from chalicelib.observability import count, logger, measure_milliseconds
from chalicelib.results.result_document import Result


def quarantined(result: Result) -> None:
    """Report that an image was quarantined."""
    count("Quarantined", result["task"])
    reason = result["reasons"][0]["code"]
    logger.info("quarantined", extra={"image": result["id"], "task": result["task"], "reason": reason})


def classified(result: Result, arrived_at: str | None) -> None:
    """Report that an image was classified; `arrived_at` is None if unknown."""
    task, model, classified_at = result["task"], result["model"], result["classified_at"]
    assert model
    assert classified_at
    count("Classified", task)
    if result["needs_review"]:
        count("NeedsReview", task)
    if arrived_at:
        waited = datetime.fromisoformat(classified_at) - datetime.fromisoformat(arrived_at)
        measure_milliseconds("Latency", task, max(0.0, waited.total_seconds() * 1000))
    logger.info("classified", extra={"image": result["id"], "task": task, "model": model["version"]})
