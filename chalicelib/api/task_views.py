"""What the API tells about tasks and their models."""

from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from chalice.app import Response

from chalicelib.api.http import Headers
from chalicelib.errors import UnknownModel
from chalicelib.models.archive import ARCHIVE, content_type
from chalicelib.models.classifier import Classifier
from chalicelib.models.registry import Registry
from chalicelib.tasks import Task

SAFE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "X-Content-Type-Options": "nosniff",
}
"""A picture in SVG can hold scripts, and opened by itself it would run them as part of the page."""


def describe(task: Task, classifier: Classifier) -> dict[str, Any]:
    """A task as `GET /tasks` shows it; `model` is None while it has none."""
    return {
        "name": task.name,
        "title": task.title,
        "modality": task.modality,
        "intended_use": task.intended_use,
        "limits": list(task.limits),
        "classes": [{"name": spec.name, "title": spec.title} for spec in task.classes],
        "input": asdict(task.input),
        "review": asdict(task.review),
        "gate": {"metrics": dict(task.gate), "max_sensitivity_drop": task.max_sensitivity_drop},
        "model": _describe_model(task, classifier),
    }


def _describe_model(task: Task, classifier: Classifier) -> dict[str, Any] | None:
    endpoint, deployment = classifier.endpoint(task), classifier.deployment(task)
    try:
        facts = classifier.facts(task)
    except UnknownModel:
        # Somebody has deleted it. Other tasks are none the worse for that; classifying says what is wrong.
        return None
    if endpoint is None and facts is None:
        return None
    known = facts or {}
    return {
        "backend": "endpoint" if endpoint else "embedded",
        "endpoint": endpoint,
        "version": known.get("version"),
        "created_at": known.get("created_at"),
        "sha256": known.get("sha256"),
        "metrics": _of_whole_test(known["metrics"]["test"]) if known else {},
        "shortfall": [
            {"metric": name, "value": value, "least": task.gate[name]}
            for name, value in classifier.shortfall(task).items()
        ],
        "since": deployment.since if deployment else None,
    }


def _of_whole_test(metrics: dict[str, Any]) -> dict[str, Any]:
    """Metrics without those of single classes and groups, of which the package itself tells."""
    whole = {"value", "low", "high"}
    return {name: found for name, found in metrics.items() if isinstance(found, dict) and whole == set(found)}


def model_file(registry: Registry, task: Task, version: str, name: str) -> Response:
    """The answer with a file of a version: one that people look at, or where the whole package is.

    Args:
        registry: that holds it.
        task: that it is for.
        version: of its model.
        name: `card.md`, `model.json`, or a plot without its folder, such as `roc.svg`; or `model.tar.gz`,
            which is more than Lambda can answer and is fetched from the data bucket.

    Raises:
        UnknownModel: if there is no such version, or it has no such file.
    """
    if name == ARCHIVE:
        link = registry.archive_link(task.name, version)
        return Response("", {"Location": link}, HTTPStatus.SEE_OTHER.value)
    path = f"plots/{name}" if name.endswith(".svg") else name
    return Response(*shown_file(path, registry.shown(task.name, version, path)))


def shown_file(name: str, content: bytes) -> tuple[str, Headers]:
    """A file that training left for people, and the headers to show it with."""
    return content.decode(), {"Content-Type": content_type(name), **SAFE_HEADERS}
