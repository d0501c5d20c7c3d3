"""Outlines of findings: masks that come with some data sets."""

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath

from training.data.storage import Storage

MASK = re.compile(r"^(?P<image>.*)_mask(?:_\d+)?\.png$")
FOLDER = re.compile(r"(^|/)masks/")


def find_masks(storage: Storage, folder: str, paths: Sequence[str]) -> dict[str, list[str]]:
    """The masks of images, relative to `folder`, by the image's path.

    Those of `benign/benign (1).jpg` are `benign/benign (1)_mask.png`, `..._mask_1.png` and so on, beside it
    or in a folder `masks`. A mask is white inside an outline. Images without one are left out.
    """
    masks = defaultdict(list)
    for path in sorted(storage.paths(folder)):
        if named := MASK.match(path):
            masks[FOLDER.sub(r"\1", named["image"])].append(path)
    stems = {path: str(PurePosixPath(path).with_suffix("")) for path in paths}
    return {path: masks[stem] for path, stem in stems.items() if stem in masks}
