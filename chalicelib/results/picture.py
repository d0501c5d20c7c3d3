"""What a result tells about its display picture."""

from typing import Literal, TypedDict


class PictureWindow(TypedDict):
    """The values that are shown black and white."""

    low: float
    high: float
    name: str | None
    """What it is for, if the file says that in a common term, such as BONE."""


class GreyScale(TypedDict):
    """What the samples of a grey picture mean: `sample * slope + intercept`, in the units of the windows."""

    slope: float
    intercept: float
    inverted: bool
    """Whether small values are bright."""
    windows: list[PictureWindow]
    """At least one; the first is shown first."""


class Picture(TypedDict):
    """The file that GET /results/{id}/picture leads to. It has the physical proportions of the original."""

    sha256: str
    """Of the file."""
    media_type: Literal["image/png", "image/jpeg"]
    width: int
    height: int
    grey: GreyScale | None
    """Of a PNG with one channel of 8 or 16 bits; null if the picture is shown as it is."""


class FramePicture(TypedDict):
    """The display picture of one frame or page of a file."""

    frame: int
    """Its number, from 1."""
    picture: Picture


class KeptFrames(TypedDict):
    """The frames that have a display picture. `source.frames` says how many the file has."""

    kept: int
    """How many have one: all, or 64 of them at most, which are spread over the file."""
    sha256: str
    """Of the stored list of them, which GET /results/{id}/frames returns."""
