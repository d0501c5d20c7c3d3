"""Deployments to the emulator: the layers that they share, and their progress."""

import threading
from collections.abc import Iterator
from pathlib import Path

from local.deployment import _copy_layers, _first_packing, follow

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


def test_first_packing_is_done_once(tmp_path: Path) -> None:
    packing, seen = threading.Event(), list[bool]()

    def deploy_second() -> None:
        packing.wait(30)
        with _first_packing(tmp_path):
            seen.append((tmp_path / LAYER).exists())

    second = threading.Thread(target=deploy_second)
    second.start()
    with _first_packing(tmp_path):
        packing.set()
        second.join(0.2)
        assert second.is_alive()
        (tmp_path / LAYER).parent.mkdir(parents=True)
        (tmp_path / LAYER).write_bytes(b"layer")
    second.join(30)

    assert seen == [True]


def test_deployments_do_not_wait_for_each_other_once_packed(tmp_path: Path) -> None:
    (tmp_path / LAYER).parent.mkdir(parents=True)
    (tmp_path / LAYER).write_bytes(b"layer")

    with _first_packing(tmp_path), _first_packing(tmp_path):
        assert not (tmp_path / ".local").exists()


def test_lambdas_are_started_beside_the_rest_of_the_deployment() -> None:
    started, said, before = threading.Event(), list[str](), list[bool]()

    def output() -> Iterator[str]:
        yield "    Creating Rest API\n"
        before.append(started.is_set())
        yield "    negatoscope-local answers\n"
        assert started.wait(30)
        yield "    Updating the rest\n"

    follow(output(), said.append, started.set)

    assert before == [False]
    assert said == ["  Creating Rest API", "  Updating the rest"]
