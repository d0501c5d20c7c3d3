"""BentoML with our graph, prepared by Pillow. Its arguments come from the variable `_NEGATOSCOPE_PEER`."""

import os
from pathlib import Path

import bentoml

from benchmarks.peers import floor


@bentoml.service(workers=1)
class Classification:
    """Answers `POST /classify`."""

    def __init__(self) -> None:
        self._answer = floor.load(*os.environ["_NEGATOSCOPE_PEER"].split("\n"))

    @bentoml.api  # type: ignore[untyped-decorator]
    def classify(self, image: Path) -> str:
        """The class of an image."""
        return self._answer(image.read_bytes())
