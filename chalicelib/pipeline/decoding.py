"""The Lambda `decode`: it decodes one file, stores display pictures, and answers with the model's input.

Decoders are native code that reads untrusted files. So the role of this Lambda can add display pictures, and
nothing else. The file comes with the request, or as a link that is valid for it alone.
"""

import base64
from collections.abc import Sequence
from typing import Any, TypedDict

import urllib3
from urllib3.exceptions import HTTPError

from chalicelib import imaging
from chalicelib.errors import DecoderUnavailable, DecodingFailed, FileRemoved, ImageError
from chalicelib.imaging import PreparedImage
from chalicelib.observability import logger
from chalicelib.pipeline import pictures, stored_pictures
from chalicelib.pipeline.pictures import Patience, Pictures
from chalicelib.results.picture import KeptFrames, Picture
from chalicelib.storage.bucket import DataBucket, Link
from chalicelib.storage.errors import StorageFailed
from chalicelib.tasks import InputSpec, load_task

_MISSING = (404, 412)
"""S3's answers for an object that does not exist, or is not the one that the link names."""
_connections = urllib3.PoolManager(
    timeout=urllib3.Timeout(connect=5, read=30),
    retries=urllib3.Retry(3, backoff_factor=0.2, status_forcelist=(500, 503), raise_on_status=False),
)


class Request(TypedDict):
    """What is to be decoded."""

    task: str
    """Name of the task whose model's input is made."""
    id: str
    """Of the image; the keys of its pictures contain it."""
    patience: dict[str, float] | None
    """For its pictures, see `pictures.Patience`; None if none are wanted."""
    file: str
    """The file in base64, if there are no links."""
    links: Sequence[Link]
    """To the file: the first that leads to an object is read."""


class Answer(TypedDict):
    """What the file contains."""

    pixels: str
    """The model's input in base64: uint8, in the order (channels, height, width)."""
    box: Sequence[int]
    source: dict[str, Any]
    picture: Picture | None
    frames: KeptFrames | None


class Refusal(TypedDict):
    """Why the file cannot be used."""

    code: str
    message: str


def answer(request: Request, bucket: DataBucket) -> Answer | Refusal:
    """Decode a file."""
    try:
        return _decode(request, bucket)
    except (ImageError, FileRemoved, DecoderUnavailable) as error:
        return {"code": error.code, "message": error.message}
    except StorageFailed as error:
        logger.warning("storage failed", extra={"error": str(error)})
        message = "The image could not be read, or its pictures could not be stored. Try again."
        return {"code": DecodingFailed.__name__, "message": message}


def _decode(request: Request, bucket: DataBucket) -> Answer:
    task, links = request["task"], request["links"]
    data = download(links) if links else base64.b64decode(request["file"])
    image, made = _prepare(data, load_task(task).input, request["patience"])
    stored_pictures.add(bucket, task, request["id"], made.files)
    return {
        "pixels": base64.b64encode(image.pixels.tobytes()).decode(),
        "box": image.box,
        "source": image.source.to_dict(),
        "picture": made.picture,
        "frames": made.frames,
    }


def _prepare(
    data: bytes, spec: InputSpec, patience: dict[str, float] | None
) -> tuple[PreparedImage, Pictures]:
    if patience is None:
        return imaging.prepare(data, spec), Pictures()
    return pictures.prepare(data, spec, Patience(**patience))


def download(links: Sequence[Link]) -> bytes:
    """The file that the first of the links leads to.

    Raises:
        FileRemoved: if none does.
        StorageFailed: if S3 refuses it for another reason, without the key, which may name a patient.
    """
    for link in links:
        try:
            response = _connections.request("GET", link["url"], headers=link["headers"])
        except HTTPError as error:
            raise StorageFailed(type(error).__name__) from None
        if response.status == 200:
            return response.data
        if response.status not in _MISSING:
            raise StorageFailed(f"GetObject: {response.status}")
    raise FileRemoved("The file was removed or replaced before it could be read.")
