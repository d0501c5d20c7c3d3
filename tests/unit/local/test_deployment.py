"""Layers that deployments to the emulator share."""

from pathlib import Path

from local.deployment import _copy_layers

LAYER = Path(".chalice") / "deployments" / "managed-layer-1-python3.12.zip"


def test_layers_are_copied_atomically(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / LAYER).parent.mkdir(parents=True)
    (source / LAYER).write_bytes(b"layer")
    (source / LAYER).with_name("appcode-1.zip").write_bytes(b"code")

    _copy_layers(source, target)
    (target / LAYER).write_bytes(b"the same, as its name says")
    _copy_layers(source, target)

    assert [file.name for file in (target / LAYER).parent.iterdir()] == [LAYER.name]
    assert (target / LAYER).read_bytes() == b"the same, as its name says"


def test_missing_layers_are_ignored(tmp_path: Path) -> None:
    _copy_layers(tmp_path / "source", tmp_path / "target")

    assert not (tmp_path / "target").exists()
