"""How often the test images of a task have decided already: whoever asks them often enough gets a yes."""

import csv
from collections.abc import Mapping
from io import StringIO
from typing import Any

from chalicelib.models.registry import Registry
from chalicelib.storage.bucket import DataBucket

COUNT = "test_decisions"
"""In the decision of a version: which decision of its test images it was, from 1."""


def count_decisions(
    bucket: DataBucket, registry: Registry, task: str, version: str, manifests: tuple[str, str]
) -> int:
    """The number of candidates that the test images of a preparation have decided on, `version` included.

    Test images keep their part, so the series goes on while at least half of the images of this test took
    part in the one before.

    Args:
        bucket: that holds the manifests.
        registry: that holds the decisions.
        task: that is retrained.
        version: that is decided on; a decision that it has already had counts once.
        manifests: keys of the manifest of this preparation, and of that of the decision before.
    """
    known = registry.record(task, version)["decision"] or {}
    if COUNT in known:
        return int(known[COUNT])
    now, before = (_test_images(bucket, key) for key in manifests)
    return 1 + (_decided(registry, task, version) if 2 * len(now & before) >= len(now) else 0)


def _decided(registry: Registry, task: str, version: str) -> int:
    """The count of the latest decision on another candidate."""
    decisions = [
        record["decision"]
        for record in registry.versions(task)
        if record["version"] != version and record["decision"] and record.get("origin") == "retraining"
    ]
    latest: Mapping[str, Any] = max(decisions, key=lambda decision: decision["decided_at"], default={})
    # Earlier decisions may hold no count.
    return int(latest.get(COUNT, len(decisions)))


def _test_images(bucket: DataBucket, key: str) -> set[str]:
    if not bucket.exists(key):
        return set()
    rows = csv.DictReader(StringIO(bucket.read(key).body.decode("utf-8", "surrogateescape")))
    return {row["sha256"] for row in rows if row.get("part") == "test" and row.get("sha256")}
