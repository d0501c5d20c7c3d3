"""The result documents in the API's answers, in the table and in `results/`."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, NotRequired, TypedDict, cast

from chalicelib import DISCLAIMER
from chalicelib.json_schema import Schema
from chalicelib.models.backend import BackendKind
from chalicelib.models.classification import Classification
from chalicelib.models.heatmap import Heatmap
from chalicelib.models.review_rule import Reason
from chalicelib.timestamps import now

Status = Literal["received", "classified", "quarantined"]
Channel = Literal["api", "upload", "drop-folder"]
"""How an image came in."""

RECEIVED: Final = "received"
CLASSIFIED: Final = "classified"
QUARANTINED: Final = "quarantined"
FINISHED = (CLASSIFIED, QUARANTINED)

type ImageId = Annotated[str, Schema(pattern="^[0-9a-f]{32}$", description="32 hexadecimal digits.")]
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


class Review(TypedDict):
    """A person's judgement of a classified image."""

    label: str
    """The class that the person says is right."""
    comment: str | None
    reviewed_at: str
    reviewer: str
    """The user pool's id of the person; `local` without login."""


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
    created_at: str
    classified_at: str | None
    review: Review | None
    disclaimer: str


class Result(ListedResult):
    """The result of one image, in whichever status it is."""

    heatmap: Heatmap | None
    """Of the class that the image got. Null while there is no classification, and from models without an
    activation map."""
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
    return f"results/{result['task']}/{result['id']}.json"


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
        "arrival": arrival,
        "created_at": now(),
        "classified_at": None,
        "review": None,
        "readings": [],
        "disclaimer": DISCLAIMER,
    }


def completed(stored: Mapping[str, Any]) -> Result:
    """A stored result, with what earlier versions of this application did not store."""
    return cast(Result, {"distance": None} | dict(stored) | {"readings": readings_of(stored)})


def readings_of(stored: Mapping[str, Any]) -> list[Review]:
    """The readings in a stored result; earlier versions of this application stored only the review."""
    review = stored.get("review")
    readings: list[Review] = stored.get("readings", [review] if review else [])
    return readings


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
        },
        "source": source,
        "classified_at": now(),
    }


def quarantined(base: Result, reason: Reason) -> Result:
    """`base` as an unusable file, with the reason."""
    return base | {"status": QUARANTINED, "needs_review": True, "reasons": _dicts([reason])}


def _dicts(reasons: Sequence[Reason]) -> list[ResultReason]:
    return [{"code": reason.code, "message": reason.message} for reason in reasons]
