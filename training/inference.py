"""Serves a model package on a SageMaker endpoint or in a batch transform job.

SageMaker's PyTorch container (with sagemaker-inference 1.7 or later) imports this module from the `code`
folder of model.tar.gz; it calls `model_fn` once in each worker, and `input_fn`, `predict_fn` and `output_fn`
in turn for each request. A request is

* one image file (image/jpeg, image/png, image/tiff, application/dicom, application/x-image or
  application/octet-stream; what it is, is told from its bytes),
* several image files, as application/json: `{"instances": [{"b64": "..."}, ...]}`, or
* arrays that `imaging.prepare` made, as application/x-npy: uint8 of shape (N, C, H, W) or (C, H, W).

The answer is always JSON: `{"model": {"task", "version", "sha256", "classes", "thresholds"},
"probabilities": (N, K), "activation": (N, K, h, w), "distance": (N)}`, as in `backend.ModelOutputs`.
A request that cannot be answered gets a 4xx status and `{"code", "message"}`; one bad image refuses all.
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
from chalicelib.models.embedded import EmbeddedBackend
from chalicelib.models.package import ModelPackage
from chalicelib.tasks import InputSpec, Task

JSON = "application/json"
ARRAYS = "application/x-npy"
IMAGES = (
    "image/jpeg",
    "image/png",
    "image/tiff",
    "application/dicom",
    "application/x-image",
    "application/octet-stream",
)

Request = list[bytes] | Pixels
"""Image files, or arrays that are already prepared."""


class Context(Protocol):
    """What the container knows of a request; the one method that is used of it."""

    def set_response_status(self, code: int, phrase: str) -> None:
        """Answer with this HTTP status."""


@dataclass(frozen=True)
class Model:
    """What a worker keeps between requests."""

    package: ModelPackage
    task: Task
    backend: EmbeddedBackend


def model_fn(model_dir: str) -> Model:
    """Load the package that was unpacked into `model_dir`.

    Raises:
        InvalidModelPackage: if it is broken or for other classes than its task's file lists.
    """
    package = ModelPackage.load(Path(model_dir))
    # The container starts a worker for each CPU; more threads would only get in each other's way.
    return Model(package, package.task, EmbeddedBackend(package, threads=1))


# Errors travel to `output_fn` as values. The container answers raised ones with a stack trace.


def input_fn(body: bytes | bytearray | str | None, content_type: str | None) -> Request | NegatoscopeError:
    """What a request asks for, or why that cannot be told."""
    try:
        return _read(body or b"", _media_type(content_type))
    except NegatoscopeError as error:
        return error


def predict_fn(request: Request | NegatoscopeError, model: Model) -> dict[str, Any] | NegatoscopeError:
    """The answer to a request, or why there is none.

    Raises:
        ModelFailed: if the model, not the request, is at fault.
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
    # The container decodes JSON only, so everything else arrives as bytes.
    assert not isinstance(body, str)
    if media_type == ARRAYS:
        return _decode_arrays(body)
    if media_type in IMAGES:
        return [bytes(body)]
    raise UnsupportedMediaType(
        f"'{media_type}' is not taken here. Send an image as {', '.join(IMAGES)}, several images as {JSON}, "
        f"or prepared arrays as {ARRAYS}."
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
    except Exception:  # whatever a damaged or hostile file makes numpy raise
        raise InvalidRequest("The body is not an array in numpy's .npy format, or is cut off.") from None
    return arrays[np.newaxis] if arrays.ndim == 3 else arrays


def _pixels(request: Request, spec: InputSpec) -> Pixels:
    if isinstance(request, list):
        return np.stack([_prepare(request, index, spec) for index in range(len(request))])
    shape = (spec.channels, spec.height, spec.width)
    if request.dtype != np.uint8 or request.shape[1:] != shape or not len(request):
        raise InvalidRequest(
            f"Prepared arrays are uint8 of shape (N, {', '.join(map(str, shape))}), at least one; this is "
            f"{request.dtype} of shape {request.shape}."
        )
    return request


def _prepare(images: list[bytes], index: int, spec: InputSpec) -> Pixels:
    try:
        return prepare(images[index], spec).pixels
    except ImageError as error:
        if len(images) == 1:
            raise
        raise type(error)(f"instances[{index}]: {error.message}") from error
