"""What became of the images of a part."""

from typing import NotRequired, TypedDict

from chalicelib.errors import NegatoscopeError

NOT_PROCESSED = "NotProcessed"
"""The code of images in parts that failed after all tries, or that a transform job did not answer."""
COUNTS = ("classified", "current", "deleted", "skipped")


class Failure(TypedDict):
    """A file without a result."""

    key: str
    """It may name a patient: never log it."""
    code: str
    message: str


class PartOutcome(TypedDict):
    """What became of the images of a part."""

    classified: int
    """Since the batch began."""
    current: int
    """They had a result of the current model before the batch began."""
    deleted: int
    """An admin has deleted their results, and they are not classified again."""
    skipped: int
    """Empty objects that stand for folders, earlier versions in an inventory, and prepared images without a
    classification."""
    failures: list[Failure]
    prepared: NotRequired[dict[str, str]]
    """The images that wait for a transform job: the keys of their files by those of their arrays. The part
    that records their answers counts them."""


def nothing() -> PartOutcome:
    """The outcome of a part before its first image."""
    return {"classified": 0, "current": 0, "deleted": 0, "skipped": 0, "failures": []}


def failure(key: str, error: NegatoscopeError) -> Failure:
    """The failure of a file."""
    return {"key": key, "code": error.code, "message": error.message}
