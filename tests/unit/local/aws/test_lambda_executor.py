"""Unpacked archives of Lambdas, which several emulators share, without an emulator."""

import io
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest

from local.aws.lambda_executor import UNPACKED_MAX_AGE, prune, unpack

HOLD = """
import sys
from pathlib import Path
from local.aws.lambda_executor import hold
hold(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def archive(content: str = "code") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("app.py", content)
    return packed.getvalue()


def make_old(folder: Path) -> None:
    past = folder.stat().st_mtime - 2 * UNPACKED_MAX_AGE
    os.utime(folder, (past, past))


def test_archive_is_unpacked_once(tmp_path: Path) -> None:
    first = unpack(archive(), tmp_path)
    (first / "app.pyc").touch()

    assert unpack(archive(), tmp_path) == first
    assert {file.name for file in first.iterdir()} == {"app.py", "app.pyc"}
    assert unpack(archive("other code"), tmp_path) != first


def test_archive_that_another_emulator_unpacks_meanwhile_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_folder = tempfile.mkdtemp

    def other_is_faster(dir: Path) -> str:  # noqa: A002
        monkeypatch.undo()
        (unpack(archive(), tmp_path) / "app.pyc").touch()
        return make_folder(dir=dir)

    monkeypatch.setattr(tempfile, "mkdtemp", other_is_faster)

    found = unpack(archive(), tmp_path)

    assert {file.name for file in found.iterdir()} == {"app.py", "app.pyc"}
    assert list(tmp_path.iterdir()) == [found]


def test_folder_is_pruned_after_a_week_unless_an_emulator_holds_it(tmp_path: Path) -> None:
    new, held, old = (tmp_path / name for name in ("new", "held", "old"))
    for folder in (new, held, old):
        folder.mkdir()
    make_old(held)
    make_old(old)

    with subprocess.Popen(
        [sys.executable, "-c", HOLD, held], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as emulator:
        assert emulator.stdout
        assert emulator.stdout.readline() == "held\n"
        prune(tmp_path)
        assert set(tmp_path.iterdir()) == {new, held}
        emulator.communicate()

    prune(tmp_path)
    assert set(tmp_path.iterdir()) == {new}
