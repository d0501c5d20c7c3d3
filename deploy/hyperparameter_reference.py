"""Generates docs/hyperparameters.md from the hyper-parameters of training.

`python -m deploy.hyperparameter_reference` writes it; with `--check` it fails if the committed page is not
current.
"""

from collections.abc import Iterator
from dataclasses import Field, fields
from typing import Any

from chalicelib.hyperparameters import ALIASES, Hyperparameters
from deploy.generated import PROJECT, write_or_check

PAGE = PROJECT / "docs" / "hyperparameters.md"

_HEAD = """# Hyper-parameters

`make generate` writes this page.

The same names are used in `hyperparameters` of a retraining request, in
[`recipes.toml`](../training/recipes.toml), in SageMaker's HyperParameters and, with hyphens, on the command
line (`--learning-rate 0.001`). A value that neither the request nor the recipe of the task names has the
default. **Search** is the range that `make tune` and a retraining with `tune` draw from. Names of release 0.1
are still accepted.

| name | default | values | search | meaning | formerly |
|---|---|---|---|---|---|
"""


def render() -> str:
    """The whole page."""
    return _HEAD + "\n".join(_rows()) + "\n"


def _rows() -> Iterator[str]:
    former = {name: alias for alias, name in ALIASES.items()}
    for spec in fields(Hyperparameters):
        cells = (
            f"`{spec.name}`",
            f"{spec.default}",
            _values(spec),
            _search(spec),
            spec.metadata["help"],
            f"`{former[spec.name]}`" if spec.name in former else "",
        )
        yield f"| {' | '.join(cells)} |"


def _values(spec: Field[Any]) -> str:
    if choices := spec.metadata.get("choices"):
        return ", ".join(f"`{choice}`" for choice in choices)
    return f"{_plain(spec.metadata['low'])} to {_plain(spec.metadata['high'])}"


def _search(spec: Field[Any]) -> str:
    tuned = spec.metadata.get("tune")
    return f"{_plain(tuned.low)} to {_plain(tuned.high)}, {tuned.scale}" if tuned else ""


def _plain(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:g}"


if __name__ == "__main__":
    write_or_check(PAGE, render(), "deploy.hyperparameter_reference")
