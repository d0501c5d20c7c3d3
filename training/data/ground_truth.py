"""SageMaker Ground Truth: the output manifest of an image-classification labelling job (JSON Lines)."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.labelled_data.class_paths import GIVEN_PARTS
from training.data.manifest_row import Row
from training.data.storage import Storage, join, parent, relative
from training.errors import TrainingError

MANIFEST = "output.manifest"
"""The file name that labelling jobs use."""
SUFFIXES = (".manifest", ".jsonl")
METADATA = "-metadata"
SINGLE_LABEL = "image-classification"


def read_output_manifest(
    storage: Storage, address: str, folder: str, min_confidence: float = 0.0
) -> Iterator[Row]:
    """Yield a row per line of the manifest at `address`; paths inside `folder` are relative to it.

    Images without a label, or with a confidence below `min_confidence`, are marked as left out. If several
    jobs labelled the same images (chained jobs), the newest label counts. The columns `group` and `split` are
    used if the lines have them.

    Raises:
        TrainingError: naming the line that is not JSON, has no image-classification label or an unknown part.
    """
    for number, text in enumerate(storage.lines(address), 1):
        if not text.strip():
            continue
        place = f"{address}, line {number}"
        line = _parse(text, place)
        image = join(parent(address), _text(line, "source-ref", place))
        name, metadata = _label(line, place)
        annotated = metadata.get("human-annotated")
        part = _optional(line, "split")
        if part and part.lower() not in GIVEN_PARTS:
            raise TrainingError(f"{place}: the split '{part}' is not one of {', '.join(GIVEN_PARTS)}.")
        yield Row(
            relative(image, folder),
            metadata.get("class-name", ""),
            group=_optional(line, "group"),
            part=GIVEN_PARTS.get(part.lower(), ""),
            attributes=(("human-annotated", str(annotated)),) if annotated else (),
            left_out=_doubt(name, metadata, min_confidence, place),
            reviewed_at=str(metadata.get("creation-date", "")),
        )


def _parse(text: str, place: str) -> Mapping[str, Any]:
    try:
        line = json.loads(text)
    except json.JSONDecodeError as error:
        raise TrainingError(
            f"{place}: this is not JSON ({error.msg}). Each line of a Ground Truth output manifest is one "
            "JSON object."
        ) from error
    if not isinstance(line, dict):
        raise TrainingError(f"{place}: a JSON object is expected, not {text.strip()[:40]}.")
    return line


def _text(line: Mapping[str, Any], key: str, place: str) -> str:
    value = line.get(key)
    if not isinstance(value, str) or not value:
        raise TrainingError(
            f"{place}: '{key}' is missing; it names the image as s3://BUCKET/KEY or as a path."
        )
    return value


def _optional(line: Mapping[str, Any], key: str) -> str:
    """A text or number of a line without blanks around it; empty if it is absent or null."""
    value = line.get(key)
    return "" if value is None else str(value).strip()


def _label(line: Mapping[str, Any], place: str) -> tuple[str, Mapping[str, Any]]:
    """The name of the newest label attribute, and its metadata."""
    labels = {
        key.removesuffix(METADATA): value
        for key, value in line.items()
        if key.endswith(METADATA) and isinstance(value, dict)
    }
    if not labels:
        raise TrainingError(
            f"{place}: there is no label: no attribute has metadata. Is this the job's input manifest? "
            f"The output manifest is manifests/output/{MANIFEST}."
        )
    name = max(labels, key=lambda name: str(labels[name].get("creation-date", "")))
    kind = str(labels[name].get("type", ""))
    if kind.startswith("groundtruth/") and kind != f"groundtruth/{SINGLE_LABEL}":
        raise TrainingError(f"{place}: '{name}' is of type {kind}; it must be groundtruth/{SINGLE_LABEL}.")
    return name, labels[name]


def _doubt(name: str, metadata: Mapping[str, Any], min_confidence: float, place: str) -> str:
    """The reason why a label is not used; empty if it is used."""
    if "failure-reason" in metadata:
        return "unlabelled"
    class_name = metadata.get("class-name")
    if not class_name:
        raise TrainingError(
            f"{place}: the metadata of '{name}' have no 'class-name', so the class is unknown."
        )
    if not isinstance(class_name, str):
        raise TrainingError(f"{place}: the 'class-name' of '{name}' is {class_name!r}, not a text.")
    confidence = metadata.get("confidence", 1.0)
    if not isinstance(confidence, int | float) or math.isnan(confidence):
        raise TrainingError(f"{place}: the confidence of '{name}' is {confidence!r}, not a number.")
    return "unsure" if confidence < min_confidence else ""
