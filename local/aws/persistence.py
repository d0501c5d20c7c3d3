"""State of the emulator that survives a restart.

ministack writes S3 objects when they change, and local.aws.dynamodb writes the items of DynamoDB. Everything
else is saved when the system has started and when the emulator stops in good order.
"""

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ministack import app
from ministack.services import cloudwatch_logs, lambda_svc

from local.aws import patching

FILE = "layer_file"
"""In the saved state, the key that replaces the archive of a layer by the name of a file."""


def install(folder: Path) -> None:
    """Exclude log streams from the saved state, and save the archives of layers as files in `folder`.

    ministack saves all streams and reads them at the next start, which takes longer with every invocation.
    It saves the archives of layers as base64 in JSON: 64 MB, which are written at every start and every stop.
    Can go when ministack limits the streams that it saves, and saves layers as it saves functions.
    """
    patching.wrap(cloudwatch_logs, "get_state", without_streams)
    patching.wrap(lambda_svc, "get_state", lambda get_state: with_layers_in_files(get_state, folder))
    patching.wrap(lambda_svc, "load_persisted_state", lambda load: with_layers_from_files(load, folder))


def without_streams(get_state: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    """Keep log groups and drop their streams, of which there is one per invocation."""

    def get_state_without_streams() -> dict[str, Any]:
        state = get_state()
        for group in state["log_groups"]._data.values():
            group["streams"] = {}
        state["log_records"]._data.clear()
        return state

    return get_state_without_streams


def with_layers_in_files(
    get_state: Callable[[], dict[str, Any]], folder: Path
) -> Callable[[], dict[str, Any]]:
    """Write the archive of each layer version to a file, named by its contents, and keep the name."""

    def get_state_without_archives() -> dict[str, Any]:
        state = get_state()
        for version in layer_versions(state):
            if isinstance(version["_zip_data"], bytes):
                name = base64.b64decode(version["Content"]["CodeSha256"]).hex()
                write_once(folder / name, version["_zip_data"])
                version["_zip_data"] = {FILE: name}
        return state

    return get_state_without_archives


def with_layers_from_files(load: Callable[[Any], None], folder: Path) -> Callable[[Any], None]:
    """Read the archives back, and delete the files that no layer version refers to."""

    def load_with_archives(state: Any) -> None:
        used = set()
        for version in layer_versions(state or {}):
            if isinstance(version["_zip_data"], dict):
                file = folder / version["_zip_data"][FILE]
                version["_zip_data"] = file.read_bytes()
                used.add(file)
        for file in set(folder.glob("*")) - used:
            file.unlink()
        load(state)

    return load_with_archives


def layer_versions(state: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The layer versions in the state of Lambda."""
    if "layers" in state:
        for layer in state["layers"]._data.values():
            yield from layer["versions"]


def write_once(file: Path, content: bytes) -> None:
    """Write a file, atomically, unless it exists."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".draft")
        draft.write_bytes(content)
        draft.replace(file)


def save_everything() -> None:
    """Save the state of all services."""
    app.save_all(app._build_persistence_save_dict())
