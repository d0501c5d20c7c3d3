"""Plans of retrainings."""

import json
from collections.abc import Mapping
from typing import Any

import boto3
import pytest

from chalicelib.errors import AlreadyRetraining, EndpointNotChanged
from chalicelib.models.package import ModelPackage
from chalicelib.models.registry import Registry
from chalicelib.models.seeding import seed
from chalicelib.results import result_document
from chalicelib.results.result_document import Review
from chalicelib.results.table import ResultsTable
from chalicelib.retraining.planning import planner
from chalicelib.retraining.planning.builder import PlanBuilder
from chalicelib.retraining.planning.planner import Planner
from chalicelib.retraining.repository import RetrainingRepository
from chalicelib.storage.bucket import DataBucket
from chalicelib.tasks import EndpointSpec, ServingKind, Task, load_task
from tests.models import TASK, write_package
from tests.stage import BUCKET, RETRAININGS_TABLE, TABLE

pytestmark = pytest.mark.usefixtures("cloud")
EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:negatoscope-test-retrain:run-1"
CODE = (f"s3://{BUCKET}/code/0123", "0123456")
"""URI and commit."""
FOLDER = f"s3://{BUCKET}/retrainings/{TASK}/run-1/"


class Stage:
    """A stage with images to learn from."""

    def __init__(self) -> None:
        self.bucket = DataBucket(boto3.client("s3"), BUCKET)
        self.repository = RetrainingRepository(boto3.resource("dynamodb"), RETRAININGS_TABLE)
        self.table = ResultsTable(boto3.resource("dynamodb"), TABLE)
        self.registry = Registry(self.bucket)
        self.stopped: str | None = None
        for name in ("left-cc/a.png", "left-cc/b c+ü.JPG", "right-cc/c.dcm", "manifest.csv", ".DS_Store"):
            self.bucket.write(f"datasets/{TASK}/{name}", b"x", "image/png")

    def lock(self, task: Task, execution: str) -> str | None:
        """A lock whose holder is running, unless it is `self.stopped`."""
        holder = self.repository.lock(task.name, execution)
        if holder and holder != self.stopped:
            raise AlreadyRetraining(f"{task.title} is being retrained.")
        return holder

    def listed(self) -> list[tuple[str, str, str | None]]:
        """Name, status and outcome of the listed retrainings."""
        records, _ = self.repository.page(10, None)
        return [(record["name"], record["status"], record["outcome"]) for record in records]

    def plan(
        self,
        request: Any = None,
        execution: str = EXECUTION,
        endpoints: Mapping[str, EndpointSpec] | None = None,
        serving: Mapping[str, ServingKind] | None = None,
    ) -> dict[str, Any]:
        builder = PlanBuilder("test", self.bucket, self.table, self.registry, serving or {})
        planner = Planner(builder, self.bucket, self.repository, endpoints or {}, self.lock)
        request = {"task": TASK} if request is None else request
        return {**planner.plan(request, execution, *CODE)}

    def review(self, number: int, label: str) -> None:
        image_id = f"{number:032x}"
        result = result_document.received(image_id, TASK, "api") | {
            "status": result_document.CLASSIFIED,
            "label": "left-cc",
        }
        review: Review = {"label": label, "comment": None, "reviewed_at": "2026", "reviewer": "me"}
        self.table.finish(result | {"review": review})


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_plan_counts_images_and_names_everything(stage: Stage) -> None:
    plan = stage.plan()

    assert plan["data"] == {"images": 3, "corrections": 0}
    assert (plan["run"], plan["folder"]) == ("run-1", FOLDER)
    assert plan["name"].startswith(f"negatoscope-test-{TASK}-")
    assert plan["current"]["version"] is None
    assert plan["serving"]["endpoint"] == f"negatoscope-test-{TASK}"
    assert plan["training"]["hyperparameters"]["data"] == f"{FOLDER}data"
    assert plan["training"]["hyperparameters"]["git_commit"] == CODE[1]
    assert json.loads(stage.bucket.read(f"retrainings/{TASK}/run-1/plan.json").body) == plan
    record = stage.repository.get("run-1")
    assert (record["status"], record["task"], record["candidate"]) == ("running", TASK, None)
    assert stage.plan() == plan  # a step that is repeated


@pytest.mark.parametrize("task", ["breast-ultrasound", "mammography-views", "retinal-oct-2017"])
def test_names_have_at_most_the_length_that_sagemaker_takes(stage: Stage, task: str) -> None:
    stage.bucket.write(f"datasets/{task}/a/b.png", b"x", "image/png")
    builder = PlanBuilder("elevenchars", stage.bucket, stage.table, stage.registry, {})
    planner = Planner(builder, stage.bucket, stage.repository, {}, stage.lock)

    plan: Any = planner.plan({"task": task, "tune": True}, EXECUTION, *CODE)

    assert len(plan["tuning_name"]) <= 32
    assert len(f"{plan['name']}-eval") <= 63
    assert len(plan["serving"]["endpoint"]) <= 63


def test_plan_passes_reviews_and_the_latest_split_to_the_preparation(stage: Stage) -> None:
    stage.review(1, "right-cc")
    stage.review(2, "left-cc")
    stage.bucket.write(f"retrainings/{TASK}/split.csv", b"", "text/csv")

    plan = stage.plan()

    lines = stage.bucket.read(f"retrainings/{TASK}/run-1/corrections.manifest").body.decode().splitlines()
    assert plan["data"]["corrections"] == len(lines) == 2
    arguments = plan["preparing"]["arguments"]
    assert arguments[arguments.index("--labels") + 1] == f"{FOLDER}corrections.manifest"
    assert arguments[arguments.index("--earlier") + 1] == f"s3://{BUCKET}/retrainings/{TASK}/split.csv"


def test_plan_has_the_current_model(stage: Stage, tmp_path: Any) -> None:
    metrics = {name: {"value": 0.9} for name in ("accuracy", "balanced_accuracy", "auc")}
    facts: dict[str, Any] = {"data": {"fingerprint": "f00"}, "metrics": {"test": metrics}}
    package = ModelPackage.load(write_package(tmp_path / TASK, **facts))
    seed(stage.registry, TASK, package)

    current = stage.plan()["current"]

    assert (current["version"], current["fingerprint"]) == (package.version, "f00")
    assert current["uri"] == f"s3://{BUCKET}/models/{TASK}/{package.version}/model.tar.gz"


def test_plan_passes_images_of_other_tasks(stage: Stage) -> None:
    assert [channel["ChannelName"] for channel in stage.plan()["training"]["inputs"]] == ["plan"]
    stage.bucket.write("datasets/chest-xray/normal/a.png", b"x", "image/png")

    training = stage.plan()["training"]

    assert [channel["ChannelName"] for channel in training["inputs"]] == ["plan", "ood_data"]
    assert training["hyperparameters"]["ood_data"] == "/opt/ml/input/data/ood_data"


def test_plan_with_tuning_leaves_out_what_is_searched(stage: Stage) -> None:
    plan = stage.plan({"task": TASK, "tune": 3, "spot": True, "hyperparameters": {"epochs": 2, "tta": "all"}})

    assert plan["trials"] == 3
    assert plan["training"]["hyperparameters"]["epochs"] == "2"
    assert plan["training"]["hyperparameters"]["tta"] == "all"
    assert "learning_rate" not in plan["training"]["hyperparameters"]
    assert plan["training"]["stopping"]["MaxWaitTimeInSeconds"]
    assert stage.repository.get("run-1")["job"] == plan["tuning_name"]


def test_stage_setting_overrides_the_serving_of_the_task(stage: Stage) -> None:
    assert load_task(TASK).serving.kind == "serverless"
    (variant,) = stage.plan()["serving"]["variants"]
    assert "ServerlessConfig" in variant

    serving = stage.plan(serving={TASK: "provisioned"})["serving"]

    assert serving["kind"] == "provisioned"
    assert serving["variants"][0]["InitialInstanceCount"] == 1
    # One instance cannot be split.
    routing = serving["update"]["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert routing["Type"] == "ALL_AT_ONCE"


@pytest.mark.parametrize(
    ("given", "message", "is_listed"),
    [
        ({"task": "chest-xray"}, f"Put them into s3://{BUCKET}/datasets/chest-xray/CLASS/ first", True),
        ({"task": "chest-xray", "hyperparameters": {"epochs": 0}}, "epochs must lie between", True),
        ({"task": "chest-xray", "reason": "\ud800"}, "not valid Unicode", True),
        ({"task": "chest-xray", "reason": "x" * 500_000}, "'reason' may have 1,000 characters", True),
        ({"task": "chest-xray", "requested_by": {"\udc00": 1}}, "not valid Unicode", True),
        ({"task": "feet"}, "'task' must be one of", False),
        ({"task": ["chest-xray"]}, "'task' must be a text", False),
        ("task", "is a JSON object such as", False),
    ],
)
def test_invalid_request_is_refused_and_locks_nothing(
    stage: Stage, given: Any, message: str, is_listed: bool
) -> None:
    refused = stage.plan(given)["refused"]

    assert message in refused
    assert stage.repository.holder("chest-xray") is None
    assert stage.listed() == ([("run-1", "failed", refused)] if is_listed else [])
    for record in stage.repository.page(10, None)[0]:
        assert len(record["reason"].encode()) <= 4000


def test_start_during_a_retraining_is_skipped(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    metrics: list[tuple[str, str]] = []
    monkeypatch.setattr(planner, "count", lambda *metric: metrics.append(metric))
    stage.plan()

    answer = stage.plan(execution=EXECUTION.replace("run-1", "run-2"))

    assert answer.keys() == {"skipped"}
    assert "is being retrained" in answer["skipped"]
    assert stage.listed() == [("run-2", "skipped", answer["skipped"]), ("run-1", "running", None)]
    assert metrics == [("RetrainingsSkipped", TASK)]
    assert stage.repository.holder(TASK) == EXECUTION


def test_plan_waits_for_the_cleanup_of_a_stopped_retraining(stage: Stage) -> None:
    stage.plan()
    stage.stopped = EXECUTION
    following = EXECUTION.replace("run-1", "run-2")

    assert stage.plan(execution=following) == {"waits_for": EXECUTION}
    assert [name for name, _, _ in stage.listed()] == ["run-1"]

    stage.repository.release(TASK, EXECUTION)
    assert stage.plan(execution=following)["run"] == "run-2"


def test_endpoint_that_cannot_be_restored_refuses_the_request(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lock(_task: Task, _execution: str) -> str:
        raise EndpointNotChanged("Delete the endpoint, then start again.")

    monkeypatch.setattr(stage, "lock", lock)

    assert stage.plan() == {"refused": "Delete the endpoint, then start again."}


def test_task_with_an_endpoint_of_its_own_is_refused(stage: Stage) -> None:
    refused = stage.plan(endpoints={TASK: EndpointSpec("theirs", "negatoscope")})["refused"]

    assert "classified by the endpoint theirs" in refused


def test_plan_has_no_current_model_if_it_was_deleted(stage: Stage, tmp_path: Any) -> None:
    metrics = {name: {"value": 0.9} for name in ("accuracy", "balanced_accuracy", "auc")}
    package = ModelPackage.load(write_package(tmp_path / TASK, metrics={"test": metrics}))
    seed(stage.registry, TASK, package)
    stage.bucket.delete(f"models/{TASK}/{package.version}/record.json")

    current = stage.plan()["current"]

    assert (current["version"], current["path"], current["fingerprint"]) == (None, "", None)


def test_size_of_a_plan_does_not_depend_on_the_data(stage: Stage) -> None:
    """Step Functions passes at most 256 KiB from state to state."""
    few = len(json.dumps(stage.plan()))
    for number in range(50):
        stage.bucket.write(f"datasets/{TASK}/left-cc/{number}.png", b"x", "image/png")
        stage.review(number, "right-cc")

    plan = stage.plan()

    assert plan["data"] == {"images": 53, "corrections": 50}
    assert len(json.dumps(plan)) < few + 200 < 10_000
