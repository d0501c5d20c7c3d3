"""The saved state of layers of Lambdas, without an emulator."""

import base64
import hashlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from local.aws.persistence import with_layers_from_files, with_layers_in_files

ARCHIVE = b"PK archive"
SHA256 = hashlib.sha256(ARCHIVE).digest()


def state(archive: Any = ARCHIVE) -> dict[str, Any]:
    """The state of Lambda with one layer version."""
    version = {"_zip_data": archive, "Content": {"CodeSha256": base64.b64encode(SHA256).decode()}}
    return {"functions": {}, "layers": SimpleNamespace(_data={"layer": {"versions": [version]}})}


def archive_of(state: dict[str, Any]) -> Any:
    return state["layers"]._data["layer"]["versions"][0]["_zip_data"]


def test_archive_of_a_layer_is_saved_as_a_file_and_read_back(tmp_path: Path) -> None:
    loaded: list[Any] = []
    saved = with_layers_in_files(state, tmp_path)()
    assert [file.name for file in tmp_path.iterdir()] == [SHA256.hex()]
    json.dumps(archive_of(saved))  # what is left in the state is small, and JSON

    with_layers_from_files(loaded.append, tmp_path)(saved)

    assert archive_of(loaded[0]) == ARCHIVE


def test_archive_is_written_once(tmp_path: Path) -> None:
    with_layers_in_files(state, tmp_path)()
    before = (tmp_path / SHA256.hex()).stat().st_mtime_ns

    with_layers_in_files(state, tmp_path)()

    assert (tmp_path / SHA256.hex()).stat().st_mtime_ns == before


def test_files_of_deleted_layers_are_removed_at_the_next_start(tmp_path: Path) -> None:
    saved = with_layers_in_files(state, tmp_path)()
    (tmp_path / "0f").write_bytes(b"of a deleted layer")

    with_layers_from_files(lambda _: None, tmp_path)(saved)

    assert [file.name for file in tmp_path.iterdir()] == [SHA256.hex()]


def test_state_saved_with_inline_archives_is_read(tmp_path: Path) -> None:
    loaded: list[Any] = []

    with_layers_from_files(loaded.append, tmp_path)(state())
    with_layers_from_files(loaded.append, tmp_path)(None)

    assert (archive_of(loaded[0]), loaded[1]) == (ARCHIVE, None)
