"""Registering the models that come with the application."""

from pathlib import Path
from typing import Any

import pytest

from chalicelib.models.archive import unpack
from chalicelib.models.registry import Registry
from chalicelib.models.seeding import seed
from chalicelib.storage.bucket import DataBucket
from tests.models import TASK
from tests.registry import CURRENT, Overtaken, archive, bundled, deploy, statuses


def test_bundled_model_is_registered_once_and_classifies(
    registry: Registry, bucket: DataBucket, tmp_path: Path
) -> None:
    package = bundled(tmp_path, "1")
    (package.folder / "card.md").write_text("# Card")

    seeded = seed(registry, TASK, package)

    assert (seeded.version, seeded.sha256, seeded.endpoint) == ("1", package.sha256, None)
    assert registry.current(TASK) == seeded
    (record,) = registry.versions(TASK)
    assert (record["origin"], record["status"], record["since"]) == ("bundled", "current", seeded.since)
    assert record["decision"]
    assert record["decision"]["accepted"]
    assert registry.shown(TASK, "1", "card.md") == b"# Card"
    assert unpack(registry.archive(TASK, "1"), lambda _: True).keys() == {
        "card.md",
        "model.json",
        "model.onnx",
    }
    before = list(registry.versions(TASK))
    assert seed(registry, TASK, package) == seeded
    assert list(registry.versions(TASK)) == before


def test_newer_bundled_model_replaces_a_bundled_one(registry: Registry, tmp_path: Path) -> None:
    old, new = bundled(tmp_path, "1"), bundled(tmp_path, "2", "2026-02-01T00:00:00+00:00")
    seed(registry, TASK, old)
    assert seed(registry, TASK, new).version == "2"
    assert registry.roll_back(TASK, registry.current(TASK)).version == "1"
    assert seed(registry, TASK, new).version == "1", "who rolled back did so on purpose"


def test_older_release_does_not_restore_its_model(registry: Registry, tmp_path: Path) -> None:
    seed(registry, TASK, bundled(tmp_path, "2", "2026-02-01T00:00:00+00:00"))
    assert seed(registry, TASK, bundled(tmp_path, "1")).version == "2"


def test_retrained_model_stays_after_an_upgrade(registry: Registry, tmp_path: Path) -> None:
    seed(registry, TASK, bundled(tmp_path, "1"))
    registry.add(TASK, archive("9"), {"retraining": "run-1"})
    registry.promote(TASK, "9", "endpoint", "config")
    upgraded = seed(registry, TASK, bundled(tmp_path, "2", "2026-02-01T00:00:00Z"))
    assert (upgraded.version, upgraded.endpoint) == ("9", "endpoint")
    assert statuses(registry) == {"2": "accepted", "9": "current", "1": "previous"}


@pytest.mark.parametrize(
    "change",
    [
        {"classes": ["left", "right"]},
        {"input": {"width": 64, "height": 64, "channels": 1, "fit": "pad"}},
        {"input": {"width": 112, "height": 224, "channels": 1, "fit": "stretch"}},
    ],
)
def test_retrained_model_that_no_longer_fits_its_task_is_replaced(
    registry: Registry, tmp_path: Path, change: dict[str, Any]
) -> None:
    """A release may change a task's classes or input: the models that were trained before cannot answer."""
    package = bundled(tmp_path, "1")
    seed(registry, TASK, package)
    registry.add(TASK, archive("9", **change), {"retraining": "run-1"})
    registry.promote(TASK, "9", "endpoint", "config")

    assert seed(registry, TASK, package).version == "1"

    assert statuses(registry) == {"1": "current", "9": "previous"}


def test_seeding_does_not_replace_a_retrained_model(
    registry: Registry, overtaken: tuple[Registry, Overtaken], tmp_path: Path
) -> None:
    seed(registry, TASK, bundled(tmp_path, "1"))
    slow, bucket = overtaken
    bucket.before(CURRENT, lambda: deploy(registry, "9"))

    assert seed(slow, TASK, bundled(tmp_path, "2", "2026-02-01T00:00:00Z")).version == "9"

    assert statuses(registry) == {"1": "previous", "2": "accepted", "9": "current"}


def test_concurrent_deployments_seed_one_model(
    registry: Registry, overtaken: tuple[Registry, Overtaken], tmp_path: Path
) -> None:
    package = bundled(tmp_path, "1")
    slow, bucket = overtaken
    bucket.before(CURRENT, lambda: seed(registry, TASK, package))

    assert seed(slow, TASK, package) == registry.current(TASK)

    assert statuses(registry) == {"1": "current"}
    assert registry.record(TASK, "1")["decision"]["accepted"]


@pytest.mark.parametrize("step", ["promote", "decide"])
def test_interrupted_seeding_is_repeated(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    seed(registry, TASK, bundled(tmp_path, "1"))
    new = bundled(tmp_path, "2", "2026-02-01T00:00:00Z")
    with monkeypatch.context() as patch:
        patch.setattr(Registry, step, lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            seed(registry, TASK, new)
    assert seed(registry, TASK, new).version == "2"
    assert statuses(registry) == {"2": "current", "1": "previous"}
