"""Candidates: registered, decided on, promoted or refused, here and in SageMaker's registry."""

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from chalicelib.errors import InvalidModelPackage
from chalicelib.models.archive import pack, package_files
from chalicelib.models.registry import Registry
from chalicelib.retraining.candidate import MAX_DESCRIPTION, MAX_TOKEN, Candidates
from chalicelib.storage.bucket import DataBucket
from tests.models import TASK, VERSION, write_package
from tests.stage import BUCKET

pytestmark = pytest.mark.usefixtures("cloud")
FOLDER = f"retrainings/{TASK}/run/"
PLAN: dict[str, Any] = {
    "run": "run",
    "task": TASK,
    "name": f"negatoscope-elevenchars-{TASK}-01234567",
    "folder": f"s3://{BUCKET}/{FOLDER}",
    "current": {"deployed": None, "version": None},
    "serving": {"kind": "serverless", "endpoint": "endpoint"},
}
ARCHIVE = f"{FOLDER}training/job/output/model.tar.gz"
TRAINED = {"job": "job", "model": f"s3://{BUCKET}/{ARCHIVE}"}


class SageMaker:
    """SageMaker's registry of model packages: by token, each with its status and why."""

    def __init__(self) -> None:
        self.groups: list[str] = []
        self.packages: dict[str, dict[str, Any]] = {}

    def create_model_package_group(self, ModelPackageGroupName: str) -> None:  # noqa: N803
        if ModelPackageGroupName in self.groups:
            raise ClientError(
                {"Error": {"Code": "ValidationException", "Message": "Model Package Group already exists"}},
                "CreateModelPackageGroup",
            )
        self.groups.append(ModelPackageGroupName)

    def create_model_package(self, ClientToken: str, **request: Any) -> dict[str, str]:  # noqa: N803
        assert len(ClientToken) <= MAX_TOKEN
        assert request["ModelPackageGroupName"] in self.groups
        self.packages.setdefault(ClientToken, request)
        return {"ModelPackageArn": ClientToken}

    def update_model_package(
        self,
        ModelPackageArn: str,  # noqa: N803
        ModelApprovalStatus: str,  # noqa: N803
        ApprovalDescription: str,  # noqa: N803
    ) -> None:
        assert len(ApprovalDescription) <= MAX_DESCRIPTION
        status = {"ModelApprovalStatus": ModelApprovalStatus, "ApprovalDescription": ApprovalDescription}
        self.packages[ModelPackageArn] |= status


class Desk:
    """A training job's output and who takes it from there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bucket = DataBucket(boto3.client("s3"), BUCKET)
        self.registry = Registry(self.bucket)
        self.sagemaker = SageMaker()
        self.candidates = Candidates(self.bucket, self.registry, lambda: self.sagemaker, "elevenchars")
        archive = pack(package_files(write_package(folder / TASK)))
        self.bucket.write(ARCHIVE, archive, "application/gzip")
        self.bucket.write(f"{FOLDER}data/manifest.csv", b"path,part\n", "text/csv")

    def register(self, **plan: Any) -> dict[str, Any]:
        return self.candidates.register(PLAN | plan, TRAINED, "image")

    def judge(self, accepted: bool, *reasons: str) -> None:
        self.bucket.write_json(
            f"{FOLDER}evaluation/decision.json", {"accepted": accepted, "reasons": [*reasons]}
        )

    @property
    def package(self) -> dict[str, Any]:
        (package,) = self.sagemaker.packages.values()
        return package


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_what_was_trained_is_registered_in_both_places(desk: Desk) -> None:
    candidate = desk.register()

    record = desk.registry.record(TASK, VERSION)
    assert (record["origin"], record["run"], record["job"]) == ("retraining", "run", "job")
    assert candidate["version"] == VERSION
    assert candidate["sha256"] == record["sha256"]
    assert candidate["uri"] == f"s3://{BUCKET}/models/{TASK}/{VERSION}/model.tar.gz"
    assert desk.registry.archive(TASK, VERSION) == desk.bucket.read(ARCHIVE).body
    assert desk.package["ModelApprovalStatus"] == "PendingManualApproval"
    assert desk.register() == candidate, "a step that is repeated"
    assert len(desk.sagemaker.packages) == 1


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException", "ResourceLimitExceeded"])
def test_a_group_that_could_not_be_made_is_no_group(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    def create_model_package_group(**_: str) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "?"}}, "CreateModelPackageGroup")

    monkeypatch.setattr(desk.sagemaker, "create_model_package_group", create_model_package_group)

    with pytest.raises(ClientError, match=code):
        desk.register()
    assert not desk.sagemaker.packages


def test_decide_reads_evaluation_of_earlier_release(desk: Desk) -> None:
    candidate = desk.register()
    decision = {"accepted": False, "reasons": ["It is no better."]}
    desk.bucket.write_json(f"{FOLDER}judgement/decision.json", decision)

    assert desk.candidates.decide(PLAN, candidate)["accepted"] is False
    assert desk.package["ModelApprovalStatus"] == "Rejected"


def manifest(run: str, *images: str) -> bytes:
    rows = [f"{image},test,left-cc,{image}" for image in images]
    return "\n".join(["path,part,class,sha256", f"{run},train,left-cc,{run}", *rows, ""]).encode()


def decided(desk: Desk, run: str, *test_images: str) -> tuple[int, str]:
    """The count and the reasons of a decision by these test images."""
    folder = f"retrainings/{TASK}/{run}/"
    plan = PLAN | {"run": run, "folder": f"s3://{BUCKET}/{folder}"}
    package = write_package(desk.folder / run, version=run)
    desk.registry.add(TASK, pack(package_files(package)), {"origin": "retraining", "run": run})
    desk.bucket.write(f"{folder}data/manifest.csv", manifest(run, *test_images), "text/csv")
    evaluation = {"accepted": True, "reasons": ["Better."]}
    desk.bucket.write_json(f"{folder}evaluation/decision.json", evaluation)
    for _ in range(2):  # a step that is repeated counts once
        reasons = desk.candidates.decide(plan, {"version": run, "package": ""})["reasons"]
    return desk.registry.record(TASK, run)["decision"]["test_decisions"], reasons


def test_it_is_told_how_often_a_test_set_has_decided(desk: Desk) -> None:
    assert decided(desk, "a", "1", "2") == (1, "Better.")
    count, reasons = decided(desk, "b", "1", "2")
    assert (count, "decision 2 by these test images" in reasons) == (2, True)
    assert decided(desk, "c", "1", "2", "3", "4")[0] == 3, "it has grown"
    assert decided(desk, "d", "5", "6", "7")[0] == 1, "another data set"


def test_a_model_from_elsewhere_is_none_of_ours(desk: Desk) -> None:
    with pytest.raises(InvalidModelPackage, match="outside of"):
        desk.candidates.register(PLAN, {"job": "job", "model": "s3://theirs/model.tar.gz"}, "image")


def test_a_model_that_is_known_keeps_its_record(desk: Desk) -> None:
    desk.register()
    desk.registry.promote(TASK, VERSION, "endpoint", "config")

    with pytest.raises(InvalidModelPackage, match="registered already"):
        desk.register(run="another")

    assert desk.registry.record(TASK, VERSION)["config"] == "config"


def test_a_decision_and_the_split_it_rests_on_are_kept(desk: Desk) -> None:
    candidate = desk.register()
    desk.judge(False, "It is no better.", "x" * 2000)

    decision = desk.candidates.decide(PLAN, candidate)

    assert decision["accepted"] is False
    assert decision["reasons"].startswith("It is no better. xxx")
    assert desk.registry.record(TASK, VERSION)["decision"]["accepted"] is False
    assert desk.package["ModelApprovalStatus"] == "Rejected"
    assert desk.bucket.read(f"retrainings/{TASK}/split.csv").body == b"path,part\n"


def test_an_accepted_candidate_waits_for_its_deployment(desk: Desk) -> None:
    candidate = desk.register()
    desk.judge(True, "It is better.")

    assert desk.candidates.decide(PLAN, candidate) == {"accepted": True, "reasons": "It is better."}
    assert desk.package["ModelApprovalStatus"] == "PendingManualApproval"
    assert desk.registry.current(TASK) is None

    desk.candidates.promote(PLAN, candidate)

    current = desk.registry.current(TASK)
    assert current is not None
    assert (current.version, current.endpoint, current.config) == (VERSION, "endpoint", PLAN["name"])
    assert desk.package["ModelApprovalStatus"] == "Approved"


def test_without_an_endpoint_the_package_answers(desk: Desk) -> None:
    candidate = desk.register()

    desk.candidates.promote(PLAN | {"serving": {"kind": "embedded", "endpoint": "endpoint"}}, candidate)

    current = desk.registry.current(TASK)
    assert current is not None
    assert (current.endpoint, current.config) == (None, None)


def test_who_is_refused_is_so_in_both_places(desk: Desk) -> None:
    candidate = desk.register()

    desk.candidates.refuse(PLAN, candidate, "Declined.")

    record = desk.registry.record(TASK, VERSION)
    assert json.dumps(record["decision"]["reasons"]) == '["Declined."]'
    assert desk.package["ApprovalDescription"] == "Declined."
