"""Classification through a running API."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import urllib3
from urllib3.util import Retry, Timeout

from chalicelib.limits import MAX_IMAGE_BODY
from chalicelib.tasks import Task
from training.core.arrays import Floats
from training.errors import TrainingError

CONNECTIONS = 4
"""Images that are sent at once; more would only wait in a small stage."""
MAX_RETRIES = 5
READ_TIMEOUT = 60.0
"""Seconds; longer than API Gateway ever waits."""
MAX_PAUSE_SECONDS = 60
"""Seconds between two attempts; the API asks for this delay while an endpoint starts."""
MAX_FAILURES = 8
"""Images in a row without a connection, after which no more are sent."""
RETRY_STATUS = (429, 503, 504)
FORBIDDEN = (401, 403)


class NotAnswered(Exception):
    """An image got no classification."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Result:
    """The answer of the API for one image."""

    probabilities: Floats
    """Shape (classes,)."""
    reasons: tuple[str, ...]
    """Codes of the reasons for review."""
    model: str
    """Version of the model that answered, and its backend."""


class Api:
    """The API at one address, for one task. Safe to share between threads."""

    def __init__(self, url: str, task: Task, token: str | None, backoff: float = 0.5):
        """Prepare connections; none is opened yet.

        Args:
            url: with or without the path /api.
            task: to classify for.
            token: identity token of a signed-in user; None if the API needs none.
            backoff: seconds before the second retry of a request; doubles with each further one.

        Raises:
            TrainingError: if `url` is not an address, or contains a password.
        """
        address = urlsplit(url)
        if address.scheme not in ("http", "https") or not address.netloc:
            raise TrainingError(f"'{url}' is not the address of an API, such as https://example.org.")
        if address.username or address.password:
            raise TrainingError("Leave name and password out of the address, which is in the report.")
        self.url = f"{url.rstrip('/').removesuffix('/api')}/api"
        self.task = task
        self._failures = 0
        self._pool = urllib3.PoolManager(
            maxsize=CONNECTIONS,
            headers={"Authorization": token} if token else {},
            timeout=Timeout(connect=10, read=READ_TIMEOUT),
            retries=Retry(
                MAX_RETRIES,
                redirect=0,  # a token must not be sent to another host
                status_forcelist=RETRY_STATUS,
                allowed_methods=None,  # repeating an image is idempotent
                backoff_factor=backoff,
                backoff_max=MAX_PAUSE_SECONDS,
                backoff_jitter=backoff,
                retry_after_max=MAX_PAUSE_SECONDS,
                raise_on_status=False,
                raise_on_redirect=False,
            ),
        )

    def check(self) -> None:
        """Make sure that the API answers, accepts the token, and has the task with the same classes.

        Raises:
            TrainingError: if not; the message says what is wrong.
        """
        try:
            answer = self._ask("GET", "/tasks")
            classes = {task["name"]: [spec["name"] for spec in task["classes"]] for task in answer["tasks"]}
        except NotAnswered as error:
            raise TrainingError(f"{self.url}/tasks does not list the tasks: {error.message}") from error
        except (KeyError, TypeError) as error:
            raise TrainingError(
                f"{self.url}/tasks does not list tasks; is this Negatoscope's API?"
            ) from error
        if self.task.name not in classes:
            raise TrainingError(
                f"The API at {self.url} has no task '{self.task.name}'. Its tasks: {', '.join(classes)}."
            )
        if classes[self.task.name] != list(self.task.class_names):
            raise TrainingError(
                f"The API at {self.url} has other classes of '{self.task.name}' than the task file here: "
                f"{', '.join(classes[self.task.name])}."
            )

    def classify(self, image: bytes) -> Result:
        """Classify the bytes of one file.

        Raises:
            NotAnswered: if there is no classification, even after retries.
            TrainingError: if the API rejects the token.
        """
        if len(image) > MAX_IMAGE_BODY:
            raise NotAnswered(
                "TooLarge",
                f"The file has {len(image):,} bytes; the API accepts at most {MAX_IMAGE_BODY:,} per request.",
            )
        if self._failures >= MAX_FAILURES:
            raise NotAnswered(
                "NotSent", f"{MAX_FAILURES} images in a row got no connection; no more are sent."
            )
        return _read_result(self._ask("POST", f"/tasks/{self.task.name}/classify", image), self.task)

    def _ask(self, method: str, path: str, body: bytes | None = None) -> Any:
        headers = {**self._pool.headers, "Content-Type": "application/octet-stream"} if body else None
        try:
            response = self._pool.request(method, self.url + path, body=body, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            self._failures += 1
            cause = getattr(error, "reason", None) or error
            raise NotAnswered("NoConnection", f"No connection: {type(cause).__name__}.") from error
        self._failures = 0
        if response.status in FORBIDDEN:
            raise TrainingError(
                f"The API at {self.url} rejects the token (HTTP {response.status}). Give a user's valid "
                "identity token with --token or in NEGATOSCOPE_TOKEN."
            )
        try:
            answer = json.loads(response.data)
        except ValueError:
            answer = None
        if response.status != 200:
            raise _refusal(response.status, answer)
        return answer


def _refusal(status: int, answer: Any) -> NotAnswered:
    if isinstance(answer, dict) and isinstance(answer.get("code"), str):
        return NotAnswered(answer["code"], str(answer.get("message", "")))
    return NotAnswered(f"HTTP {status}", f"The API answered with status {status}.")


def _read_result(answer: Any, task: Task) -> Result:
    try:
        given: Mapping[str, float] = answer["probabilities"]
        probabilities = np.array([given[name] for name in task.class_names], np.float64)
        reasons = tuple(str(reason["code"]) for reason in answer["reasons"])
        model = f"{answer['model']['version']} ({answer['model']['backend']})"
    except (KeyError, TypeError, ValueError):
        raise NotAnswered("NoClassification", "The answer of the API is not a classification.") from None
    if len(given) != len(probabilities) or not abs(probabilities.sum() - 1) < 1e-3 or probabilities.min() < 0:
        raise NotAnswered("NoClassification", "The numbers in the answer of the API are not probabilities.")
    return Result(probabilities, reasons, model)
