"""Lock files fit their requirements, and hold a hash of each package."""

import re
from pathlib import Path

import pytest

from deploy import requirement_locks
from deploy.requirement_locks import LOCKS, Lock, pins, problems
from tests.stage import ROOT

HASH = "sha256:" + "0" * 64


def text(path: str) -> str:
    return (ROOT / path).read_text()


def check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str, locked: str, **options: object
) -> str:
    """What is wrong with a lock file of this text, for these requirements."""
    monkeypatch.setattr(requirement_locks, "PROJECT", tmp_path)
    (tmp_path / "more.in").write_text("more==1.0\n")
    (tmp_path / "requirements.in").write_text(wanted)
    (tmp_path / "requirements.txt").write_text(locked)
    return "; ".join(problems(Lock("requirements.txt", "requirements.in", **options)))  # type: ignore[arg-type]


def entry(pin: str, source: str = "# via -r requirements.in", hashes: str = f" --hash={HASH}") -> str:
    return f"{pin} \\\n   {hashes}\n    {source}\n"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.path)
def test_lock_fits_its_requirements(lock: Lock) -> None:
    assert list(problems(lock)) == []


def test_locks_name_no_registry() -> None:
    for lock in LOCKS:
        assert not re.search(r"https?://|index-url|find-links", text(lock.path)), lock.path


@pytest.mark.parametrize(
    ("wanted", "locked", "problem"),
    [
        ("one==1.0\n", entry("one==1.0") + entry("two==2.0", "# via one"), ""),
        ("One_x[y]==1.0; python_version < '3.14' # why\n", entry("one-x==1.0 ; python_version < '3.14'"), ""),
        ("-r more.in\none==1.0\n", entry("one==1.0") + entry("more==1.0", "#   -r more.in"), ""),
        ("-r more.in\none==1.0\n", entry("one==1.0"), "lacks more"),
        ("one==1.1\n", entry("one==1.0"), "holds one 1.0 instead of one==1.1"),
        ("one==1.0\n", entry("one==1.0") + entry("two==2.0"), "holds two, which no requirement names"),
        ("one==1.0\n", entry("one==1.0", hashes=""), "has no hash of one"),
    ],
)
def test_problems_of_a_lock_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str, locked: str, problem: str
) -> None:
    assert check(tmp_path, monkeypatch, wanted, locked) == problem


def test_locks_of_one_environment_have_to_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other.txt").write_text(entry("two==1.0"))

    locked = entry("one==1.0") + entry("two==2.0", "# via one")
    assert check(tmp_path, monkeypatch, "one==1.0", locked, within="other.txt") == (
        "holds two 2.0, and other.txt another version"
    )


def test_what_a_lock_leaves_out_is_not_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left_out = re.compile("two")
    assert check(tmp_path, monkeypatch, "one==1.0\ntwo==2.0", entry("one==1.0"), left_out=left_out) == ""


def test_layer_leaves_out_what_the_runtime_has() -> None:
    assert not {"boto3", "botocore", "urllib3"} & {pin.name for pin in pins(text("requirements.txt"))}


def test_both_builds_of_torch_are_of_one_version() -> None:
    versions = {pin.name: pin.version for pin in pins(text("training/torch.txt"))}
    [cpu] = pins(text("training/torch-cpu.txt"))

    assert cpu.version == f"{versions['torch']}+cpu"
    assert cpu.hashes
    assert not versions.keys() & {pin.name for pin in pins(text("training/requirements-dev.txt"))}
