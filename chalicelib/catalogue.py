"""What the API tells about tasks."""

from dataclasses import asdict
from typing import Any

from chalicelib.classification import Classifier
from chalicelib.tasks import Task


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
        "model": _describe_model(task, classifier),
    }


def _describe_model(task: Task, classifier: Classifier) -> dict[str, Any] | None:
    if endpoint := classifier.endpoint(task):
        # What an endpoint serves can change at any time: only its answers say which model gave them.
        return {
            "backend": "endpoint",
            "endpoint": endpoint.name,
            "version": None,
            "created_at": None,
            "sha256": None,
            "metrics": {},
        }
    if package := classifier.package(task):
        return {
            "backend": "embedded",
            "endpoint": None,
            "version": package.version,
            "created_at": package.facts["created_at"],
            "sha256": package.sha256,
            "metrics": package.facts["metrics"]["test"],
        }
    return None
