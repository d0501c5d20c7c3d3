"""How the API shows tasks, their models, and files about them."""

from http import HTTPStatus
from typing import Any, cast

from chalice.app import Response

from chalicelib.api import schemas
from chalicelib.api.http import Headers
from chalicelib.api.route import Content
from chalicelib.errors import UnknownModel
from chalicelib.models.archive import ARCHIVE, content_type
from chalicelib.models.classifier import Classifier
from chalicelib.models.registry import Registry
from chalicelib.tasks import ENGLISH, DisplayWindow, Task

SAFE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "X-Content-Type-Options": "nosniff",
}
"""SVG can contain scripts, which would run with the page's origin if the file is opened by itself."""


_FILE = "The file. Its Content-Security-Policy keeps scripts in it from running."
_PLOT, _REPORT = "image/svg+xml", "text/markdown"
MODEL_FILE = Content(
    _FILE,
    ("application/json", _REPORT, _PLOT),
    link="The package. The link is valid for a quarter of an hour.",
)
RETRAINING_FILE = Content(_FILE, (_REPORT, _PLOT, "application/json"))
PREVIEW = Content("A PNG, whatever the Accept header says.", ("image/png",))
PICTURE = Content(
    "The picture's file, to which the answer redirects.",
    ("image/png", "image/jpeg"),
    link="The picture's file. The link is valid for a quarter of an hour.",
)


def describe(task: Task, classifier: Classifier, language: str | None = None) -> schemas.Task:
    """A task as `GET /tasks` shows it; `model` is None if it has none.

    Args:
        task: to describe.
        classifier: which knows its model.
        language: of the texts, as in BCP 47; English if the task is not translated into it.
    """
    translated = task.translations.get(language or ENGLISH)
    wording = translated or task.wording
    return {
        "name": task.name,
        "language": language if language and translated else ENGLISH,
        "title": wording.title,
        "modality": task.modality,
        "intended_use": wording.intended_use,
        "limits": list(wording.limits),
        "classes": [{"name": name, "title": wording.classes[name]} for name in task.class_names],
        "windows": [_describe_window(window, wording.windows[window.name]) for window in task.windows],
        "input": task.input,
        "review": task.review,
        "gate": {"metrics": dict(task.gate), "max_sensitivity_drop": task.max_sensitivity_drop},
        "model": _describe_model(task, classifier),
    }


def _describe_window(window: DisplayWindow, title: str) -> schemas.TaskWindow:
    return {
        "name": window.name,
        "title": title,
        "black": window.black,
        "white": window.white,
        "center": window.center,
        "width": window.width,
    }


def _describe_model(task: Task, classifier: Classifier) -> schemas.Model | None:
    endpoint, deployment = classifier.endpoint(task), classifier.deployment(task)
    try:
        facts = classifier.facts(task)
    except UnknownModel:
        # It was deleted from the bucket. Other tasks must still be listed; classifying says what is wrong.
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
        "min_probability": classifier.chosen_probability(task, known["version"]) if known else None,
    }


def _of_whole_test(metrics: dict[str, Any]) -> dict[str, schemas.Interval]:
    """The metrics of the whole test; model.json also has those of single classes and groups."""
    whole = {"value", "low", "high"}
    return {
        name: cast(schemas.Interval, found)
        for name, found in metrics.items()
        if isinstance(found, dict) and whole == set(found)
    }


def model_file(registry: Registry, task: Task, version: str, name: str) -> Response:
    """The answer with a file of a version, or with a link to its package.

    Args:
        registry: of models.
        task: whose model it is.
        version: of the model.
        name: `card.md`, `model.json`, or a plot without its folder, such as `roc.svg`; or `model.tar.gz`,
            which is too large for Lambda and is fetched from the data bucket.

    Raises:
        UnknownModel: if there is no such version, or it has no such file.
    """
    if name == ARCHIVE:
        return redirect(registry.archive_link(task.name, version))
    path = f"plots/{name}" if name.endswith(".svg") else name
    return Response(*shown_file(path, registry.shown(task.name, version, path)))


def redirect(link: str) -> Response:
    """The answer that leads to a link."""
    return Response("", {"Location": link}, HTTPStatus.SEE_OTHER.value)


def shown_file(name: str, content: bytes) -> tuple[str, Headers]:
    """The body and the headers of an answer with a file that training made for people."""
    return content.decode(), {"Content-Type": content_type(name), **SAFE_HEADERS}
