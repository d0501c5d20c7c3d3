"""predictions.csv: the answer of a model for each image."""

import csv
from collections.abc import Sequence
from pathlib import Path

from training.data.dataset import Record
from training.evaluation.answers import Answers


def write_predictions(
    path: Path,
    records: Sequence[Record],
    answers: Answers,
    class_names: Sequence[str],
    failures: Sequence[tuple[Record, str]] = (),
) -> None:
    """Write a line of CSV for each image: its label, the answer of the model, and the reasons for review.

    `failures` are the images without an answer, each with the reason.
    """
    # File names need not be valid Unicode.
    with path.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        writer = csv.writer(file)
        probabilities = [f"p({name})" for name in class_names]
        writer.writerow(
            (
                "path",
                "group",
                "label",
                "predicted",
                *probabilities,
                "distance",
                "needs_review",
                "reasons",
                "error",
            )
        )
        for index, (record, row) in enumerate(zip(records, answers.probabilities, strict=True)):
            codes = answers.reasons[index]
            writer.writerow(
                (
                    *(record.path, record.group, class_names[record.label], class_names[int(row.argmax())]),
                    *(f"{probability:.6f}" for probability in row),
                    "" if answers.distances is None else f"{answers.distances[index]:.3f}",
                    str(bool(codes)).lower(),
                    " ".join(codes),
                    "",
                )
            )
        unknown = [""] * (len(class_names) + 4)
        writer.writerows(
            (record.path, record.group, class_names[record.label], *unknown, reason)
            for record, reason in failures
        )
