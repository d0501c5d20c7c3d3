"""Recognises the layout of a folder of labelled images from the paths of its files."""

import unicodedata
from collections.abc import Callable, Mapping, Sequence

from chalicelib.labelled_data.layouts import Layout, load_layouts
from chalicelib.labelled_data.masks import masks_among

CLASS_FOLDERS = "class-folders"
"""The layout without a description: one folder per class of the task."""
SAMPLE = 2000
"""Number of paths from which a layout is recognised."""
RECOGNISED = 0.9
"""Share of the images whose class a layout must find to be recognised."""
IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".tif", ".tiff", ".dcm", ".dicom", ".dic", ".ima", ""}
)
GIVEN_PARTS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validate": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
"""Names that sources use for the parts of their own split."""

FindClass = Callable[[str], str]
"""The class of the file at a path; empty if the path does not show it."""


def is_image(path: str) -> bool:
    """Whether the file name is that of an image in a readable format."""
    name = path.rpartition("/")[2]
    dot = name.rfind(".")
    # DICOM files often have no suffix, or a number that only looks like one.
    suffix = name[dot:].lower() if dot > 0 else ""
    return suffix in IMAGE_SUFFIXES or suffix[1:].isdigit()


def plain(name: str) -> str:
    """A name without the differences that do not matter between names of classes: case, blanks, hyphens.

    Letters of all scripts matter, and if there are none, so do signs, such as + and -.
    """
    characters = unicodedata.normalize("NFKC", name).casefold()
    words = "".join(char if unicodedata.category(char)[0] in "LMN" else " " for char in characters).split()
    return "-".join(words) or name.strip()


def layouts_for(class_names: Sequence[str]) -> dict[str, Layout]:
    """The described layouts whose classes are all classes of the task, by name."""
    return {
        name: layout
        for name, layout in load_layouts().items()
        if {class_name for _, class_name in layout.classes} <= set(class_names)
    }


def sample(images: Sequence[str]) -> Sequence[str]:
    """The paths from which a layout is recognised, among those of all images, which are sorted."""
    return images[:: max(1, len(images) // SAMPLE)]


def recognise(layouts: Mapping[str, Layout], find_class_folder: FindClass, paths: Sequence[str]) -> str:
    """The described layout that fits best, else class folders if there is one, else an empty text."""
    shares = {
        name: share_found(layout.find_class, without_masks(layout, paths)) for name, layout in layouts.items()
    }
    best = max(shares, key=lambda name: shares[name], default="")
    if best and shares[best] >= RECOGNISED:
        return best
    return CLASS_FOLDERS if share_found(find_class_folder, paths) else ""


def class_folder(path: str) -> str:
    """The folder of a file that may be named after its class; empty if there is none.

    It may be inside a folder named after a part of a split.
    """
    folders = path.split("/")[:-1]
    if folders and folders[0].lower() in GIVEN_PARTS:
        del folders[0]
    return folders[0] if folders else ""


def without_masks(layout: Layout, paths: Sequence[str]) -> list[str]:
    """The paths of images to train on."""
    return [path for path in paths if not layout.skips(path)]


def share_found(find_class: FindClass, paths: Sequence[str]) -> float:
    """The share of the paths that show a class."""
    return sum(map(bool, map(find_class, paths))) / len(paths) if paths else 0.0


def class_finder(paths: Sequence[str], class_names: Sequence[str]) -> Callable[[str], str | None]:
    """What finds the class of a path, in the layout that `paths` have.

    It returns an empty text if the path does not show a class, and None for a file that is not an image to
    train on.
    """
    by_folder = {plain(name): name for name in class_names}

    def find_in_folder(path: str) -> str:
        return by_folder.get(plain(class_folder(path)), "")

    layouts = layouts_for(class_names)
    masks = masks_among(paths)
    images = sorted(path for path in paths if is_image(path) and path not in masks)
    layout = layouts.get(recognise(layouts, find_in_folder, sample(images)))

    def find(path: str) -> str | None:
        if not is_image(path) or path in masks or (layout and layout.skips(path)):
            return None
        return (layout and layout.find_class(path)) or find_in_folder(path)

    return find
