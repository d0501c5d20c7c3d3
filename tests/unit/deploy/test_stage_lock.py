"""One deployment of a stage at a time."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from chalicelib.storage.bucket import DataBucket
from deploy import alarms, destroy, stage_lock, website
from deploy.stacks import DeployError
from deploy.stage_lock import StageLock
from tests.stage import BUCKET
from tests.unit.deploy.commands import REFUSALS

pytestmark = pytest.mark.usefixtures("cloud")


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


def lock_of(owner: str, clock: Clock) -> StageLock:
    return StageLock(DataBucket(boto3.client("s3"), BUCKET), "prod", "make deploy", owner, clock)


def holder() -> Any:
    content = boto3.client("s3").get_object(Bucket=BUCKET, Key=stage_lock.KEY)["Body"].read()
    return json.loads(content)["holder"]


def test_second_deployment_is_told_who_deploys_since_when(clock: Clock) -> None:
    lock_of("ann on laptop", clock).acquire()

    with pytest.raises(DeployError) as refused:
        lock_of("bob on server", clock).acquire()

    for part in ("`make deploy` of ann on laptop", "2026-01-01T00:00:00", "make unlock STAGE=prod"):
        assert part in str(refused.value)
    assert holder()["owner"] == "ann on laptop"


def test_released_lock_is_free(clock: Clock) -> None:
    first = lock_of("ann", clock)
    first.acquire()
    first.release()
    lock_of("bob", clock).acquire()
    first.release()  # does not free the lock of others
    assert holder()["owner"] == "bob"


@pytest.mark.parametrize(("minutes", "free"), [(9, False), (11, True)])
def test_lock_of_a_dead_deployment_is_free_after_some_minutes(clock: Clock, minutes: int, free: bool) -> None:
    dead, other = lock_of("ann", clock), lock_of("bob", clock)
    dead.acquire()
    clock.time += timedelta(minutes=5)
    dead.renew()
    clock.time += timedelta(minutes=minutes)
    if free:
        other.acquire()
        assert holder()["owner"] == "bob"
    else:
        with pytest.raises(DeployError, match="ann"):
            other.acquire()


def test_deployment_whose_lock_was_broken_stops(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = lock_of("ann", clock), lock_of("bob", clock)
    first.acquire()
    stage_lock.unlock(first.bucket)
    assert "ann" in capsys.readouterr().out
    second.acquire()
    first.check()

    first.renew()

    with pytest.raises(DeployError, match="Somebody else broke the lock"):
        first.check()
    assert holder()["owner"] == "bob"
    stage_lock.unlock(first.bucket)
    stage_lock.unlock(first.bucket)
    assert "Nobody holds the lock" in capsys.readouterr().out


def test_destroying_stops_when_the_lock_was_broken(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    lock, done = lock_of("ann", clock), []
    lock.acquire()

    def break_lock(_stage: str) -> None:
        done.append("alarms")
        stage_lock.unlock(lock.bucket)
        lock.renew()

    monkeypatch.setattr(alarms, "delete", break_lock)
    monkeypatch.setattr(website, "delete", done.append)

    with pytest.raises(DeployError, match="Somebody else broke the lock"):
        destroy.destroy_application("prod", lock)

    assert done == ["alarms"]


def test_lock_is_renewed_while_it_is_held_and_freed_on_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage_lock, "RENEWAL", 0.01)

    def deploy() -> None:
        with stage_lock.held("prod", BUCKET, "make deploy") as held:
            first = holder()["renewed_at"]
            while holder()["renewed_at"] == first:
                held.check()
            raise DeployError("It failed.")

    with pytest.raises(DeployError, match="It failed"):
        deploy()
    assert holder() is None


@REFUSALS
def test_command_refuses(refusal: Any, stage: str, environment: dict[str, str], reason: str) -> None:
    assert reason in refusal("stage_lock", stage, **environment)
