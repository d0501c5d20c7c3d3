"""Where a deployment stands when it fails. tests/stack/test_installation.py deploys."""

import sys
from argparse import Namespace
from typing import Any

import pytest

from deploy import foundation, history, options, preflight, retraining, stages
from deploy.deploy import Deployment
from deploy.stacks import DeployError
from deploy.stage_lock import StageLock
from tests.stage import BUCKET

OUTPUTS = {"DataBucket": BUCKET}
ELSEWHERE = ("--site-origin", "https://a.example")


@pytest.fixture
def failed(cloud: None, wanted: Namespace, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """A deployment of a stage that exists, which fails when it records the settings."""

    def fail(*_: Any, **__: Any) -> None:
        raise DeployError("The disk is full.")

    monkeypatch.setattr(preflight, "report", lambda _stage: None)
    monkeypatch.setattr(foundation, "data_bucket", lambda _stage: BUCKET)
    monkeypatch.setattr(foundation, "deploy", lambda *_, **__: OUTPUTS)
    monkeypatch.setattr(stages, "record", fail)
    monkeypatch.setattr(retraining, "commit", lambda: "c0ffee")
    history.record(BUCKET)
    monkeypatch.setattr(retraining, "commit", lambda: "beef")
    return Deployment(wanted)


def test_failure_says_where_it_stands_and_how_to_go_on_or_back(failed: Deployment) -> None:
    with pytest.raises(DeployError, match="disk is full"):
        failed.run()

    position = "\n".join(failed.position())
    total = len(failed.steps)
    assert f"It ended in step 3 of {total}: Stage settings in .chalice/config.json." in position
    assert "Not begun: State machine for batches; Code, with `chalice deploy`; " in position
    assert "the same command continues from here" in position
    assert "git checkout c0ffee && make deploy STAGE=prod" in position


def test_failure_frees_the_lock(failed: Deployment) -> None:
    for _ in range(2):
        with pytest.raises(DeployError, match="disk is full"):
            failed.run()


def test_second_deployment_changes_nothing(failed: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    acquired: list[StageLock] = []
    acquire = StageLock.acquire

    def other_first(lock: StageLock) -> None:
        if not acquired:
            other = StageLock(lock.bucket, "prod", "make destroy", "bob on server")
            acquired.append(other)
            acquire(other)
        acquire(lock)

    monkeypatch.setattr(StageLock, "acquire", other_first)

    with pytest.raises(DeployError, match="being changed by `make destroy` of bob on server"):
        failed.run()

    assert failed.position() == ["Nothing has been changed."]


def deployment(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Deployment:
    monkeypatch.setattr(sys, "argv", ["deploy.py", *arguments])
    return Deployment(options.parse_arguments("Deploy."))


def test_page_that_is_served_elsewhere_is_not_deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    titles = [title for title, _ in deployment(monkeypatch, "prod", *ELSEWHERE).steps]
    assert not any("Page" in title or "page" in title for title in titles)


@pytest.mark.parametrize(
    ("arguments", "protected"),
    [(("prod",), True), (("prod", *ELSEWHERE), True), (("local", *ELSEWHERE), False)],
)
def test_every_stage_but_the_local_one_is_protected_from_deletion(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], protected: bool
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(foundation, "deploy", lambda *given, **options: asked.append((given, options)))

    for title, act in deployment(monkeypatch, *arguments).steps:
        if "rotection from deletion" in title:
            act()

    page = ELSEWHERE[1] if len(arguments) > 1 else None
    assert asked == ([(("prod", page), {"protected": True})] if protected else [])
