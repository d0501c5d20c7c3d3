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
from chalicelib.retraining.payloads import Candidate, TrainedModel
from chalicelib.storage.bucket import DataBucket
from tests.models import TASK, VERSION, write_package
from tests.stage import BUCKET

pytestmark = pytest.mark.usefixtures("cloud")
FOLDER = f"retrainings/{TASK}/run/"
PLAN: Any = {
    "run": "run",
    "task": TASK,
    "name": f"negatoscope-elevenchars-{TASK}-01234567",
    "folder": f"s3://{BUCKET}/{FOLDER}",
    "current": {"deployed": None, "version": None},
    "serving": {"kind": "serverless", "endpoint": "endpoint"},
}
ARCHIVE = f"{FOLDER}training/job/output/model.tar.gz"
TRAINED: TrainedModel = {"job": "job", "model": f"s3://{BUCKET}/{ARCHIVE}"}


class SageMaker:
    """SageMaker's model registry: packages by token, with their status and its reason."""

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


class Stage:
    """A stage in which a training job has completed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bucket = DataBucket(boto3.client("s3"), BUCKET)
        self.registry = Registry(self.bucket)
        self.sagemaker = SageMaker()
        self.candidates = Candidates(self.bucket, self.registry, lambda: self.sagemaker, "elevenchars")
        archive = pack(package_files(write_package(folder / TASK)))
        self.bucket.write(ARCHIVE, archive, "application/gzip")
        self.bucket.write(f"{FOLDER}data/manifest.csv", b"path,part\n", "text/csv")

    def register(self, **plan: Any) -> Candidate:
        return self.candidates.register(PLAN | plan, TRAINED, "image")

    def evaluate(self, accepted: bool, *reasons: str) -> None:
        self.bucket.write_json(
            f"{FOLDER}evaluation/decision.json", {"accepted": accepted, "reasons": [*reasons]}
        )

    @property
    def package(self) -> dict[str, Any]:
        (package,) = self.sagemaker.packages.values()
        return package


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_register_adds_the_model_to_both_registries(stage: Stage) -> None:
    candidate = stage.register()

    record = stage.registry.record(TASK, VERSION)
    assert (record["origin"], record["run"], record["job"]) == ("retraining", "run", "job")
    assert candidate["version"] == VERSION
    assert candidate["sha256"] == record["sha256"]
    assert candidate["uri"] == f"s3://{BUCKET}/models/{TASK}/{VERSION}/model.tar.gz"
    assert stage.registry.archive(TASK, VERSION) == stage.bucket.read(ARCHIVE).body
    assert stage.package["ModelApprovalStatus"] == "PendingManualApproval"
    assert stage.register() == candidate, "a step that is repeated"
    assert len(stage.sagemaker.packages) == 1


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException", "ResourceLimitExceeded"])
def test_register_fails_if_the_group_cannot_be_created(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    def create_model_package_group(**_: str) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "?"}}, "CreateModelPackageGroup")

    monkeypatch.setattr(stage.sagemaker, "create_model_package_group", create_model_package_group)

    with pytest.raises(ClientError, match=code):
        stage.register()
    assert not stage.sagemaker.packages


def test_decide_reads_evaluation_of_earlier_release(stage: Stage) -> None:
    candidate = stage.register()
    decision = {"accepted": False, "reasons": ["It is no better."]}
    stage.bucket.write_json(f"{FOLDER}judgement/decision.json", decision)

    assert stage.candidates.decide(PLAN, candidate)["accepted"] is False
    assert stage.package["ModelApprovalStatus"] == "Rejected"
    assert stage.candidates.scores(PLAN) is None


def test_scores_are_those_of_the_evaluation(stage: Stage) -> None:
    scores = {"images": 130, "candidate": 0.86, "current": 0.83}
    decision = {"accepted": True, "reasons": ["Better."], "scores": scores}
    stage.bucket.write_json(f"{FOLDER}evaluation/decision.json", decision)

    assert stage.candidates.scores(PLAN) == scores


def manifest(run: str, *images: str) -> bytes:
    rows = [f"{image},test,left-cc,{image}" for image in images]
    return "\n".join(["path,part,class,sha256", f"{run},train,left-cc,{run}", *rows, ""]).encode()


def decided(stage: Stage, run: str, *test_images: str) -> tuple[int, str]:
    """The count and the reasons of a decision by these test images."""
    folder = f"retrainings/{TASK}/{run}/"
    plan = PLAN | {"run": run, "folder": f"s3://{BUCKET}/{folder}"}
    package = write_package(stage.folder / run, version=run)
    stage.registry.add(TASK, pack(package_files(package)), {"origin": "retraining", "run": run})
    stage.bucket.write(f"{folder}data/manifest.csv", manifest(run, *test_images), "text/csv")
    evaluation = {"accepted": True, "reasons": ["Better."]}
    stage.bucket.write_json(f"{folder}evaluation/decision.json", evaluation)
    for _ in range(2):  # a step that is repeated counts once
        reasons = stage.candidates.decide(plan, {"version": run, "sha256": "", "uri": "", "package": ""})[
            "reasons"
        ]
    return stage.registry.record(TASK, run)["decision"]["test_decisions"], reasons


def test_decide_counts_the_decisions_of_a_test_set(stage: Stage) -> None:
    assert decided(stage, "a", "1", "2") == (1, "Better.")
    count, reasons = decided(stage, "b", "1", "2")
    assert (count, "decision 2 by these test images" in reasons) == (2, True)
    assert decided(stage, "c", "1", "2", "3", "4")[0] == 3, "it has grown"
    assert decided(stage, "d", "5", "6", "7")[0] == 1, "another data set"


def test_register_rejects_models_outside_of_the_bucket(stage: Stage) -> None:
    with pytest.raises(InvalidModelPackage, match="outside of"):
        stage.candidates.register(PLAN, {"job": "job", "model": "s3://theirs/model.tar.gz"}, "image")


def test_register_keeps_the_record_of_a_known_model(stage: Stage) -> None:
    stage.register()
    stage.registry.promote(TASK, VERSION, "endpoint", "config")

    with pytest.raises(InvalidModelPackage, match="registered already"):
        stage.register(run="another")

    assert stage.registry.record(TASK, VERSION)["config"] == "config"


def test_decide_records_the_decision_and_its_split(stage: Stage) -> None:
    candidate = stage.register()
    stage.evaluate(False, "It is no better.", "x" * 2000)

    decision = stage.candidates.decide(PLAN, candidate)

    assert decision["accepted"] is False
    assert decision["reasons"].startswith("It is no better. xxx")
    assert stage.registry.record(TASK, VERSION)["decision"]["accepted"] is False
    assert stage.package["ModelApprovalStatus"] == "Rejected"
    assert stage.bucket.read(f"retrainings/{TASK}/split.csv").body == b"path,part\n"


def test_accepted_candidate_waits_for_promotion(stage: Stage) -> None:
    candidate = stage.register()
    stage.evaluate(True, "It is better.")

    assert stage.candidates.decide(PLAN, candidate) == {"accepted": True, "reasons": "It is better."}
    assert stage.package["ModelApprovalStatus"] == "PendingManualApproval"
    assert stage.registry.current(TASK) is None

    stage.candidates.promote(PLAN, candidate)

    current = stage.registry.current(TASK)
    assert current is not None
    assert (current.version, current.endpoint, current.config) == (VERSION, "endpoint", PLAN["name"])
    assert stage.package["ModelApprovalStatus"] == "Approved"


def test_promote_without_endpoint_deploys_the_package(stage: Stage) -> None:
    candidate = stage.register()

    stage.candidates.promote(PLAN | {"serving": {"kind": "embedded", "endpoint": "endpoint"}}, candidate)

    current = stage.registry.current(TASK)
    assert current is not None
    assert (current.endpoint, current.config) == (None, None)


def test_refuse_rejects_the_candidate_in_both_registries(stage: Stage) -> None:
    candidate = stage.register()

    stage.candidates.refuse(PLAN, candidate, "Declined.")

    record = stage.registry.record(TASK, VERSION)
    assert json.dumps(record["decision"]["reasons"]) == '["Declined."]'
    assert stage.package["ApprovalDescription"] == "Declined."
