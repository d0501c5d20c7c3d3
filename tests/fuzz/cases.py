"""A case: a seed and the operations that break it. Its text is enough to make the same bytes again."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from random import Random

from hypothesis import strategies as st

from chalicelib.tasks import InputSpec
from tests.fuzz import seeds
from tests.fuzz.formats import Operations, dicom_elements, dicom_pixels, jpeg, png, raw, tiff

_COMPRESSIONS: Mapping[str, Operations] = {
    "rle": dicom_pixels.RLE,
    "jpeg-2000": dicom_pixels.JPEG2000,
    "jpeg": dicom_pixels.JPEG,
    "other": {**dicom_pixels.JPEG, **dicom_pixels.JPEG2000, **dicom_pixels.RLE},
}
_DICOM: Operations = {**raw.OPERATIONS, **dicom_elements.OPERATIONS, **dicom_pixels.OPERATIONS}
_FILES: Mapping[str, Operations] = {
    "jpeg": {**raw.OPERATIONS, **jpeg.OPERATIONS},
    "png": {**raw.OPERATIONS, **png.OPERATIONS},
    "tiff": {**raw.OPERATIONS, **tiff.OPERATIONS},
}
OPERATIONS: Operations = {
    **{name: change for kind in _FILES.values() for name, change in kind.items()},
    **_COMPRESSIONS["other"],
    **_DICOM,
}


@dataclass(frozen=True)
class Case:
    """One input."""

    seed: str
    channels: int
    """Of the model's input: 1 (grey) or 3 (RGB)."""
    steps: tuple[tuple[str, int], ...] = ()
    """Operations by name, each with the number that its random choices come from."""

    @property
    def data(self) -> bytes:
        """The file."""
        data = seeds.read(self.seed)
        for name, number in self.steps:
            data = operations_for(self.seed)[name](data, Random(number))
        return data

    @property
    def spec(self) -> InputSpec:
        """The model's input."""
        return InputSpec(width=32, height=32, channels=self.channels, fit="pad")

    def __str__(self) -> str:
        return " ".join((self.seed, str(self.channels), *(f"{name}:{number}" for name, number in self.steps)))

    @classmethod
    def parse(cls, text: str) -> "Case":
        """The case that `str` made this text of."""
        seed, channels, *steps = text.rsplit(" ", text.count(" "))
        pairs = (step.rsplit(":", 1) for step in steps)
        return cls(seed, int(channels), tuple((name, int(number)) for name, number in pairs))


@cache
def operations_for(seed: str) -> Operations:
    """The operations that can change a file of this kind."""
    kind = seed.partition("/")[0]
    if kind in _FILES:
        return _FILES[kind]
    if kind == "real" and not seed.startswith("real/dicom/"):
        return _FILES["png" if seed.endswith(".png") else "jpeg"]
    encoding = seed.rpartition("/")[2]
    for name, operations in _COMPRESSIONS.items():
        if kind == "dicom" and encoding.startswith(name):
            return {**_DICOM, **operations}
    return _DICOM if kind == "dicom" else {**_DICOM, **_COMPRESSIONS["other"]}


@st.composite
def cases(draw: st.DrawFn, seed_names: tuple[str, ...]) -> Case:
    """Cases from the seeds of these names; operations that know the structure come more often than others."""
    seed = draw(st.sampled_from(seed_names))
    names = sorted(operations_for(seed))
    weighted = names + 2 * [name for name in names if name not in raw.OPERATIONS]
    step = st.tuples(st.sampled_from(weighted), st.integers(0, 9999))
    return Case(seed, draw(st.sampled_from((1, 3))), tuple(draw(st.lists(step, max_size=3))))
