"""Classifying through a running API, as any of its users does."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import urllib3
from urllib3.util import Retry, Timeout

from chalicelib.tasks import Task
from training.errors import TrainingError
from training.evaluation.bootstrap import Floats

LARGEST = 4_500_000
"""Bytes that `POST /api/tasks/TASK/classify` takes."""
CONNECTIONS = 4
"""Images that are classified at once; more would only queue up in a small stage."""
TRIES_AGAIN = 5
SLOWEST_ANSWER = 60.0
"""Seconds; longer than API Gateway ever waits."""
MAX_PAUSE_SECONDS = 60
"""Seconds between two tries; what the API asks for while an endpoint starts."""
SILENCE = 8
"""Images in a row that got no connection, after which no more are sent."""
TRY_LATER = (429, 503, 504)
FORBIDDEN = (401, 403)


class NotAnswered(Exception):
    """An image got no classification."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Result:
    """What the API says of one image."""

    probabilities: Floats
    """Shape (classes,)."""
    reasons: tuple[str, ...]
    """Codes of the reasons why a person should look."""
    model: str
    """Version of the model that answered, and where it runs."""


class Api:
    """The API at one address, for one task. Safe to share between threads."""

    def __init__(self, url: str, task: Task, token: str | None, backoff: float = 0.5):
        """Connect to nothing yet.

        Args:
            url: with or without the path /api.
            task: to classify for.
            token: identity token of a signed-in user; None where the API needs none.
            backoff: seconds before the second repetition of a request; doubles with each further one.

        Raises:
            TrainingError: if `url` is none, or tells a password.
        """
        address = urlsplit(url)
        if address.scheme not in ("http", "https") or not address.netloc:
            raise TrainingError(f"'{url}' is no address of an API; it looks like https://example.org.")
        if address.username or address.password:
            raise TrainingError("Leave name and password out of the address; it stands in the report.")
        self.url = f"{url.rstrip('/').removesuffix('/api')}/api"
        self.task = task
        self._silent = 0
        self._pool = urllib3.PoolManager(
            maxsize=CONNECTIONS,
            headers={"Authorization": token} if token else {},
            timeout=Timeout(connect=10, read=SLOWEST_ANSWER),
            retries=Retry(
                TRIES_AGAIN,
                redirect=0,  # a token must not follow to another host
                status_forcelist=TRY_LATER,
                allowed_methods=None,  # the same image again finds the same result
                backoff_factor=backoff,
                backoff_max=MAX_PAUSE_SECONDS,
                backoff_jitter=backoff,
                retry_after_max=MAX_PAUSE_SECONDS,
                raise_on_status=False,
                raise_on_redirect=False,
            ),
        )

    def check(self) -> None:
        """Make sure that the API is there, lets us in, and knows the task by the same classes.

        Raises:
            TrainingError: saying what is wrong.
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
                f"The API at {self.url} knows other classes of '{self.task.name}' than its task file here: "
                f"{', '.join(classes[self.task.name])}."
            )

    def classify(self, image: bytes) -> Result:
        """Send the bytes of one file.

        Raises:
            NotAnswered: if there is no classification to be had, even after some tries.
            TrainingError: if the API does not let us in (any more).
        """
        if len(image) > LARGEST:
            raise NotAnswered(
                "TooLarge",
                f"The file has {len(image):,} bytes; the API classifies at most {LARGEST:,} while one waits.",
            )
        if self._silent >= SILENCE:
            raise NotAnswered("NotSent", f"{SILENCE} images in a row got no connection; no more were sent.")
        return _read_result(self._ask("POST", f"/tasks/{self.task.name}/classify", image), self.task)

    def _ask(self, method: str, path: str, body: bytes | None = None) -> Any:
        headers = {**self._pool.headers, "Content-Type": "application/octet-stream"} if body else None
        try:
            response = self._pool.request(method, self.url + path, body=body, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            self._silent += 1
            cause = getattr(error, "reason", None) or error
            raise NotAnswered("NoConnection", f"No connection: {type(cause).__name__}.") from error
        self._silent = 0
        if response.status in FORBIDDEN:
            raise TrainingError(
                f"The API at {self.url} does not let us in (HTTP {response.status}). Give a valid identity "
                "token of a user with --token or in NEGATOSCOPE_TOKEN."
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
        raise NotAnswered(
            "NoClassification", "The API answered something else than a classification."
        ) from None
    if len(given) != len(probabilities) or not abs(probabilities.sum() - 1) < 1e-3 or probabilities.min() < 0:
        raise NotAnswered("NoClassification", "The API answered with numbers that are no probabilities.")
    return Result(probabilities, reasons, model)
