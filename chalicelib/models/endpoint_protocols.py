"""The requests to endpoints and their answers: one backend for each protocol that a task may name."""

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from chalicelib.errors import ModelFailed
from chalicelib.imaging.decoded import Pixels
from chalicelib.media_types import ARRAY_TYPE
from chalicelib.models.backend import Backend, BackendKind, ModelIdentity, ModelOutputs
from chalicelib.models.endpoint import Endpoint
from chalicelib.models.thresholds import Thresholds
from chalicelib.tasks import EndpointProtocol, Task

SUM_TOLERANCE = 0.01
"""Tolerance for the sum of probabilities; some endpoints round them to three digits."""


class PackageBackend:
    """An endpoint that serves a model package of this application (training/inference.py)."""

    def __init__(self, endpoint: Endpoint, task: Task):
        self._endpoint = endpoint
        self._task = task

    def run(self, images: Pixels) -> ModelOutputs:
        """See `Backend.run`."""
        body = BytesIO()
        np.save(body, images, allow_pickle=False)
        answer, _ = self._endpoint.invoke(ARRAY_TYPE, body.getvalue())
        return read_answer(answer, self._task, len(images), "endpoint", f"endpoint {self._endpoint.name}")


def read_answer(answer: Any, task: Task, count: int, backend: BackendKind, name: str) -> ModelOutputs:
    """The answer of training/inference.py.

    Args:
        answer: the decoded JSON.
        task: of the images.
        count: of the images that were sent.
        backend: where the model has run.
        name: the same, for messages.

    Raises:
        ModelFailed: if it is no answer of a model for this task.
    """
    try:
        model = answer["model"]
        classes = tuple(model["classes"])
        probabilities, activation, distance = (
            np.asarray(answer[key], np.float32) for key in ("probabilities", "activation", "distance")
        )
        thresholds = Thresholds.of(model["thresholds"])
        identity = ModelIdentity(str(model["version"]), str(model["sha256"]), backend)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelFailed(
            f"The {name} did not answer with a classification. "
            "Check that it serves a model package of this application."
        ) from error
    if classes != task.class_names:
        raise ModelFailed(
            f"The model on the {name} was trained for other classes than those of "
            f"{task.name}. Deploy the model of this task there."
        )
    if not count == len(probabilities) == len(activation) == len(distance):
        raise ModelFailed(f"The {name} answered for a different number of images than it was sent.")
    return ModelOutputs(probabilities, activation, distance, thresholds, identity)


class ImageClassificationBackend:
    """An endpoint that takes one image and answers only the probability of each class.

    SageMaker's built-in Image Classification algorithm has this protocol. It has neither activation maps nor
    distances.
    """

    def __init__(self, endpoint: Endpoint, task: Task):
        self._endpoint = endpoint
        self._task = task

    def run(self, images: Pixels) -> ModelOutputs:
        """See `Backend.run`; the protocol has no batches, so each image is a separate call."""
        answers = [self._endpoint.invoke("application/x-image", encode(image)) for image in images]
        # If the endpoint changes between two calls, the last variant is named.
        variant = answers[-1][1]
        return ModelOutputs(
            probabilities=np.array([self._read(answer) for answer, _ in answers], np.float32),
            activation=None,
            distance=None,
            thresholds=Thresholds(),
            model=ModelIdentity(f"{self._endpoint.name}/{variant}".rstrip("/"), None, "endpoint"),
        )

    def _read(self, answer: Any) -> list[float]:
        if not isinstance(answer, list) or not all(type(value) in (int, float) for value in answer):
            raise self._failed("something that is not a JSON list of probabilities")
        classes = len(self._task.classes)
        if len(answer) != classes:
            raise self._failed(f"{len(answer)} probabilities, but {self._task.name} has {classes} classes")
        # Comparisons with NaN are false, so NaN is refused as well.
        if not (min(answer) >= 0 and abs(sum(answer) - 1) <= SUM_TOLERANCE):
            raise self._failed("numbers that are not probabilities: they must be 0 or more and add up to 1")
        return [min(float(value), 1.0) for value in answer]

    def _failed(self, what: str) -> ModelFailed:
        return ModelFailed(
            f"The endpoint {self._endpoint.name} answered {what}. Check what it serves; the task's file must "
            "list the classes that it was trained for, in their order."
        )


def encode(image: Pixels) -> bytes:
    """A prepared image, uint8 of shape (channels, height, width), as a PNG.

    It is always RGB, because networks with this protocol normally have three input channels.
    """
    rgb = np.broadcast_to(image, (3, *image.shape[1:])).transpose(1, 2, 0)
    png = BytesIO()
    Image.fromarray(np.ascontiguousarray(rgb)).save(png, "PNG")
    return png.getvalue()


BACKENDS: Mapping[EndpointProtocol, Callable[[Endpoint, Task], Backend]] = {
    "negatoscope": PackageBackend,
    "image-classification": ImageClassificationBackend,
}
