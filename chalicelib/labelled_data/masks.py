"""Masks: the outlines of findings that come with some data sets."""

import re
from collections.abc import Sequence
from posixpath import splitext

MASK = re.compile(r"^(?P<image>.*)_mask(?:_\d+)?\.png$")
FOLDER = re.compile(r"(^|/)masks/")


def image_of(path: str) -> str:
    """The image, without suffix, of which the file at `path` is a mask by its name; empty if it is none.

    Those of `benign/benign (1).jpg` are `benign/benign (1)_mask.png`, `..._mask_1.png` and so on, beside it
    or in a folder `masks`.
    """
    named = MASK.match(path)
    return FOLDER.sub(r"\1", named["image"]) if named else ""


def without_suffix(path: str) -> str:
    """The path without the suffix of the file's name."""
    return splitext(path)[0]


def masks_among(paths: Sequence[str]) -> frozenset[str]:
    """The files that are masks of images which are among `paths`, too."""
    named = {path: image for path in paths if (image := image_of(path))}
    present = set(named.values()).intersection(map(without_suffix, paths))
    return frozenset(path for path, image in named.items() if image in present)
