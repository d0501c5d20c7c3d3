"""Retrainings from the request to the deployed model, and back: every job, endpoint and role is real."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.stack import BUCKET
from tests.stack.client import asking, wait_for
from tests.stack.clinic import ENDPOINT, MACHINE, TASK, Clinic
from tests.stack.lab import Lab, archive

CORRECTED = 20
CURRENT = f"models/{TASK.name}/current.json"
DEPLOYED = (
    *("Plan", "Prepare data", "Review data", "Train", "Register", "Create model", "Answer test images"),
    *("Judge", "Decide", "Ask for approval", "Create endpoint configuration", "Look at endpoint"),
    *("Create endpoint", "Describe endpoint", "Smoke test", "Promote", "Close deployed", "Deployed"),
)


@pytest.fixture(scope="module")
def clinic(lab: Lab) -> Iterator[Clinic]:
    clinic = Clinic(lab)
    clinic.put_images()
    with clinic.without_models():
        yield clinic
    clinic.remove_endpoint()


@pytest.fixture(scope="module")
def first(clinic: Clinic) -> Any:
    """A retraining of a task that has no model yet; it waits until somebody has approved its model."""
    name = clinic.start({}, approval=True, reason="the first one")
    clinic.is_in(name, "Prepare data")
    refused = clinic.ask_for({})
    assert (refused.status, refused.json["code"]) == (409, "AlreadyRetraining")
    direct = clinic.states.start_execution(
        stateMachineArn=MACHINE, name="direct-" + name, input=json.dumps({"task": TASK.name})
    )
    followed = clinic.asks(name)
    assert followed["accepted"] is True
    assert clinic.client.keys(CURRENT) == [], "nothing is deployed before it is approved"
    execution = clinic.states.describe_execution(executionArn=direct["executionArn"])
    assert execution["status"] == "SUCCEEDED", "it is no failed retraining"
    skipped = clinic.listed()[f"direct-{name}"]
    assert (skipped["status"], f"is being retrained by {name}" in skipped["outcome"]) == ("skipped", True)
    clinic.answer(name, approved=True)
    return clinic.ended(name)


@pytest.fixture(scope="module")
def corrections(clinic: Clinic, first: Any) -> dict[str, str]:
    """What people say of images that the first model has not seen the like of: class by id."""
    clinic.hears_from(first["candidate"])
    return clinic.correct(CORRECTED)


def test_a_first_retraining_deploys_a_model(clinic: Clinic, first: Any) -> None:
    assert (first["status"], first["reason"]) == ("deployed", "the first one")
    names = [state["name"] for state in first["states"]]
    assert [name for name in DEPLOYED if name not in names] == []
    assert all(state["exited_at"] for state in first["states"][:-1])
    assert first["metrics"].keys() >= {"train:loss", "validation:balanced_accuracy", "objective"}
    assert first["smoke_test"]["images"] == 4

    current = json.loads(clinic.current())
    assert (current["version"], current["endpoint"]) == (first["candidate"], ENDPOINT)
    assert clinic.endpoint_config() == current["config"]
    clinic.hears_from(first["candidate"])
    (version,) = clinic.client.api("GET", f"/api/tasks/{TASK.name}/models").json["models"]
    assert (version["status"], version["run"]) == ("current", first["name"])
    (package,) = clinic.lab.sagemaker.list_model_packages(ModelPackageGroupName=ENDPOINT)[
        "ModelPackageSummaryList"
    ]
    assert package["ModelApprovalStatus"] == "Approved"
    assert "report.md" in first["files"]
    report = clinic.client.api("GET", f"/api/retrainings/{first['name']}/files/report.md")
    assert b"is accepted" in report.body
    assert "lock" not in clinic.leftovers()


def test_a_model_that_is_declined_changes_nothing(clinic: Clinic, corrections: dict[str, str]) -> None:
    before, current = clinic.leftovers(), clinic.current()
    name = clinic.start({"seed": 1}, approval=True)
    clinic.asks(name)

    clinic.answer(name, approved=False, comment="Too few new images.")
    ended = clinic.ended(name)

    assert (ended["status"], ended["accepted"]) == ("rejected", True)
    assert "Too few new images. The current model stays." in ended["outcome"]
    assert (clinic.leftovers(), clinic.current()) == (before, current)
    again = clinic.post(f"/retrainings/{name}/approval", {"approved": True})
    assert (again.status, again.json["code"]) == (409, "NothingToApprove")


def test_corrections_are_learnt_while_everybody_works_on(
    clinic: Clinic, first: Any, corrections: dict[str, str]
) -> None:
    with asking(clinic.answered_by) as heard:
        name = clinic.start({"seed": 2})
        ended = clinic.ended(name)
        wait_for(lambda: ended["candidate"] in heard, patience=75)

    assert ended["status"] == "deployed", ended["outcome"]
    assert "better than the current one" in ended["outcome"]
    assert heard == {first["candidate"], ended["candidate"]}
    assert "Update serverless endpoint" in [state["name"] for state in ended["states"]]
    clinic.hears_from(ended["candidate"])

    assert ended["data"]["corrections"] == CORRECTED
    learnt = {
        row["path"].rpartition("/")[2].removesuffix(".npy"): row["class"]
        for row in clinic.manifest(name)
        if "prepared/" in row["path"]
    }
    assert learnt == corrections
    assert str(CORRECTED) in json.dumps(ended["data"]["findings"])
    tested = {row["sha256"] for row in clinic.manifest(first["name"]) if row["part"] == "test"}
    assert {row["part"] for row in clinic.manifest(name) if row["sha256"] in tested} == {"test"}


def test_nothing_new_is_nothing_to_learn(clinic: Clinic, corrections: dict[str, str]) -> None:
    answer = clinic.post("/retrainings", {"task": TASK.name})

    ended = clinic.ended(answer.json["name"])

    assert ended["status"] == "unchanged"
    assert "Train" not in [state["name"] for state in ended["states"]]


def test_what_is_no_better_is_rejected(clinic: Clinic, corrections: dict[str, str]) -> None:
    """Also: the best of a search's models is judged."""
    before, current = clinic.leftovers(), clinic.current()

    name = clinic.start({"epochs": 1}, tune=4)
    ended = clinic.ended(name)

    assert (ended["status"], ended["accepted"]) == ("rejected", False)
    assert "The current model stays." in ended["outcome"]
    assert (clinic.leftovers(), clinic.current()) == (before, current)
    jobs = clinic.lab.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=_plan(clinic, name)["tuning_name"],
        SortBy="FinalObjectiveMetricValue",
        SortOrder="Ascending",
    )["TrainingJobSummaries"]
    record = json.loads(clinic.read(f"models/{TASK.name}/{ended['candidate']}/record.json"))
    assert len(jobs) == 4
    assert record["job"] == jobs[0]["TrainingJobName"]


def failed(clinic: Clinic, name: str, state: str, before: set[str], current: bytes) -> str:
    """The sentence of a retraining that failed in a state and left no trace."""
    ended = clinic.ended(name)
    assert ended["status"] == "failed", ended["outcome"]
    assert state in [passed["name"] for passed in ended["states"]]
    assert (clinic.leftovers(), clinic.current()) == (before, current)
    assert clinic.endpoint_config() == json.loads(current)["config"]
    execution = clinic.states.describe_execution(executionArn=ended["execution"])
    assert (execution["status"], execution["error"]) == ("FAILED", state)
    assert execution["cause"] == ended["outcome"]
    return str(ended["outcome"])


def test_a_training_that_crashes_says_why(clinic: Clinic, corrections: dict[str, str]) -> None:
    before, current = clinic.leftovers(), clinic.current()

    said = failed(clinic, clinic.start({"ensemble_size": 2}), "TrainingFailed", before, current)

    assert said.startswith(
        "ensemble_size is 2, but only 1 networks are trained (num_seeds). Its log in /aws/sagemaker/"
    )
    assert said.endswith("Mend the data or the hyper-parameters and start again.")


def test_a_job_that_is_stopped_fails(clinic: Clinic, corrections: dict[str, str]) -> None:
    """Also: an execution that is stopped is told as such, and the next one takes away what it has left."""
    before, current = clinic.leftovers(), clinic.current()
    stopped = clinic.start({})
    followed = clinic.is_in(stopped, "Prepare data")
    clinic.states.stop_execution(executionArn=followed["execution"])
    assert clinic.follow(stopped)["status"] == "stopped"
    left = _roll_out(clinic, _plan(clinic, stopped), json.loads(current)["config"])
    assert clinic.leftovers() == before | left | {"lock"}

    name = clinic.start({"epochs": 1000, "patience": 1000})
    states = clinic.is_in(name, "Train")["states"]
    assert "Wait for cleanup" in [state["name"] for state in states]
    assert clinic.leftovers() == before | {"lock"}
    assert clinic.endpoint_config() == json.loads(current)["config"]
    assert clinic.noted(stopped)["status"] == {"S": "stopped"}
    wait_for(lambda: _stop(clinic, _plan(clinic, name)["name"]))

    assert "Somebody stopped the job" in failed(clinic, name, "TrainingFailed", before, current)


def _plan(clinic: Clinic, name: str) -> Any:
    return json.loads(clinic.read(f"{clinic.folder(name)}plan.json"))


def _roll_out(clinic: Clinic, plan: Any, deployed: str) -> set[str]:
    """Leave on SageMaker what a retraining has left there that is stopped while the endpoint changes."""
    name, sagemaker = plan["name"], clinic.lab.sagemaker
    model = sagemaker.describe_model(ModelName=deployed)
    sagemaker.create_model(
        ModelName=name,
        ExecutionRoleArn=model["ExecutionRoleArn"],
        PrimaryContainer=model["PrimaryContainer"],
    )
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=plan["serving"]["variants"])
    sagemaker.update_endpoint(EndpointName=ENDPOINT, EndpointConfigName=name)
    return {f"model {name}", f"config {name}"}


def _stop(clinic: Clinic, job: str) -> bool:
    try:
        clinic.lab.sagemaker.stop_training_job(TrainingJobName=job)
    except ClientError:
        return False  # it has not been created yet
    return True


@pytest.fixture(scope="module")
def outdated(clinic: Clinic, first: Any, corrections: dict[str, str]) -> None:
    """Whoever comes next is better than what is deployed: the model that has learnt no corrections."""
    if json.loads(clinic.current())["version"] != first["candidate"]:
        rolled_back = clinic.client.api("POST", f"/api/tasks/{TASK.name}/rollback")
        assert rolled_back.json["version"] == first["candidate"], rolled_back.body
        clinic.lab.served(ENDPOINT)


@pytest.mark.usefixtures("outdated")
def test_an_endpoint_that_answers_otherwise_is_taken_back(clinic: Clinic) -> None:
    before, current = clinic.leftovers(), clinic.current()
    name = clinic.start({"seed": 3}, approval=True)
    clinic.asks(name)
    for key in clinic.client.keys(f"{clinic.folder(name)}answers/"):
        answer = json.loads(clinic.read(key))
        answer["probabilities"] = [row[::-1] for row in answer["probabilities"]]
        clinic.client.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(answer))

    with asking(clinic.answered_by) as heard:
        clinic.answer(name, approved=True)
        said = failed(clinic, name, "SmokeTestFailed", before, current)

    assert "Its probabilities are off by" in said
    assert "Everything is as before." in said
    assert heard == {json.loads(current)["version"]}


@pytest.mark.usefixtures("outdated")
def test_an_endpoint_that_does_not_start_is_taken_back(clinic: Clinic) -> None:
    before, current = clinic.leftovers(), clinic.current()
    name = clinic.start({"seed": 4}, approval=True)
    version = clinic.asks(name)["candidate"]
    broken = archive({"code/inference.py": "raise SystemExit('This model cannot be loaded.')"})
    key = f"models/{TASK.name}/{version}/model.tar.gz"
    clinic.client.s3.put_object(Bucket=BUCKET, Key=key, Body=broken)

    clinic.answer(name, approved=True)
    said = failed(clinic, name, "DeploymentFailed", before, current)

    assert "The endpoint's log in /aws/sagemaker/Endpoints says why it did not start." in said
