"""Makes the pictures that people are shown of an image. It is classified even if none can be made."""

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from chalicelib import imaging
from chalicelib.imaging import PreparedImage, display_picture, frame_pictures
from chalicelib.imaging.display_picture import DisplayPicture
from chalicelib.limits import MIN_NUMBER
from chalicelib.observability import logger
from chalicelib.results.picture import FramePicture, GreyScale, KeptFrames, Picture
from chalicelib.tasks import InputSpec


@dataclass(frozen=True)
class Patience:
    """Seconds that pictures may take."""

    picture: float
    """If preparing an image takes longer, no picture of it is made: a picture takes as long again."""
    frames: float
    """For the pictures of a file's other frames."""


WHILE_SOMEONE_WAITS, IN_THE_BACKGROUND = Patience(3.0, 2.0), Patience(25.0, 25.0)
"""API Gateway waits 29 s, and the Lambda `decode` has 105 s, in which the pictures are stored, too."""


@dataclass(frozen=True)
class PictureFile:
    """A file to store beside an image."""

    content: bytes = field(repr=False)
    media_type: str

    @property
    def sha256(self) -> str:
        """Of its content, hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Pictures:
    """What results tell about the pictures of an image, and the files with them."""

    picture: Picture | None = None
    frames: KeptFrames | None = None
    files: Sequence[PictureFile] = ()
    """Those of frames come before the list that names them."""


def prepare(data: bytes, spec: InputSpec, patience: Patience) -> tuple[PreparedImage, Pictures]:
    """The model's input and the pictures that can be made.

    Args:
        data: the file.
        spec: of the model's input.
        patience: for the pictures.

    Raises:
        ImageError: if the image cannot be used.
    """
    began = time.monotonic()
    image, decoded = imaging.prepare_and_decode(data, spec)
    if time.monotonic() - began > patience.picture:
        logger.warning("no display picture", extra={"error": "too slow"})
        return image, Pictures()
    # An image that is decoded again must not be in memory twice.
    usable = decoded if display_picture.shows_all(decoded, spec) else None
    del decoded
    try:
        picture = display_picture.make(data, usable)
    except Exception as error:
        # Its message may quote the file.
        logger.warning("no display picture", extra={"error": type(error).__name__})
        return image, Pictures()
    del usable
    frames = frame_pictures.make(data, image.source, picture, patience.frames)
    return image, _pictures(picture, frames)


def _pictures(picture: DisplayPicture, frames: dict[int, DisplayPicture]) -> Pictures:
    file = PictureFile(picture.content, picture.media_type)
    if not frames:
        return Pictures(describe(picture), None, [file])
    kept: list[FramePicture] = [
        {"frame": number, "picture": describe(frame)} for number, frame in frames.items()
    ]
    files = [PictureFile(frame.content, frame.media_type) for frame in frames.values()]
    listed = PictureFile(json.dumps({"frames": kept}).encode(), "application/json")
    return Pictures(describe(picture), {"kept": len(kept), "sha256": listed.sha256}, [*files, listed])


def describe(picture: DisplayPicture) -> Picture:
    """What a result tells about a picture."""
    return {
        "sha256": hashlib.sha256(picture.content).hexdigest(),
        "media_type": picture.media_type,
        "width": picture.width,
        "height": picture.height,
        "grey": _scale(picture.grey) if picture.grey else None,
    }


def _scale(grey: display_picture.GreyScale) -> GreyScale:
    windows = [(_number(window.low), _number(window.high), window.name) for window in grey.windows]
    return {
        "slope": _number(grey.slope),
        "intercept": _number(grey.intercept),
        "inverted": grey.inverted,
        "windows": [{"low": low, "high": high, "name": name} for low, high, name in windows],
    }


def _number(value: float) -> float:
    """The number, or 0 if it is closer to 0 than tables can store."""
    return value if abs(value) >= MIN_NUMBER else 0.0
