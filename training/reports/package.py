"""The model package: the graph, model.json, and the card."""

import hashlib
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chalicelib import DISCLAIMER
from chalicelib.models.thresholds import Thresholds
from chalicelib.tasks import Task
from training.core.facts import write_json
from training.data.preparation import PreparedData
from training.errors import TrainingError
from training.reports.card import write_card

MAX_BYTES = 12_000_000
"""Size of a graph in bytes; a larger one would not fit into the Lambda layer."""


@dataclass(frozen=True)
class Evidence:
    """The measurements of a model."""

    metrics: Mapping[str, Any]
    """By part, test and validation; `unfamiliar` holds those on out-of-distribution images, if any."""
    curves: Mapping[str, Any]
    """Of the test part; see curves.draw_curves."""
    temperature: float
    thresholds: Thresholds
    parity: float
    """Largest difference between a probability of torch and of onnxruntime."""


def write_package(
    folder: Path,
    graph: bytes,
    task: Task,
    data: PreparedData,
    evidence: Evidence,
    training: Mapping[str, Any],
    git_commit: str | None,
) -> dict[str, Any]:
    """Write model.onnx, model.json, card.md and plots/ into `folder`; returns model.json's content.

    Raises:
        TrainingError: if the graph is too large to ship; then nothing is written.
    """
    if len(graph) > MAX_BYTES:
        raise TrainingError(
            f"The graph has {len(graph):,} bytes; at most {MAX_BYTES:,} fit. "
            "Lower --ensemble-size, or --width of a resnet, or take --weights int8."
        )
    (folder / "model.onnx").write_bytes(graph)
    digest = hashlib.sha256(graph).hexdigest()
    now = datetime.now(UTC)
    description = {
        "task": task.name,
        "title": task.title,
        "classes": list(task.class_names),
        "version": f"{now:%Y.%m.%d}-{digest[:8]}",
        "created_at": now.isoformat(timespec="seconds"),
        "git_commit": git_commit,
        "data": {
            "name": data.source.title,
            "fingerprint": data.fingerprint,
            "citation": data.source.citation,
            "licence": data.source.licence,
            "origin": data.source.origin,
            "split": data.describe_split(),
            "given_split": data.describe_given_test(),
            "findings": data.findings,
            "notes": list(data.source.notes),
        },
        "input": asdict(task.input),
        "training": dict(training),
        "metrics": dict(evidence.metrics),
        "curves": dict(evidence.curves),
        "temperature": evidence.temperature,
        "thresholds": asdict(evidence.thresholds),
        "intended_use": task.intended_use,
        "limits": list(task.limits),
        "disclaimer": DISCLAIMER,
        "sha256": digest,
        "size_bytes": len(graph),
        "parity": {"max_abs_difference": evidence.parity},
    }
    write_json(folder / "model.json", description)
    write_card(folder, description)
    return description


def current_commit() -> str | None:
    """The commit of this code, with the suffix -dirty if files are changed; None outside a checkout."""
    commit = _git("rev-parse", "HEAD")
    return (
        f"{commit}-dirty" if commit and _git("status", "--porcelain", "--", ".", "../chalicelib") else commit
    )


def _git(*arguments: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", *arguments], cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
