"""What is known of a data set besides its images: who made it, under which terms, what is wrong with it."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

DATASETS = Path(__file__).with_name("datasets.toml")


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


def load_source(name: str, path: Path = DATASETS) -> DataSource:
    """The entry called `name`; for a data set that is not described there, one that says so."""
    entry = tomllib.loads(path.read_text(encoding="utf-8")).get(name)
    if entry is None:
        return DataSource(
            title=name,
            citation="not stated",
            licence="not stated",
            origin="not stated",
            notes=(f"'{name}' is not described in training/datasets.toml; describe it there.",),
        )
    lists = {key: tuple(value) for key, value in entry.items() if isinstance(value, list)}
    return DataSource(**{**entry, **lists})
