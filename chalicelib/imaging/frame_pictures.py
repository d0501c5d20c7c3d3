"""Makes display pictures of the frames of a file, so that people can leaf through them."""

import time

from chalicelib.imaging import display_picture
from chalicelib.imaging.decoded import Source
from chalicelib.imaging.display_picture import DisplayPicture

MAX_FRAMES = 64
"""Frames of a file that get a picture; a power of two."""
MAX_BYTES = 200_000_000
"""Of all pictures of a file: as many as the largest file has."""


def numbers(frames: int) -> list[int]:
    """The frames that get a picture, from 1: all, or `MAX_FRAMES` that are evenly spaced.

    However early making them ends, those that are made are spread over the file: the first comes first, then
    the middle one, then those between, in the order of their numbers' reversed bits.
    """
    bits = MAX_FRAMES.bit_length() - 1
    places = (int(f"{number:0{bits}b}"[::-1], 2) for number in range(MAX_FRAMES))
    return list(dict.fromkeys(frames * place // MAX_FRAMES + 1 for place in places))


def make(
    data: bytes, source: Source, classified: DisplayPicture, seconds: float
) -> dict[int, DisplayPicture]:
    """Pictures of the frames of a file, by number; none if it has one frame only.

    A frame that cannot be read is left out.

    Args:
        data: a file that `prepare` accepts.
        source: of the prepared image.
        classified: the picture of the frame that was prepared.
        seconds: after which no more pictures are begun; it ends early rather than late.
    """
    if source.frame is None or source.frames is None:
        return {}
    made = {source.frame: classified}
    size, slowest = len(classified.content), 0.0
    end = time.monotonic() + seconds
    for number in numbers(source.frames):
        began = time.monotonic()
        if began + slowest > end:
            break
        if number not in made and (picture := _picture(data, number)):
            size += len(picture.content)
            if size > MAX_BYTES:
                break
            made[number] = picture
        slowest = max(slowest, time.monotonic() - began)
    return dict(sorted(made.items()))


def _picture(data: bytes, number: int) -> DisplayPicture | None:
    try:
        return display_picture.make(data, frame=number)
    except Exception:  # of any kind, as from `make`
        return None
