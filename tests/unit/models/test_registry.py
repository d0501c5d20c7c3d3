"""Model versions and the current one."""

import boto3
import pytest

from chalicelib.errors import (
    InvalidModelPackage,
    ModelChanged,
    NothingToRollBackTo,
    UnknownModel,
)
from chalicelib.models import registry as module
from chalicelib.models.registry import Registry
from chalicelib.storage.bucket import DataBucket
from tests.models import METRICS, TASK
from tests.registry import CURRENT, Overtaken, archive, deploy, facts, statuses
from tests.stage import BUCKET

pytestmark = pytest.mark.usefixtures("cloud")


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
    ids=[
        "empty",
        "truncated",
        "no JSON",
        "no task",
        "no fingerprint",
        "no accuracy",
        "no metrics",
        "other task",
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
