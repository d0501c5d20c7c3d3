"""Descriptions of data sets: citation, licence, origin, and how files are named."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

DATASETS = Path(__file__).with_name("datasets.toml")

TestSplit = Literal["own", "given", "fixed"]
"""The test part: drawn here, or the one that comes with the data; "fixed": all parts as in the manifest."""


@dataclass(frozen=True)
class DataSource:
    """One entry of datasets.toml."""

    title: str
    citation: str
    licence: str
    origin: str
    """Where these files were taken from."""
    notes: tuple[str, ...]
    """Known flaws, in sentences for the model card."""
    group_patterns: tuple[str, ...] = ()
    """Regular expressions whose capturing group is the patient in a file name."""
    attribute_patterns: Mapping[str, str] = field(default_factory=dict)
    """By attribute, a regular expression whose capturing group is its value in a file name."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Other names of the task's classes in labelling jobs and manifests; "" leaves their images out."""
    other_tasks: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The same for tasks with other classes than those of the data, by task."""
    near_duplicates: float | None = None
    """Correlation of thumbnails above which two images count as one patient's; None skips the search."""
    test_split: TestSplit = "own"
    folders: tuple[str, ...] = ()
    """Names of its folders, beside those of other data sets; empty for one with the entry's name."""

    @property
    def reference(self) -> str:
        """Title, citation and licence, as one entry of a list of references."""
        return f"{self.title} ({self.citation}; licence {self.licence})"


def load_source(name: str, task: str = "", path: Path = DATASETS) -> DataSource:
    """The entry called `name`, or one that says that the data set is not described.

    Its aliases include those for the `task`.
    """
    entry = tomllib.loads(path.read_text(encoding="utf-8")).get(name)
    if entry is None:
        return DataSource(
            title=name,
            citation="not stated",
            licence="not stated",
            origin="not stated",
            notes=(f"'{name}' is not described in training/data/datasets.toml; describe it there.",),
        )
    lists = {key: tuple(value) for key, value in entry.items() if isinstance(value, list)}
    source = DataSource(**{**entry, **lists})
    return replace(source, aliases={**source.aliases, **source.other_tasks.get(task, {})})


def dataset_folders(parent: str, name: str, path: Path = DATASETS) -> list[str]:
    """The folders of a data set in a folder or s3:// prefix that holds a folder for each.

    They are those of its entry that exist, or else one with its name.
    """
    described = [f"{parent}/{folder}" for folder in load_source(name, path=path).folders]
    return list(filter(os.path.isdir, described)) or [f"{parent}/{name}"]
