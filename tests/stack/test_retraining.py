"""Retrainings from the request to the deployed model and back, with real jobs, endpoints and roles."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.models.endpoint_manager import EndpointManager
from chalicelib.models.registry import Registry
from chalicelib.models.scaling import Scaling
from chalicelib.resource_names import endpoint_alarm
from chalicelib.storage.bucket import DataBucket
from deploy.endpoints import wake
from local.stack import BUCKET
from tests.stack.client import asking, wait_for
from tests.stack.retraining_driver import ENDPOINT, MACHINE, TASK, TRANSFER, RetrainingDriver
from tests.stack.sagemaker_harness import SageMakerHarness

ALARM = endpoint_alarm("local", TASK.name)
CORRECTED = 20
CURRENT = f"models/{TASK.name}/current.json"
DEPLOYED = (
    *("Plan", "Prepare data", "Check data", "Train", "Register", "Create model", "Batch inference"),
    *(
        "Evaluate candidate",
        "Record decision",
        "Wait for approval",
        "Create endpoint configuration",
        "Inspect endpoint",
    ),
    *("Create endpoint", "Describe endpoint", "Smoke test", "Promote", "Finalize deployed", "Deployed"),
)


@pytest.fixture(scope="module")
def driver(harness: SageMakerHarness) -> Iterator[RetrainingDriver]:
    driver = RetrainingDriver(harness)
    driver.put_images()
    with driver.without_models(), driver.serving("serverless"):
        yield driver
    driver.remove_endpoint()


@pytest.fixture(scope="module")
def first(driver: RetrainingDriver) -> Any:
    """A retraining of a task that has no model yet, on two hosts; it waits until its model is approved."""
    hosts = {"instance_count": 2, "preparation_instance_count": 2}
    name = driver.start(TRANSFER, approval=True, reason="the first one", **hosts)
    driver.wait_for_state(name, "Prepare data")
    refused = driver.request({})
    assert (refused.status, refused.json["code"]) == (409, "AlreadyRetraining")
    direct = driver.states.start_execution(
        stateMachineArn=MACHINE, name="direct-" + name, input=json.dumps({"task": TASK.name})
    )
    followed = driver.wait_for_approval_request(name)
    assert followed["accepted"] is True
    assert driver.client.keys(CURRENT) == [], "nothing is deployed before it is approved"
    execution = driver.states.describe_execution(executionArn=direct["executionArn"])
    assert execution["status"] == "SUCCEEDED", "it is no failed retraining"
    skipped = driver.listed()[f"direct-{name}"]
    assert (skipped["status"], f"is being retrained by {name}" in skipped["outcome"]) == ("skipped", True)
    # The smoke test meets an endpoint that starts, and is repeated until it answers.
    with driver.harness.cold_start(4):
        driver.answer(name, approved=True)
        return driver.wait_for_end(name)


SCALED = {(f"endpoint/{ENDPOINT}/variant/AllTraffic", 1, 4, "invocations")}
"""What a scaled endpoint is registered with."""


@pytest.fixture(scope="module")
def provisioned(driver: RetrainingDriver, first: Any) -> Iterator[None]:
    """The first model, served by instances, of which scaling has started two more; so are later models."""
    sagemaker, serverless = driver.harness.sagemaker, driver.endpoint_config()
    (variant,) = sagemaker.describe_endpoint_config(EndpointConfigName=serverless)["ProductionVariants"]
    del variant["ServerlessConfig"]
    instances = {"InstanceType": "ml.c7i.large", "InitialInstanceCount": 1}
    config = f"{ENDPOINT}-instances"
    sagemaker.create_endpoint_config(EndpointConfigName=config, ProductionVariants=[variant | instances])
    sagemaker.update_endpoint(EndpointName=ENDPOINT, EndpointConfigName=config)
    assert driver.endpoint_config() == config
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=ENDPOINT,
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 3}],
    )
    registry = Registry(DataBucket(driver.client.s3, BUCKET))
    registry.promote(TASK.name, first["candidate"], ENDPOINT, config)
    with driver.serving("provisioned"):
        yield


@pytest.fixture(scope="module")
def corrections(driver: RetrainingDriver, first: Any) -> dict[str, str]:
    """Reviews of images of a kind that the first model has not been trained on: class by id."""
    driver.wait_until_served_by(first["candidate"])
    return driver.correct(CORRECTED)


def test_first_retraining_deploys_a_model(driver: RetrainingDriver, first: Any) -> None:
    assert (first["status"], first["reason"]) == ("deployed", "the first one")
    names = [state["name"] for state in first["states"]]
    assert [name for name in DEPLOYED if name not in names] == []
    assert all(state["exited_at"] for state in first["states"][:-1])
    assert first["metrics"].keys() >= {"train:loss", "validation:balanced_accuracy", "objective"}
    assert first["smoke_test"]["images"] == 4
    history = driver.states.get_execution_history(
        executionArn=f"{MACHINE.replace('stateMachine', 'execution')}:{first['name']}", maxResults=1000
    )
    assert "EndpointNotReady" in json.dumps(history["events"], default=str)

    current = json.loads(driver.current())
    assert (current["version"], current["endpoint"]) == (first["candidate"], ENDPOINT)
    assert driver.endpoint_config() == current["config"]
    driver.wait_until_served_by(first["candidate"])
    (version,) = driver.client.api("GET", f"/api/tasks/{TASK.name}/models").json["models"]
    assert (version["status"], version["run"]) == ("current", first["name"])
    (package,) = driver.harness.sagemaker.list_model_packages(ModelPackageGroupName=ENDPOINT)[
        "ModelPackageSummaryList"
    ]
    assert package["ModelApprovalStatus"] == "Approved"
    facts = driver.client.api("GET", f"/api/tasks/{TASK.name}/models/{first['candidate']}/model.json").json
    assert facts["training"]["start_from"].startswith("efficientnet-lite0 ")
    assert facts["training"]["hosts"] == 2
    assert {"report.md", "epochs-0.json"} <= set(first["files"])
    epochs = driver.client.api("GET", f"/api/retrainings/{first['name']}/files/epochs-0.json")
    assert [epoch["number"] for epoch in epochs.json] == list(range(1, len(epochs.json) + 1))
    assert epochs.json[-1]["validation_balanced_accuracy"] > 0
    report = driver.client.api("GET", f"/api/retrainings/{first['name']}/files/report.md")
    assert b"is accepted" in report.body
    assert "lock" not in driver.leftovers()


def test_declined_model_changes_nothing(driver: RetrainingDriver, corrections: dict[str, str]) -> None:
    before, current = driver.leftovers(), driver.current()
    name = driver.start({"seed": 1}, approval=True, stream=True)
    driver.wait_for_approval_request(name)

    driver.answer(name, approved=False, comment="Too few new images.")
    ended = driver.wait_for_end(name)

    assert (ended["status"], ended["accepted"]) == ("rejected", True)
    assert "Too few new images. The current model stays." in ended["outcome"]
    assert (driver.leftovers(), driver.current()) == (before, current)
    again = driver.post(f"/retrainings/{name}/approval", {"approved": True})
    assert (again.status, again.json["code"]) == (409, "NothingToApprove")


@pytest.mark.usefixtures("provisioned")
def test_corrections_are_learnt_while_requests_are_answered(
    driver: RetrainingDriver, first: Any, corrections: dict[str, str]
) -> None:
    """On instances: an alarm watches the update, which keeps their number, and they are scaled afterwards."""
    with asking(driver.answered_by) as heard:
        name = driver.start({"seed": 2})
        ended = driver.wait_for_end(name)
        wait_for(lambda: ended["candidate"] in heard)

    assert ended["status"] == "deployed", ended["outcome"]
    assert "better than the current one" in ended["outcome"]
    assert heard == {first["candidate"], ended["candidate"]}
    assert "Update provisioned endpoint" in [state["name"] for state in ended["states"]]
    assert driver.instances() == 3
    assert driver.scaled() == SCALED
    (alarm,) = driver.client.aws("cloudwatch").describe_alarms(AlarmNames=[ALARM])["MetricAlarms"]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/SageMaker", "Invocation5XXErrors")
    driver.wait_until_served_by(ended["candidate"])

    assert ended["data"]["corrections"] == CORRECTED
    learnt = {
        row["path"].rpartition("/")[2].removesuffix(".npy"): row["class"]
        for row in driver.manifest(name)
        if "prepared/" in row["path"]
    }
    assert learnt == corrections
    assert str(CORRECTED) in json.dumps(ended["data"]["findings"])
    tested = {row["sha256"] for row in driver.manifest(first["name"]) if row["part"] == "test"}
    assert {row["part"] for row in driver.manifest(name) if row["sha256"] in tested} == {"test"}


def test_retraining_ends_if_the_data_are_unchanged(
    driver: RetrainingDriver, corrections: dict[str, str]
) -> None:
    answer = driver.post("/retrainings", {"task": TASK.name})

    ended = driver.wait_for_end(answer.json["name"])

    assert ended["status"] == "unchanged"
    assert "Train" not in [state["name"] for state in ended["states"]]


def test_model_that_is_not_better_is_rejected(driver: RetrainingDriver, corrections: dict[str, str]) -> None:
    """Also: the best model of a search is the candidate."""
    before, current = driver.leftovers(), driver.current()

    name = driver.start({"epochs": 1}, tune=3)
    ended = driver.wait_for_end(name)

    assert (ended["status"], ended["accepted"]) == ("rejected", False)
    assert "The current model stays." in ended["outcome"]
    assert (driver.leftovers(), driver.current()) == (before, current)
    jobs = driver.harness.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=_plan(driver, name)["tuning_name"],
        SortBy="FinalObjectiveMetricValue",
        SortOrder="Ascending",
    )["TrainingJobSummaries"]
    record = json.loads(driver.read(f"models/{TASK.name}/{ended['candidate']}/record.json"))
    assert len(jobs) == 3
    assert record["job"] == jobs[0]["TrainingJobName"]


def failed(
    driver: RetrainingDriver,
    name: str,
    state: str,
    before: set[str],
    current: bytes,
    *,
    endpoint: bool = True,
) -> str:
    """The outcome of a retraining that failed in a state and was rolled back, perhaps without an endpoint."""
    ended = driver.wait_for_end(name)
    assert ended["status"] == "failed", ended["outcome"]
    assert state in [passed["name"] for passed in ended["states"]]
    assert (driver.leftovers(), driver.current()) == (before, current)
    if endpoint:
        assert driver.endpoint_config() == json.loads(current)["config"]
    execution = driver.states.describe_execution(executionArn=ended["execution"])
    assert (execution["status"], execution["error"]) == ("FAILED", state)
    assert execution["cause"] == ended["outcome"]
    return str(ended["outcome"])


def test_failed_training_has_its_cause(driver: RetrainingDriver, corrections: dict[str, str]) -> None:
    before, current = driver.leftovers(), driver.current()

    outcome = failed(driver, driver.start({"ensemble_size": 2}), "TrainingFailed", before, current)

    assert outcome.startswith(
        "ensemble_size is 2, but only 1 networks are trained (num_seeds). See its log in "
    )
    assert outcome.endswith("Correct the data or the hyper-parameters and start again.")


def test_stopped_job_fails_the_retraining(driver: RetrainingDriver, corrections: dict[str, str]) -> None:
    """Also: a stopped execution is listed as stopped, and the next one cleans up what it has left."""
    before, current = driver.leftovers(), driver.current()
    stopped = driver.start({})
    followed = driver.wait_for_state(stopped, "Prepare data")
    driver.states.stop_execution(executionArn=followed["execution"])
    assert driver.follow(stopped)["status"] == "stopped"
    left = _roll_out(driver, _plan(driver, stopped), json.loads(current)["config"])
    assert driver.leftovers() == before | left | {"lock"}

    name = driver.start({"epochs": 1000, "patience": 1000})
    states = driver.wait_for_state(name, "Train")["states"]
    assert "Wait for cleanup" in [state["name"] for state in states]
    assert driver.leftovers() == before | {"lock"}
    assert driver.endpoint_config() == json.loads(current)["config"]
    assert driver.item(stopped)["status"] == {"S": "stopped"}
    wait_for(lambda: _stop(driver, _plan(driver, name)["name"]))

    assert "The job was stopped" in failed(driver, name, "TrainingFailed", before, current)


def _plan(driver: RetrainingDriver, name: str) -> Any:
    return json.loads(driver.read(f"{driver.folder(name)}plan.json"))


def _roll_out(driver: RetrainingDriver, plan: Any, deployed: str) -> set[str]:
    """Create what a retraining that is stopped during its deployment leaves in SageMaker."""
    name, sagemaker = plan["name"], driver.harness.sagemaker
    model = sagemaker.describe_model(ModelName=deployed)
    sagemaker.create_model(
        ModelName=name,
        ExecutionRoleArn=model["ExecutionRoleArn"],
        PrimaryContainer=model["PrimaryContainer"],
    )
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=plan["serving"]["variants"])
    sagemaker.update_endpoint(EndpointName=ENDPOINT, EndpointConfigName=name)
    return {f"model {name}", f"config {name}"}


def _stop(driver: RetrainingDriver, job: str) -> bool:
    try:
        driver.harness.sagemaker.stop_training_job(TrainingJobName=job)
    except ClientError:
        return False  # it has not been created yet
    return True


@pytest.fixture(scope="module")
def outdated(driver: RetrainingDriver, first: Any, provisioned: None, corrections: dict[str, str]) -> None:
    """The deployed model was trained without corrections, so that any candidate is better."""
    if json.loads(driver.current())["version"] != first["candidate"]:
        rolled_back = driver.client.api("POST", f"/api/tasks/{TASK.name}/rollback")
        assert rolled_back.json["version"] == first["candidate"], rolled_back.body
        driver.harness.served(ENDPOINT)


@pytest.mark.usefixtures("outdated")
def test_endpoint_with_other_answers_is_rolled_back(driver: RetrainingDriver) -> None:
    """It is serverless, which instances cannot become: they are deleted, and `wake` creates them again."""
    before, current = driver.leftovers(), driver.current()
    with driver.serving("serverless"):
        name = driver.start({"seed": 3}, approval=True)
        driver.wait_for_approval_request(name)
    for key in driver.client.keys(f"{driver.folder(name)}answers/"):
        answer = json.loads(driver.read(key))
        answer["probabilities"] = [row[::-1] for row in answer["probabilities"]]
        driver.client.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(answer))

    with asking(driver.answered_by) as heard:
        driver.answer(name, approved=True)
        outcome = failed(driver, name, "SmokeTestFailed", before, current, endpoint=False)

    assert "Its probabilities differ by" in outcome
    assert "The previous model is still deployed." in outcome
    assert heard == {json.loads(current)["version"]}
    assert f"Its endpoint {ENDPOINT} is gone" in outcome
    assert "Create endpoint" in [state["name"] for state in driver.follow(name)["states"]]
    assert driver.scaled() == set()
    scaling = Scaling(lambda: driver.client.aws("application-autoscaling"))
    wake(Registry(DataBucket(driver.client.s3, BUCKET)), EndpointManager(driver.harness.sagemaker, scaling))
    assert driver.endpoint_config() == json.loads(current)["config"]
    assert driver.scaled() == SCALED


@pytest.mark.usefixtures("outdated")
def test_endpoint_whose_alarm_rings_is_rolled_back(driver: RetrainingDriver) -> None:
    """One that does not start takes the same way (tests/unit/statemachine/test_paths.py)."""
    before, current = driver.leftovers(), driver.current()
    name = driver.start({"seed": 5}, approval=True)
    driver.wait_for_approval_request(name)
    cloudwatch = driver.client.aws("cloudwatch")
    cloudwatch.set_alarm_state(AlarmName=ALARM, StateValue="ALARM", StateReason="It answered with errors.")

    with asking(driver.answered_by) as heard:
        driver.answer(name, approved=True)
        outcome = failed(driver, name, "DeploymentFailed", before, current)

    cloudwatch.set_alarm_state(AlarmName=ALARM, StateValue="OK", StateReason="It is over.")
    assert f"The alarm {ALARM} is ALARM" in outcome
    assert "The endpoint's log in /aws/sagemaker/Endpoints says why it" in outcome
    assert heard == {json.loads(current)["version"]}
    assert driver.scaled() == SCALED
