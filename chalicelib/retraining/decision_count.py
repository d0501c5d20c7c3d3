"""The number of decisions on the same test images: the more candidates, the likelier one passes by chance."""

import csv
from collections.abc import Mapping
from io import StringIO
from typing import Any

from chalicelib.models.registry import Registry
from chalicelib.storage.bucket import DataBucket

COUNT = "test_decisions"
"""Key in a version's decision: the number of decisions on its test images so far, this one included."""


def count_decisions(
    bucket: DataBucket, registry: Registry, task: str, version: str, manifests: tuple[str, str]
) -> int:
    """Count the candidates that were decided on with the same test images, `version` included.

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
