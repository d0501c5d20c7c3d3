"""The result documents in the API's answers, in the table and in `results/`."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, NotRequired, TypedDict, cast

from chalicelib import DISCLAIMER
from chalicelib.json_schema import Schema
from chalicelib.models.backend import BackendKind
from chalicelib.models.classification import Classification
from chalicelib.models.heatmap import Heatmap
from chalicelib.models.review_rule import Reason
from chalicelib.results.picture import KeptFrames, Picture
from chalicelib.results.reading import Review, readers_of, readings_of
from chalicelib.timestamps import now

Status = Literal["received", "classified", "quarantined", "deleted"]
Channel = Literal["api", "upload", "drop-folder", "archive"]
"""How an image came in."""

RECEIVED: Final = "received"
CLASSIFIED: Final = "classified"
QUARANTINED: Final = "quarantined"
DELETED: Final = "deleted"
FINISHED = (CLASSIFIED, QUARANTINED)

ImageId = Annotated[str, Schema(pattern="^[0-9a-f]{32}$", description="32 hexadecimal digits.")]
"""32 hexadecimal digits."""
Probability = Annotated[float, Schema(minimum=0, maximum=1)]


class ResultReason(TypedDict):
    """Why a person should look at an image, or why a file was quarantined."""

    code: str
    message: str


class ResultModel(TypedDict):
    """The model that classified an image."""

    version: str
    """For a model that came in no package: its endpoint and production variant."""
    sha256: str | None
    """Of the package's graph. Null for a model that came in no package; such a model gives no heat map and
    cannot recognise out-of-distribution images."""
    backend: BackendKind
    min_probability: NotRequired[Probability | None]
    """The lowest probability with which this model's answers needed no review at that time; null if all of
    them needed one. Results of earlier versions of this application lack it."""


class Source(TypedDict):
    """The file an image came from; deliberately too little to identify anybody."""

    format: Literal["JPEG", "PNG", "TIFF", "DICOM"]
    rows: int
    columns: int
    modality: NotRequired[str]
    laterality: NotRequired[str]
    view_position: NotRequired[str]
    frame: NotRequired[int]
    """The frame that was classified, counted from 1; only for files with several."""
    frames: NotRequired[int]
    transfer_syntax: NotRequired[str]
    pixel_spacing: NotRequired[Annotated[list[float], Schema(minItems=2, maxItems=2)]]
    """Millimetres between rows and between columns of the file; of a DICOM file that says it. Radiographs may
    state that at the detector."""


class Hidden(TypedDict):
    """Who hid a result, and when."""

    by: str
    """As in reviews."""
    at: str


class ListedResult(TypedDict):
    """A result as lists hold it: everything but the heat map."""

    id: ImageId
    task: str
    status: Status
    label: str | None
    probability: Probability | None
    probabilities: dict[str, Probability]
    """Of every class of the task."""
    needs_review: bool
    reasons: list[ResultReason]
    """Why a person should look, or why the file was quarantined."""
    distance: float | None
    """How far the image is from the images the model was trained on; larger is less familiar. Null while
    there is no classification, and from models that measure no distance."""
    model: ResultModel | None
    source: Source | None
    arrival: Channel
    uploading: NotRequired[Literal[True]]
    """The file of this upload has not arrived yet. Absent if it has."""
    created_at: str
    classified_at: str | None
    review: Review | None
    readers: list[str]
    """Everyone with a reading that stands, as `reviewer` names them, except those who only settled a
    disagreement."""
    disagreement: bool
    """Whether the readers say different classes, and nobody has settled that."""
    hidden: Hidden | None
    """Null unless an admin has hidden the result: then lists, exports, drift and retrainings leave it out."""
    disclaimer: str


class Result(ListedResult):
    """The result of one image, in whichever status it is."""

    heatmap: Heatmap | None
    """Of the class that the image got. Null while there is no classification, and from models without an
    activation map."""
    picture: Picture | None
    """Null while there is no classification, if the picture could not be made, and for images that were
    prepared by an earlier version of this application."""
    frames: KeptFrames | None
    """Null likewise, and for files with one frame only."""
    readings: list[Review]
    """Everything that people have said about the image, oldest first: the review, those that were replaced or
    withdrawn, and second readings."""


UNKNOWN_TASK = "unknown"
"""The task of files outside the folders of tasks."""


def graph_digest(result: ListedResult) -> str | None:
    """The SHA-256 of the graph that gave the answer; None without an answer, or for a model in no package."""
    return result["model"]["sha256"] if result["model"] else None


def key(result: Result) -> str:
    """The key of a result document in the bucket."""
    return key_of(result["task"], result["id"])


def key_of(task: str, image_id: str) -> str:
    """The key of the document of an image's result."""
    return f"results/{task}/{image_id}.json"


def received(image_id: str, task: str, arrival: Channel) -> Result:
    """The document of an image that has arrived.

    Args:
        image_id: 32 hexadecimal digits.
        task: name of the task.
        arrival: how the image came in.
    """
    return {
        "id": image_id,
        "task": task,
        "status": RECEIVED,
        "label": None,
        "probability": None,
        "probabilities": {},
        "needs_review": False,
        "reasons": [],
        "heatmap": None,
        "distance": None,
        "model": None,
        "source": None,
        "picture": None,
        "frames": None,
        "arrival": arrival,
        "created_at": now(),
        "classified_at": None,
        "review": None,
        "hidden": None,
        "readings": [],
        "readers": [],
        "disagreement": False,
        "disclaimer": DISCLAIMER,
    }


def deleted(result: Result) -> Result:
    """What is left of a deleted result: its id, so that no late event brings it back.

    Its `created_at` is the time of the deletion.
    """
    return received(result["id"], result["task"], result["arrival"]) | {"status": DELETED}


def completed(stored: Mapping[str, Any]) -> Result:
    """A stored result, with what earlier versions of this application did not store."""
    readings = readings_of(stored)
    readers = readers_of(stored.get("review"), readings)
    lacking = {"distance": None, "hidden": None, "picture": None, "frames": None}
    return cast(Result, lacking | dict(stored) | {"readings": readings} | readers)


def classified(base: Result, source: Source, answer: Classification) -> Result:
    """`base` with the model's answer."""
    return base | {
        "status": CLASSIFIED,
        "label": answer.label,
        "probability": answer.probability,
        "probabilities": answer.probabilities,
        "needs_review": bool(answer.reasons),
        "reasons": _dicts(answer.reasons),
        "heatmap": answer.heatmap,
        "distance": answer.distance,
        "model": {
            "version": answer.model.version,
            "sha256": answer.model.sha256,
            "backend": answer.model.backend,
            "min_probability": answer.min_probability,
        },
        "source": source,
        "classified_at": now(),
    }


def quarantined(base: Result, reason: Reason) -> Result:
    """`base` as an unusable file, with the reason."""
    return base | {"status": QUARANTINED, "needs_review": True, "reasons": _dicts([reason])}


def _dicts(reasons: Sequence[Reason]) -> list[ResultReason]:
    return [{"code": reason.code, "message": reason.message} for reason in reasons]
