"""Model versions and the current one."""

import json
import tarfile
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
import pytest

from chalicelib.errors import (
    InvalidModelPackage,
    ModelChanged,
    NothingToRollBackTo,
    UnknownModel,
)
from chalicelib.models import registry as module
from chalicelib.models.archive import unpack
from chalicelib.models.package import ModelPackage
from chalicelib.models.registry import Registry
from chalicelib.models.seeding import seed
from chalicelib.storage.bucket import DataBucket, StoredObject
from chalicelib.storage.errors import StorageFailed
from tests.models import METRICS, TASK, write_package
from tests.stage import BUCKET

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def bucket() -> DataBucket:
    return DataBucket(boto3.client("s3"), BUCKET)


@pytest.fixture
def registry(bucket: DataBucket) -> Registry:
    return Registry(bucket)


def facts(version: str, **changes: Any) -> dict[str, Any]:
    return {
        "task": TASK,
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


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    times = (f"2026-01-01T00:00:{second:02}+00:00" for second in range(60))
    monkeypatch.setattr(module, "now", lambda: next(times))


def test_empty_registry_has_no_current_deployment(registry: Registry) -> None:
    assert registry.current(TASK) is None
    assert list(registry.versions(TASK)) == []
    with pytest.raises(NothingToRollBackTo, match="No other model has been deployed"):
        registry.roll_back(TASK, registry.current(TASK))


def test_candidate_is_stored_with_all_shown_files(registry: Registry, bucket: DataBucket) -> None:
    packed = archive()

    record = registry.add(TASK, packed, {"retraining": "run-1"})

    assert record["retraining"] == "run-1"
    assert record["fingerprint"] == "f00"
    assert record["metrics"]["accuracy"] == METRICS["accuracy"]
    assert record["parent"] is None
    assert registry.record(TASK, "1") == record
    assert registry.archive(TASK, "1") == packed
    assert registry.facts(TASK, "1") == facts("1")
    assert statuses(registry) == {"1": "candidate"}
    assert registry.current(TASK) is None
    client = boto3.client("s3")
    listed = client.list_objects_v2(Bucket=BUCKET, Prefix=f"models/{TASK}/1/")["Contents"]
    assert sorted(entry["Key"].rpartition(f"{TASK}/1/")[2] for entry in listed) == [
        "card.md",
        "model.json",
        "model.tar.gz",
        "plots/roc.svg",
        "record.json",
    ]
    plot = client.get_object(Bucket=BUCKET, Key=f"models/{TASK}/1/plots/roc.svg")
    assert plot["ContentType"] == "image/svg+xml"


@pytest.mark.usefixtures("clock")
def test_version_goes_from_candidate_to_current_to_previous_and_back(registry: Registry) -> None:
    for version in ("1", "2", "3"):
        registry.add(TASK, archive(version), {})
        registry.decide(TASK, version, accepted=version != "3", reasons=[f"because {version}"])
    first = registry.promote(TASK, "1", "negatoscope-test-endpoint", "config-1")
    assert (first.version, first.previous, first.endpoint) == ("1", None, "negatoscope-test-endpoint")

    second = registry.promote(TASK, "2", None, None)

    assert registry.current(TASK) == second
    assert (second.previous, second.endpoint, second.sha256) == ("1", None, "2".rjust(64, "0"))
    assert statuses(registry) == {"3": "rejected", "2": "current", "1": "previous"}

    back = registry.roll_back(TASK, registry.current(TASK))

    assert (back.version, back.previous) == ("1", "2")
    assert statuses(registry) == {"3": "rejected", "2": "previous", "1": "current"}
    assert registry.roll_back(TASK, registry.current(TASK)).version == "2"


@pytest.mark.usefixtures("clock")
def test_versions_are_listed_newest_first_with_parent_and_reasons(registry: Registry) -> None:
    registry.add(TASK, archive("b"), {})
    registry.promote(TASK, "b", None, None)
    registry.add(TASK, archive("a"), {})
    registry.decide(TASK, "a", accepted=False, reasons=["Too bad."])

    newest, oldest = registry.versions(TASK)

    assert (newest["version"], newest["parent"]) == ("a", "b")
    assert newest["decision"]
    assert newest["decision"]["reasons"] == ["Too bad."]
    assert (oldest["version"], oldest["parent"], oldest["decision"]) == ("b", None, None)


def test_repeated_promotion_keeps_the_previous_version(registry: Registry) -> None:
    for version in ("1", "2"):
        registry.add(TASK, archive(version), {})
        registry.promote(TASK, version, None, None)

    moved = registry.promote(TASK, "2", "elsewhere", "config-2")

    assert (moved.previous, moved.endpoint) == ("1", "elsewhere")


def deploy(registry: Registry, *versions: str) -> None:
    for version in versions:
        registry.add(TASK, archive(version), {})
        registry.promote(TASK, version, None, None)


def test_repeated_promotion_changes_nothing(registry: Registry) -> None:
    deploy(registry, "1", "2")
    current = registry.current(TASK)

    assert registry.promote(TASK, "2", None, None) == current == registry.current(TASK)


def test_promotion_replaces_only_the_expected_versions(registry: Registry) -> None:
    for version in ("1", "2", "3"):
        registry.add(TASK, archive(version), {})
    first = registry.promote(TASK, "1", None, None, replaces=(None,))

    with pytest.raises(ModelChanged, match=r"1 has become the current model of .* so 2 is not deployed"):
        registry.promote(TASK, "2", None, None, replaces=(None,))
    assert registry.current(TASK) == first
    second = registry.promote(TASK, "2", None, None, replaces=("1",))
    assert registry.promote(TASK, "2", None, None, replaces=("1",)) == second, "a step that is repeated"
    with pytest.raises(ModelChanged):
        registry.promote(TASK, "3", None, None, replaces=("1",))
    assert registry.current(TASK) == second


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


@pytest.fixture
def overtaken() -> tuple[Registry, Overtaken]:
    bucket = Overtaken(boto3.client("s3"), BUCKET)
    return Registry(bucket), bucket


CURRENT = f"models/{TASK}/current.json"


def test_concurrent_rollbacks_happen_once(registry: Registry, overtaken: tuple[Registry, Overtaken]) -> None:
    deploy(registry, "1", "2")
    slow, bucket = overtaken
    bucket.before(CURRENT, lambda: registry.roll_back(TASK, registry.current(TASK)))

    assert slow.roll_back(TASK, registry.current(TASK)) == registry.current(TASK)

    current = registry.current(TASK)
    assert current is not None
    assert (current.version, current.previous) == ("1", "2")


def test_promotion_during_a_rollback_is_not_lost(
    registry: Registry, overtaken: tuple[Registry, Overtaken]
) -> None:
    deploy(registry, "1", "2")
    registry.add(TASK, archive("3"), {})
    slow, bucket = overtaken
    bucket.before(CURRENT, lambda: registry.promote(TASK, "3", None, None))

    with pytest.raises(ModelChanged, match="3 has become"):
        slow.roll_back(TASK, registry.current(TASK))

    assert statuses(registry) == {"1": "candidate", "2": "previous", "3": "current"}


def test_rollback_during_a_promotion_is_not_undone(
    registry: Registry, overtaken: tuple[Registry, Overtaken]
) -> None:
    deploy(registry, "1", "2")
    registry.add(TASK, archive("3"), {})
    slow, bucket = overtaken
    bucket.before(CURRENT, lambda: registry.roll_back(TASK, registry.current(TASK)))

    with pytest.raises(ModelChanged, match="1 has become"):
        slow.promote(TASK, "3", None, None, replaces=("2",))

    assert statuses(registry)["1"] == "current"


def test_concurrent_deployments_seed_one_model(
    registry: Registry, overtaken: tuple[Registry, Overtaken], tmp_path: Path
) -> None:
    package = bundled(tmp_path, "1")
    slow, bucket = overtaken
    bucket.before(CURRENT, lambda: seed(registry, TASK, package))

    assert seed(slow, TASK, package) == registry.current(TASK)

    assert statuses(registry) == {"1": "current"}
    assert registry.record(TASK, "1")["decision"]["accepted"]


def test_seeding_does_not_replace_a_retrained_model(
    registry: Registry, overtaken: tuple[Registry, Overtaken], tmp_path: Path
) -> None:
    seed(registry, TASK, bundled(tmp_path, "1"))
    slow, bucket = overtaken
    bucket.before(CURRENT, lambda: deploy(registry, "9"))

    assert seed(slow, TASK, bundled(tmp_path, "2", "2026-02-01T00:00:00Z")).version == "9"

    assert statuses(registry) == {"1": "previous", "2": "accepted", "9": "current"}


def test_concurrent_writers_of_a_record_keep_both_changes(
    registry: Registry, overtaken: tuple[Registry, Overtaken]
) -> None:
    registry.add(TASK, archive("1"), {})
    slow, bucket = overtaken
    bucket.before(
        f"models/{TASK}/1/record.json", lambda: registry.decide(TASK, "1", accepted=True, reasons=["Better."])
    )

    slow.promote(TASK, "1", "endpoint", "config")

    record = registry.record(TASK, "1")
    assert (record["config"], record["decision"]["accepted"]) == ("config", True)


def test_repeated_decision_keeps_its_time(registry: Registry) -> None:
    registry.add(TASK, archive("1"), {})
    first = registry.decide(TASK, "1", accepted=True, reasons=["Better."], test_decisions=3)

    assert registry.decide(TASK, "1", accepted=True, reasons=["Better."]) == first
    changed = registry.decide(TASK, "1", accepted=False, reasons=["Declined."])
    assert changed["decision"]["accepted"] is False


def test_repeated_registration_keeps_the_record(registry: Registry) -> None:
    registry.add(TASK, archive("1"), {"run": "a"})
    registry.decide(TASK, "1", accepted=True, reasons=["Better."])
    known = registry.record(TASK, "1")

    assert registry.add(TASK, archive("1"), {"run": "a"}) == known == registry.record(TASK, "1")


def test_concurrent_registrations_make_one_record(
    registry: Registry, overtaken: tuple[Registry, Overtaken]
) -> None:
    slow, bucket = overtaken
    bucket.before(f"models/{TASK}/1/record.json", lambda: registry.add(TASK, archive("1"), {"run": "a"}))

    assert slow.add(TASK, archive("1"), {"run": "a"}) == registry.record(TASK, "1")

    bucket.before(f"models/{TASK}/2/record.json", lambda: registry.add(TASK, archive("2"), {"run": "a"}))
    with pytest.raises(InvalidModelPackage, match="registered already"):
        slow.add(TASK, archive("2"), {"run": "b"})


def test_accepted_version_stays_accepted_after_a_later_promotion(registry: Registry) -> None:
    for version in ("1", "2", "3"):
        registry.add(TASK, archive(version), {})
        registry.decide(TASK, version, accepted=True, reasons=[])
        registry.promote(TASK, version, None, None)

    assert statuses(registry) == {"1": "accepted", "2": "previous", "3": "current"}


def test_interrupted_registration_does_not_hide_other_versions(
    registry: Registry, bucket: DataBucket
) -> None:
    registry.add(TASK, archive(), {})
    bucket.write(f"models/{TASK}/2/model.json", b"{}", "application/json")

    assert statuses(registry) == {"1": "candidate"}
    with pytest.raises(UnknownModel):
        registry.promote(TASK, "2", None, None)


def test_tasks_have_separate_models(registry: Registry) -> None:
    registry.add(TASK, archive(), {})

    assert list(registry.versions("chest-xray")) == []
    with pytest.raises(UnknownModel, match="no model '1' for chest-xray"):
        registry.promote("chest-xray", "1", None, None)
    with pytest.raises(UnknownModel):
        registry.archive(TASK, "2")
    with pytest.raises(UnknownModel):
        registry.facts(TASK, "2")


@pytest.mark.parametrize(
    ("packed", "reason"),
    [
        (b"", "cannot be unpacked"),
        (archive()[:100], "cannot be unpacked"),
        (archive(files={"./model.json": b"{"}), "no usable model.json"),
        (archive(files={"./model.json": b"{}"}), "no usable model.json: 'task'"),
        (archive(data={}), "no usable model.json: 'fingerprint'"),
        (archive(metrics={"test": {}}), "no usable model.json: 'accuracy'"),
        (archive(metrics=None), "no usable model.json: "),
        (archive(task="chest-xray"), "is a model for chest-xray, not for mammography-views"),
    ],
)
def test_invalid_package_is_refused(registry: Registry, packed: bytes, reason: str) -> None:
    with pytest.raises(InvalidModelPackage, match=reason):
        registry.add(TASK, packed, {})
    assert list(registry.versions(TASK)) == []


def test_record_keeps_endpoint_and_configuration(registry: Registry) -> None:
    for version in ("1", "2"):
        registry.add(TASK, archive(version), {})
        registry.promote(TASK, version, "endpoint", f"config-{version}")
    assert registry.record(TASK, "2")["config"] == "config-2"
    assert registry.previous_record(TASK, registry.current(TASK))["version"] == "1"

    back = registry.roll_back(TASK, registry.current(TASK))

    assert (back.version, back.endpoint, back.config) == ("1", "endpoint", "config-1")
    assert registry.current(TASK) == back


def test_deployment_without_a_configuration_is_read(registry: Registry, bucket: DataBucket) -> None:
    old = {"version": "1", "sha256": "1" * 64, "endpoint": "e", "previous": None, "since": "2026-01-01"}
    bucket.write_json(f"models/{TASK}/current.json", old)

    current = registry.current(TASK)

    assert current is not None
    assert (current.endpoint, current.config) == ("e", None)


def test_only_listed_files_are_shown(registry: Registry) -> None:
    registry.add(TASK, archive("1"), {})
    assert registry.shown(TASK, "1", "card.md") == b"# Card"
    assert registry.shown(TASK, "1", "plots/roc.svg") == b"<svg/>"
    assert registry.facts(TASK, "1")["version"] == "1"
    for version, name in [
        ("1", "record.json"),
        ("1", "model.tar.gz"),
        ("1", "plots/x.svg"),
        ("2", "card.md"),
    ]:
        with pytest.raises(UnknownModel, match="or it has no file"):
            registry.shown(TASK, version, name)


def test_missing_version_is_distinguished_from_access_denied(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3 answers "access denied" in both cases to roles that may list only models/."""
    registry.add(TASK, archive("1"), {})

    def deny(*_: object) -> StoredObject:
        raise StorageFailed("GetObject: AccessDenied")

    monkeypatch.setattr(DataBucket, "read", deny)
    assert registry.current(TASK) is None
    with pytest.raises(UnknownModel):
        registry.record(TASK, "2")
    with pytest.raises(StorageFailed):
        registry.record(TASK, "1")


def bundled(folder: Path, version: str, created_at: str = "2026-01-01T00:00:00Z") -> ModelPackage:
    return ModelPackage.load(write_package(folder / version, version=version, created_at=created_at))


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
