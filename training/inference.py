"""Serves a model package on a SageMaker endpoint or in a batch transform job.

SageMaker's PyTorch container (with sagemaker-inference 1.7 or later) imports this module from the `code`
folder of model.tar.gz; it calls `model_fn` once in each worker, and `input_fn`, `predict_fn` and `output_fn`
in turn for each request. A request is

* one image file (image/jpeg, image/png, image/tiff, application/dicom, application/x-image or
  application/octet-stream; the format is detected from the content),
* several image files, as application/json: `{"instances": [{"b64": "..."}, ...]}`, or
* arrays of `imaging.prepare`, as application/x-npy: uint8 of shape (N, C, H, W) or (C, H, W).

The answer is always JSON: `{"model": {"task", "version", "sha256", "classes", "thresholds"},
"probabilities": (N, K), "activation": (N, K, h, w), "distance": (N)}`, see `backend.ModelOutputs`.
A bad request gets a 4xx status and `{"code", "message"}`; one bad image rejects the whole request.
"""

import base64
import json
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from chalicelib.errors import (
    ImageError,
    InvalidRequest,
    NegatoscopeError,
    UnsupportedMediaType,
)
from chalicelib.imaging import prepare
from chalicelib.imaging.decoded import Pixels
from chalicelib.media_types import ARRAY_TYPE, FILE_TYPES, UNSPECIFIC_TYPES
from chalicelib.models.embedded import EmbeddedBackend
from chalicelib.models.package import ModelPackage
from chalicelib.tasks import InputSpec, Task

JSON = "application/json"
IMAGES = (*FILE_TYPES, *UNSPECIFIC_TYPES, "application/x-image")

Request = list[bytes] | Pixels
"""Image files, or prepared arrays."""


class Context(Protocol):
    """The part of the container's request context that is used here."""

    def set_response_status(self, code: int, phrase: str) -> None:
        """Set the HTTP status of the response."""


@dataclass(frozen=True)
class Model:
    """The state of a worker between requests."""

    package: ModelPackage
    task: Task
    backend: EmbeddedBackend


def model_fn(model_dir: str) -> Model:
    """Load the package that was unpacked into `model_dir`.

    Raises:
        InvalidModelPackage: if it is broken, or has other classes than the file of its task.
    """
    package = ModelPackage.load(Path(model_dir))
    # The container starts a worker for each CPU, so more threads per worker would be slower.
    return Model(package, package.task, EmbeddedBackend(package, threads=1))


# Errors are passed to `output_fn` as values: the container answers exceptions with a stack trace.


def input_fn(body: bytes | bytearray | str | None, content_type: str | None) -> Request | NegatoscopeError:
    """Parse a request; returns the error if it is malformed."""
    try:
        return _read(body or b"", _media_type(content_type))
    except NegatoscopeError as error:
        return error


def predict_fn(request: Request | NegatoscopeError, model: Model) -> dict[str, Any] | NegatoscopeError:
    """The answer to a request, or the error that it causes.

    Raises:
        ModelFailed: if the model fails, not the request.
    """
    if isinstance(request, NegatoscopeError):
        return request
    try:
        pixels = _pixels(request, model.task.input)
    except NegatoscopeError as error:
        return error
    outputs = model.backend.run(pixels)
    assert outputs.activation is not None
    assert outputs.distance is not None
    facts = {key: model.package.facts[key] for key in ("task", "version", "sha256", "classes", "thresholds")}
    return {
        "model": facts,
        "probabilities": outputs.probabilities.tolist(),
        "activation": outputs.activation.tolist(),
        "distance": outputs.distance.tolist(),
    }


def output_fn(
    answer: dict[str, Any] | NegatoscopeError, _accept: str | None, context: Context
) -> tuple[str, str]:
    """The body of the response and its content type."""
    if isinstance(answer, NegatoscopeError):
        context.set_response_status(code=answer.status.value, phrase=answer.status.phrase)
        answer = {"code": answer.code, "message": answer.message}
    return json.dumps(answer), JSON


def _media_type(content_type: str | None) -> str:
    """A Content-Type without its parameters."""
    return (content_type or "application/octet-stream").partition(";")[0].strip().lower()


def _read(body: bytes | bytearray | str, media_type: str) -> Request:
    if media_type == JSON:
        return _decode_instances(body)
    # The container decodes JSON only, so everything else is bytes.
    assert not isinstance(body, str)
    if media_type == ARRAY_TYPE:
        return _decode_arrays(body)
    if media_type in IMAGES:
        return [bytes(body)]
    raise UnsupportedMediaType(
        f"'{media_type}' is not supported. Send an image as {', '.join(IMAGES)}, several images as {JSON}, "
        f"or prepared arrays as {ARRAY_TYPE}."
    )


def _decode_instances(body: bytes | bytearray | str) -> list[bytes]:
    try:
        images = [
            base64.b64decode(instance["b64"], validate=True) for instance in json.loads(body)["instances"]
        ]
    except (ValueError, TypeError, LookupError):
        raise InvalidRequest(
            'The body is not of the form {"instances": [{"b64": "..."}, ...]} with image files in base64.'
        ) from None
    if not images:
        raise InvalidRequest("'instances' is empty. Send at least one image.")
    return images


def _decode_arrays(body: bytes | bytearray) -> Pixels:
    try:
        arrays: Pixels = np.lib.format.read_array(BytesIO(body), allow_pickle=False)
    except Exception:  # numpy raises many kinds of exceptions on damaged files
        raise InvalidRequest("The body is not an array in numpy's .npy format, or is cut off.") from None
    return arrays[np.newaxis] if arrays.ndim == 3 else arrays


def _pixels(request: Request, spec: InputSpec) -> Pixels:
    if isinstance(request, list):
        return np.stack([_prepare(request, index, spec) for index in range(len(request))])
    if request.dtype != np.uint8 or request.shape[1:] != spec.shape or not len(request):
        raise InvalidRequest(
            f"Prepared arrays are uint8 of shape (N, {', '.join(map(str, spec.shape))}), at least one; this "
            f"is {request.dtype} of shape {request.shape}."
        )
    return request


def _prepare(images: list[bytes], index: int, spec: InputSpec) -> Pixels:
    try:
        return prepare(images[index], spec).pixels
    except ImageError as error:
        if len(images) == 1:
            raise
        raise type(error)(f"instances[{index}]: {error.message}") from error
