"""An invented assessment of a real task, for tests of reports and plots."""

import json
from typing import Any

import numpy as np

from chalicelib import DISCLAIMER
from chalicelib.tasks import Task
from training.evaluation.answers import Answers
from training.evaluation.assessment import Assessment, assess

PER_GROUP = 3


def make_assessment(
    task: Task, count: int = 150, only: int | None = None, temperature: float | None = 1.7
) -> Assessment:
    """Assess mostly correct answers; if `only` is given, all images are of that class."""
    rng = np.random.default_rng(0)
    classes = len(task.classes)
    labels = rng.integers(0, classes, count) if only is None else np.full(count, only)
    scores = rng.gamma(1, size=(count, classes)) + 3 * np.eye(classes)[labels]
    probabilities = scores / scores.sum(1, keepdims=True)
    reasons = [["low-confidence"] if row.max() < 0.6 else [] for row in probabilities]
    reasons[0] = ["unfamiliar"]
    return assess(
        task,
        Answers(probabilities, np.linspace(5, 30, count), reasons),
        labels,
        [f"patient {index // PER_GROUP}" for index in range(count)],
        {"sex": [("F", "M", "")[index % 3] for index in range(count)]},
        temperature,
        50,
        0,
    )


def model_facts(task: Task, test: Assessment) -> dict[str, Any]:
    """The content of a model.json with this assessment."""
    count = len(test.answers.reasons)
    part = {
        "images": count,
        "groups": count // PER_GROUP,
        "classes": {name: rates["images"] for name, rates in test.metrics["per_class"].items()},
    }
    facts = {
        "task": task.name,
        "title": task.title,
        "classes": list(task.class_names),
        "version": "2026.01.02-abcdef01",
        "created_at": "2026-01-02T03:04:05+00:00",
        "git_commit": None,
        "data": {
            "name": "Invented images",
            "fingerprint": "f" * 64,
            "citation": "Nobody N: Nothing. Journal of Nothing 1, 1 (2026)",
            "licence": "CC BY 4.0",
            "origin": "nowhere",
            "split": {"train": part, "validation": part, "test": part},
            "given_split": "The given split leaks.",
            "findings": {
                "listed": 200,
                "copies": 0,
                "contradictions": 0,
                "unreadable": 1,
                "used": 150,
                "ungrouped": 0,
            },
            "notes": ["None of these images exists."],
        },
        "input": {"width": 112, "height": 224, "channels": 1, "fit": "pad"},
        "training": {
            "seed": 1,
            "distance_quantile": 0.99,
            "augmentation": {"flip": True},
            "seconds": 2273.2,
            "seeds": [
                {
                    "seed": seed,
                    "kept": seed == 1,
                    "epoch": 7,
                    "seconds": 875.9,
                    "validation": {"loss": 0.1, "balanced_accuracy": 0.9},
                    "test": {"accuracy": 0.8 + seed / 100, "balanced_accuracy": 0.8},
                }
                for seed in (0, 1)
            ],
        },
        "metrics": {"test": test.metrics, "validation": test.metrics},
        "curves": test.curves,
        "temperature": 1.7,
        "thresholds": {"distance": 12.345},
        "intended_use": task.intended_use,
        "limits": list(task.limits),
        "disclaimer": DISCLAIMER,
        "sha256": "a" * 64,
        "size_bytes": 1234567,
        "parity": {"max_abs_difference": 1e-6},
    }
    # JSON turns tuples into lists, as reading the file does.
    copy: dict[str, Any] = json.loads(json.dumps(facts, allow_nan=False))
    return copy
