"""What is known of a data set besides its images: who made it, under which terms, how its files are named."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

DATASETS = Path(__file__).with_name("datasets.toml")

TestSplit = Literal["own", "given", "fixed"]
"""Whose test part is used: one that is drawn here, or the one that comes with the images; or, with "fixed",
all three parts as the images' manifest names them."""


@dataclass(frozen=True)
class DataSource:
    """One entry of datasets.toml."""

    title: str
    citation: str
    licence: str
    origin: str
    """Where these very files were taken from."""
    notes: tuple[str, ...]
    """Known flaws, in sentences for the model card."""
    group_patterns: tuple[str, ...] = ()
    """Regular expressions whose capturing group is the patient, for file names that tell."""
    attribute_patterns: Mapping[str, str] = field(default_factory=dict)
    """By attribute, a regular expression whose capturing group is its value, for file names that tell."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """What labelling jobs and manifests call the task's classes, where it is not their name."""
    near_duplicates: float | None = None
    """Correlation of thumbnails above which two images are taken for one patient's; None: not looked for."""
    test_split: TestSplit = "own"


def load_source(name: str, path: Path = DATASETS) -> DataSource:
    """The entry called `name`; for a data set that is not described there, one that says so."""
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
    return DataSource(**{**entry, **lists})
