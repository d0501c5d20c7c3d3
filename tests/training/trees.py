"""Folders of files with the paths of data sets; their content does not matter."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from training.data.dataset import Listing
from training.data.listing import Location, Places, list_images
from training.data.sources import load_source
from training.data.storage import Storage


def write_tree(folder: Path, paths: Iterable[str]) -> Path:
    """Write a file at each path below `folder`; its content is its path."""
    for path in paths:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(path, encoding="utf-8")
    return folder


def list_data(
    data: Places,
    class_names: Iterable[str],
    dataset: str = "undescribed",
    client: Any = None,
    task: str = "",
    **how: Any,
) -> Listing:
    """List the images at `data`."""
    location = Location(data, **how)
    return list_images(Storage(client), location, tuple(class_names), load_source(dataset, task))


def classes(listing: Listing, class_names: Iterable[str]) -> dict[str, str]:
    """The class name of each file."""
    names = tuple(class_names)
    return {record.path: names[record.label] for record in listing.records}


def groups(listing: Listing) -> dict[str, str]:
    """The group of each file."""
    return {record.path: record.group for record in listing.records}
