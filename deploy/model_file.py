"""A version of a model as one file: what a stage exports, and another one imports.

The file is a tar with `manifest.json` (task, version, where it comes from, and the SHA-256 of the other two),
`record.json` (the version's record in the stage that exported it) and `model.tar.gz` (the package, with card
and plots). A file is read as if an enemy had made it: hashes show damage, not the author.
"""

import hashlib
import json
import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from chalicelib.errors import InvalidModelPackage
from chalicelib.models.archive import ARCHIVE, is_package_file, is_shown, pack, unpack
from chalicelib.models.embedded import EmbeddedBackend
from chalicelib.models.package import ModelPackage
from chalicelib.tasks import Task, load_tasks
from chalicelib.timestamps import now
from deploy import stages

FORMAT = "negatoscope-model-1"
MANIFEST, RECORD = "manifest.json", "record.json"
SIZES = {MANIFEST: 10_000, RECORD: 1_000_000, ARCHIVE: 100_000_000}
"""The members of a file, and the largest size of each in bytes."""
MAX_BYTES = sum(SIZES.values()) + 100_000
MAX_SHOWN = 4_000_000
"""Bytes of a card, a plot or model.json, which the API answers with."""
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""Becomes part of keys in the bucket."""


@dataclass(frozen=True)
class ModelFile:
    """A version of a model, ready to be registered."""

    task: Task
    version: str
    archive: bytes
    """The model.tar.gz; of an imported one only the files of a package, without code."""
    facts: Mapping[str, Any]
    """Its model.json."""
    record: Mapping[str, Any]
    """In the stage that it comes from."""
    source: Mapping[str, str]
    """Where it comes from: `stage`, and `exported_at`."""


def write(task: str, version: str, archive: bytes, record: Mapping[str, Any], stage: str) -> bytes:
    """The content of a file."""
    members = {RECORD: json.dumps(record, indent=2).encode(), ARCHIVE: archive}
    manifest = {
        "format": FORMAT,
        "task": task,
        "version": version,
        "stage": stage,
        "exported_at": now(),
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in members.items()},
    }
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in {MANIFEST: json.dumps(manifest, indent=2).encode(), **members}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, BytesIO(content))
    return buffer.getvalue()


def read(content: bytes) -> ModelFile:
    """Read and verify a file, and try its model.

    Raises:
        InvalidModelPackage: if it is damaged, incomplete, too large, or of a task that is not here.
    """
    members = _members(content)
    manifest, record = _json(members, MANIFEST), _json(members, RECORD)
    if manifest.get("format") != FORMAT:
        raise InvalidModelPackage(f"{MANIFEST} does not say that this is a {FORMAT}.")
    for name in (RECORD, ARCHIVE):
        digests = manifest.get("sha256")
        if not isinstance(digests, dict) or digests.get(name) != hashlib.sha256(members[name]).hexdigest():
            raise InvalidModelPackage(f"{name} has changed since the export. Export the model again.")
    task = load_tasks().get(str(manifest.get("task")))
    if task is None:
        raise InvalidModelPackage("The model is for an unknown task.")
    files = unpack(members[ARCHIVE], is_package_file)
    if too_large := [name for name in files if is_shown(name) and len(files[name]) > MAX_SHOWN]:
        raise InvalidModelPackage(f"{', '.join(too_large)}: larger than {MAX_SHOWN:,} bytes.")
    facts = _verify(task, files)
    version = facts["version"]
    if version != manifest.get("version") or not isinstance(version, str) or not VERSION.fullmatch(version):
        raise InvalidModelPackage("The model's version is invalid, or differs from the file's.")
    _verify_decision(record)
    source = {"stage": _word(manifest, "stage"), "exported_at": _time(manifest, "exported_at")}
    return ModelFile(task, version, pack(files), facts, record, source)


def _members(content: bytes) -> dict[str, bytes]:
    if len(content) > MAX_BYTES:
        raise InvalidModelPackage(f"The file is larger than {MAX_BYTES:,} bytes.")
    members: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=BytesIO(content), mode="r:") as tar:
            for entry in tar:
                if not entry.isreg() or entry.name in members or entry.size > SIZES.get(entry.name, -1):
                    raise InvalidModelPackage("The file has an unexpected, repeated or oversized member.")
                member = tar.extractfile(entry)
                assert member
                members[entry.name] = member.read()
    except (tarfile.TarError, OSError, EOFError, ValueError, OverflowError) as error:
        raise InvalidModelPackage(f"The file cannot be read: {error}.") from error
    if members.keys() != SIZES.keys():
        raise InvalidModelPackage(f"The file lacks {', '.join(sorted(SIZES.keys() - members.keys()))}.")
    return members


def _json(members: Mapping[str, bytes], name: str) -> dict[str, Any]:
    try:
        found = json.loads(members[name])
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InvalidModelPackage(f"{name} is not a JSON object.")
    return found


def _verify(task: Task, files: Mapping[str, bytes]) -> Mapping[str, Any]:
    """Verify the package, run its model once, and return its model.json."""
    with TemporaryDirectory() as folder:
        for name in ("model.json", "model.onnx"):
            if name not in files:
                raise InvalidModelPackage(f"The package lacks {name}.")
            (Path(folder) / name).write_bytes(files[name])
        try:
            package = ModelPackage.load(Path(folder))
            package.check_fits(task)
            facts = package.facts
            datetime.fromisoformat(facts["created_at"])
            task.shortfall(facts["metrics"]["test"])
            if facts["task"] != task.name:
                raise InvalidModelPackage(f"The model is for another task than {task.name}.")
            outputs = EmbeddedBackend(package, threads=1).run(np.zeros((1, *task.input.shape), np.uint8))
        except InvalidModelPackage:
            raise
        # onnxruntime has errors of many kinds for graphs that it does not accept.
        except Exception as error:
            raise InvalidModelPackage(f"The model cannot be used: {type(error).__name__}: {error}") from error
    probabilities = outputs.probabilities
    if probabilities.shape != (1, len(task.classes)) or not np.isclose(probabilities.sum(), 1, atol=1e-3):
        raise InvalidModelPackage("The model does not return a probability for each class of the task.")
    return facts


def _verify_decision(record: Mapping[str, Any]) -> None:
    decision = record.get("decision")
    if decision is None:
        return
    reasons = decision.get("reasons") if isinstance(decision, dict) else None
    if (
        not isinstance(reasons, list)
        or not all(isinstance(reason, str) for reason in reasons)
        or not isinstance(decision.get("accepted"), bool)
    ):
        raise InvalidModelPackage(f"The decision in {RECORD} is not valid.")


def _word(manifest: Mapping[str, Any], name: str) -> str:
    word = manifest.get(name)
    if not isinstance(word, str) or not stages.NAME.fullmatch(word):
        raise InvalidModelPackage(f"{MANIFEST} has no valid '{name}'.")
    return word


def _time(manifest: Mapping[str, Any], name: str) -> str:
    try:
        return datetime.fromisoformat(manifest[name]).isoformat()
    except (KeyError, TypeError, ValueError):
        raise InvalidModelPackage(f"{MANIFEST} has no valid '{name}'.") from None
