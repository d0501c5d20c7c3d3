"""Prepared arrays in the bucket: the array as .npy, its facts as object metadata."""

import json
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image

from chalicelib.imaging.decoded import Pixels
from chalicelib.media_types import ARRAY_TYPE
from chalicelib.models.classification import Box
from chalicelib.pipeline.decoder import DecodedFile
from chalicelib.results import result_document
from chalicelib.results.picture import KeptFrames, Picture
from chalicelib.results.result_document import Channel, Result, Source
from chalicelib.storage.bucket import DataBucket, StoredObject
from chalicelib.storage.errors import AccessDenied, ObjectMissing
from chalicelib.storage.inbox import prepared_key

THUMBNAIL = 128
"""Pixels: twice what the page shows, for dense screens."""


@dataclass(frozen=True)
class PreparedArray:
    """A model's input with the facts of its image."""

    pixels: Pixels
    """Shape (channels, height, width)."""
    box: Box
    source: Source
    arrival: Channel
    created_at: str
    arrived_at: str | None = None
    """When the image arrived, ISO 8601; None if unknown."""
    picture: Picture | None = None
    """The display picture, if there is one."""
    frames: KeptFrames | None = None
    """The frames that have a display picture, if the file has several."""

    @classmethod
    def of(cls, file: DecodedFile, base: Result, arrived_at: str | None) -> "PreparedArray":
        """The array of a decoded file, with the arrival of `base`."""
        return cls(
            file.pixels, file.box, file.source, base["arrival"], base["created_at"], arrived_at,
            file.picture, file.frames,
        )  # fmt: skip

    @classmethod
    def unpack(cls, stored: StoredObject) -> "PreparedArray":
        """The array from a stored object; see `pack`."""
        facts = json.loads(stored.metadata["prepared"])
        return cls(np.load(BytesIO(stored.body), allow_pickle=False), **facts)

    def pack(self) -> tuple[bytes, dict[str, str]]:
        """Body and metadata of the object in the bucket."""
        body = BytesIO()
        np.save(body, self.pixels, allow_pickle=False)
        facts = {
            "box": self.box,
            "source": self.source,
            "arrival": self.arrival,
            "created_at": self.created_at,
            "arrived_at": self.arrived_at,
            "picture": self.picture,
            "frames": self.frames,
        }
        return body.getvalue(), {"prepared": json.dumps(facts)}

    def received(self, image_id: str, task: str) -> Result:
        """The result document from the arrival of this image."""
        received = result_document.received(image_id, task, self.arrival)
        return received | {"created_at": self.created_at, "picture": self.picture, "frames": self.frames}

    def is_input_of(self, result: Result) -> bool:
        """Whether a result is the answer to this array.

        An upload's form can be sent twice within seconds, with different files. Then the array is that of the
        file that was prepared last, even if somebody has already read the first one, whose answer stays.
        """
        picture, shown = self.picture, result["picture"]
        same_picture = not picture or not shown or picture["sha256"] == shown["sha256"]
        return self.source == result["source"] and same_picture

    def preview(self, *, thumbnail: bool = False) -> bytes:
        """The model's input without padding, as a PNG.

        A thumbnail has at most `THUMBNAIL` pixels in each direction.
        """
        left, top, width, height = self.box
        content = self.pixels[:, top : top + height, left : left + width].transpose(1, 2, 0)
        image = Image.fromarray(content[..., 0] if content.shape[2] == 1 else content)
        if thumbnail:
            image.thumbnail((THUMBNAIL, THUMBNAIL))
        png = BytesIO()
        image.save(png, "PNG")
        return png.getvalue()


def store(bucket: DataBucket, task: str, image_id: str, image: PreparedArray) -> None:
    """Store the array of an image, whose event starts the classification."""
    body, metadata = image.pack()
    bucket.write(prepared_key(task, image_id), body, ARRAY_TYPE, metadata)


def load(bucket: DataBucket, task: str, image_id: str) -> PreparedArray:
    """The array of an image.

    Raises:
        ObjectMissing: if there is none.
    """
    return PreparedArray.unpack(bucket.read(prepared_key(task, image_id)))


def is_stored(bucket: DataBucket, result: Result) -> bool:
    """Whether the array of a result's image is stored."""
    try:
        bucket.etag(prepared_key(result["task"], result["id"]))
    except (ObjectMissing, AccessDenied):
        return False
    return True
