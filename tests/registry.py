"""Model packages and a bucket for tests of the registry of models."""

import json
import tarfile
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from chalicelib.models.package import ModelPackage
from chalicelib.models.registry import Registry
from chalicelib.storage.bucket import DataBucket
from chalicelib.tasks import load_task
from tests.models import METRICS, TASK, write_package

CURRENT = f"models/{TASK}/current.json"


def facts(version: str, **changes: Any) -> dict[str, Any]:
    return {
        "task": TASK,
        "classes": list(load_task(TASK).class_names),
        "version": version,
        "sha256": version.rjust(64, "0"),
        "created_at": "2026-01-01T00:00:00+00:00",
        "metrics": {"test": METRICS},
        "data": {"fingerprint": "f00"},
        **changes,
    }


def archive(version: str = "1", files: dict[str, bytes] | None = None, **changes: Any) -> bytes:
    contents = {
        "./model.json": json.dumps(facts(version, **changes)).encode(),
        "model.onnx": b"graph",
        "card.md": b"# Card",
        "plots/roc.svg": b"<svg/>",
        "plots/evil.html": b"<script>",
        "code/inference.py": b"pass",
    } | (files or {})
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, BytesIO(content))
    return buffer.getvalue()


def statuses(registry: Registry) -> dict[str, str]:
    return {record["version"]: record["status"] for record in registry.versions(TASK)}


def deploy(registry: Registry, *versions: str) -> None:
    for version in versions:
        registry.add(TASK, archive(version), {})
        registry.promote(TASK, version, None, None)


def bundled(folder: Path, version: str, created_at: str = "2026-01-01T00:00:00Z") -> ModelPackage:
    return ModelPackage.load(write_package(folder / version, version=version, created_at=created_at))


class Overtaken(DataBucket):
    """A bucket that runs an action just before the next conditional write of a key."""

    def before(self, key: str, happens: Callable[[], Any]) -> None:
        self.__dict__["event"] = (key, happens)

    def replace_json(
        self, key: str, document: Mapping[str, Any], etag: str | None, metadata: dict[str, str]
    ) -> None:
        awaited, happens = self.__dict__.get("event", (None, None))
        if key == awaited:
            del self.__dict__["event"]
            happens()
        super().replace_json(key, document, etag, metadata)
