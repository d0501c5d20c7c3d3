"""Lets the Lambda `decode` decode files. Its answers are checked, because files may have taken it over."""

import base64
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

import numpy as np
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from chalicelib import errors
from chalicelib.errors import DecoderUnavailable, DecodingFailed, FileRemoved, ImageError
from chalicelib.imaging.decoded import Pixels
from chalicelib.models.classification import Box
from chalicelib.observability import logger
from chalicelib.pipeline import pictures
from chalicelib.pipeline.decoding import Answer, Request
from chalicelib.results.picture import KeptFrames, Picture
from chalicelib.results.result_document import Source
from chalicelib.storage.bucket import Link
from chalicelib.tasks import InputSpec, Task

_REFUSALS = (ImageError, FileRemoved, DecoderUnavailable, DecodingFailed)
_DIGEST = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Patience:
    """How long a caller can wait."""

    pictures: pictures.Patience | None
    """For display pictures; None if none are wanted."""
    answer: float
    """Seconds until the Lambda must have answered."""
    tries: int


# API Gateway waits 29 s; a second try must fit in. Lambda repeats the events of those in the background.
WHILE_SOMEONE_WAITS = Patience(pictures.WHILE_SOMEONE_WAITS, answer=12, tries=2)
WITHOUT_PICTURES = replace(WHILE_SOMEONE_WAITS, pictures=None)
IN_THE_BACKGROUND = Patience(pictures.IN_THE_BACKGROUND, answer=110, tries=1)


@dataclass(frozen=True)
class DecodedFile:
    """The image of a file, as the model takes it."""

    pixels: Pixels
    """Shape (channels, height, width)."""
    box: Box
    source: Source
    picture: Picture | None
    """The display picture, which has been stored; None if there is none."""
    frames: KeptFrames | None
    """The frames whose display pictures have been stored, if the file has several."""


@dataclass(frozen=True)
class Decoder:
    """Decodes files in another Lambda."""

    client: Callable[[Patience], Any]
    """A boto3 `lambda` client with this patience."""
    function: str
    """Name of the Lambda."""

    def decode(
        self, task: Task, image_id: str, file: bytes | Sequence[Link], patience: Patience
    ) -> DecodedFile:
        """Decode a file, and store its display pictures.

        Raises:
            ImageError: if the image cannot be used.
            FileRemoved: if no link leads to a file.
            DecoderUnavailable: if the Lambda could not be asked.
            DecodingFailed: if it did not answer.
        """
        request: Request = {
            "task": task.name,
            "id": image_id,
            "patience": asdict(patience.pictures) if patience.pictures else None,
            "file": base64.b64encode(file).decode() if isinstance(file, bytes) else "",
            "links": [] if isinstance(file, bytes) else file,
        }
        answer = self._ask(request, patience)
        try:
            if "code" in answer:
                raise errors.refusal(answer["code"], str(answer["message"]), *_REFUSALS)
            return _read(answer, task.input)
        except (KeyError, TypeError, ValueError):
            raise DecodingFailed("The decoder returned an invalid answer. Try again.") from None

    def _ask(self, request: Request, patience: Patience) -> dict[str, Any]:
        try:
            response = self.client(patience).invoke(
                FunctionName=self.function, Payload=json.dumps(request).encode()
            )
        except ReadTimeoutError:
            raise DecodingFailed(
                f"The image was not decoded within {patience.answer:.0f} seconds. Upload it with POST "
                "/uploads, which allows more time, or send a smaller version."
            ) from None
        except (ClientError, BotoCoreError) as error:
            logger.warning("the decoder was not asked", extra={"error": type(error).__name__})
            raise DecoderUnavailable("Images cannot be decoded now. Try again.") from None
        answer = json.loads(response["Payload"].read())
        if "FunctionError" in response:
            # Its log says more. The message may quote the file.
            logger.error("the decoder failed", extra={"error": answer.get("errorType")})
            raise DecodingFailed(
                "The decoder ended while it read the image: it crashed, or ran out of time or memory. Try "
                "again; if it happens again, send a smaller or uncompressed version."
            )
        found: dict[str, Any] = answer
        return found


def _read(answer: dict[str, Any], spec: InputSpec) -> DecodedFile:
    """The answer, if it makes sense; else any error."""
    found = cast(Answer, answer)
    pixels = np.frombuffer(base64.b64decode(found["pixels"]), np.uint8).reshape(spec.shape)
    left, top, width, height = map(int, found["box"])
    picture, frames = found["picture"], found["frames"]
    if not all(_DIGEST.fullmatch(one["sha256"]) for one in (picture, frames) if one):
        raise ValueError("not a digest")
    box, source = (left, top, width, height), cast(Source, found["source"])
    return DecodedFile(pixels, box, source, picture, frames)
