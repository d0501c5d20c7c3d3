"""The columns of exported results, whatever the format of the file."""

import json
import unicodedata
from collections.abc import Mapping
from typing import Literal

from chalicelib.results.reading import Review, readings_of
from chalicelib.results.result_document import ListedResult
from chalicelib.tasks import load_tasks

Kind = Literal["text", "number", "integer", "boolean"]
Value = str | float | bool | None

COLUMNS: Mapping[str, Kind] = {
    "id": "text",
    "task": "text",
    "status": "text",
    "label": "text",
    "probability": "number",
    "distance": "number",
    "needs_review": "boolean",
    "reasons": "text",
    "reviewed_label": "text",
    "comment": "text",
    "reviewer": "text",
    "reviewed_at": "text",
    "blind": "boolean",
    "disagreement": "boolean",
    "readings": "text",
    "arrival": "text",
    "format": "text",
    "rows": "integer",
    "columns": "integer",
    "pixel_spacing": "text",
    "modality": "text",
    "laterality": "text",
    "view_position": "text",
    "model_version": "text",
    "created_at": "text",
    "classified_at": "text",
}
"""All columns except those of the classes, which come last. docs/exports.md says what they mean."""
CLASS_COLUMN = "probability:{}"
"""The column with the probability of a class."""
ATTRIBUTES = (
    "id", "task", "status", "label", "probability", "probabilities", "distance", "needs_review", "reasons",
    "review", "disagreement", "readings", "arrival", "source", "model", "created_at", "classified_at",
)  # fmt: skip
"""The attributes of results that the columns need."""
_FORMULA_STARTS = ("=", "+", "-", "@", "\N{MINUS SIGN}")


def columns(task: str | None) -> dict[str, Kind]:
    """All columns, with the kinds of their values. Tasks may share the names of classes.

    Args:
        task: name of the task of the results; None for results of all tasks.
    """
    known = load_tasks()
    tasks = [known[task]] if task in known else known.values()
    classes = dict.fromkeys(name for each in tasks for name in each.class_names)
    return {**COLUMNS, **{CLASS_COLUMN.format(name): "number" for name in classes}}


def row(result: ListedResult) -> dict[str, Value]:
    """The values of a result, by column; what it lacks is missing or None.

    No text begins like a formula, and the dict may hold more than the columns.
    """
    review, model, source = result["review"], result["model"], result["source"]
    values: dict[str, object] = {**(source or {}), **result}
    values |= {
        "pixel_spacing": " ".join(map(str, source.get("pixel_spacing", ()))) if source else None,
        "reasons": " ".join(reason["code"] for reason in result["reasons"]),
        "model_version": model["version"] if model else None,
        "readings": json.dumps(
            [_without_name(reading) for reading in readings_of(result)], ensure_ascii=False
        ),
    }
    values |= {CLASS_COLUMN.format(name): value for name, value in result["probabilities"].items()}
    if review:
        values |= review | {
            "reviewed_label": review["label"],
            "label": result["label"],
            "blind": "blind" in review,
        }
    return {
        name: _harmless(value)
        for name, value in values.items()
        if value is None or isinstance(value, str | float | int)
    }


def cell(value: Value) -> Value:
    """A value as it is written into a CSV file."""
    return ("true" if value else "false") if isinstance(value, bool) else value


def _without_name(reading: Review) -> dict[str, object]:
    return {name: value for name, value in reading.items() if name != "reviewer_name"}


def _harmless(value: Value) -> Value:
    """`value` with an apostrophe in front if a spreadsheet would evaluate it as a formula.

    The first visible character counts, in any width: spreadsheets skip spaces and invisible characters, and
    East Asian ones accept full-width forms, which NFKC maps to ASCII.
    """
    if not isinstance(value, str) or value[:1].isalnum():
        return value
    visible = next((char for char in value if not _is_invisible(char)), "")
    is_formula = unicodedata.normalize("NFKC", visible).startswith(_FORMULA_STARTS)
    return f"'{value}" if is_formula or value.startswith(("\t", "\r", "\n")) else value


def _is_invisible(char: str) -> bool:
    """Whether a character is white space, a control or format character, or a mark without a base."""
    return char.isspace() or unicodedata.category(char) in ("Cc", "Cf", "Mn", "Me", "Zl", "Zp", "Zs")
