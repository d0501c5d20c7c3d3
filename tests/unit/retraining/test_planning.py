"""The plan of a retraining."""

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
from chalicelib.results.table import ResultsTable
from chalicelib.retraining import planning
from chalicelib.retraining.planning import Code, Planner
from chalicelib.retraining.repository import RetrainingRepository
from chalicelib.storage.bucket import DataBucket
from chalicelib.tasks import EndpointSpec, ServingKind, Task, load_task
from tests.models import TASK, write_package
from tests.stage import BUCKET, RETRAININGS_TABLE, TABLE

pytestmark = pytest.mark.usefixtures("cloud")
EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:negatoscope-test-retrain:run-1"
CODE = Code(f"s3://{BUCKET}/code/0123", "0123456")
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
        """The lock, where everybody who holds it runs, or is `self.stopped`."""
        holder = self.repository.lock(task.name, execution)
        if holder and holder != self.stopped:
            raise AlreadyRetraining(f"{task.title} is being retrained.")
        return holder

    def listed(self) -> list[tuple[str, str, str]]:
        """Name, status and outcome of the retrainings that people see."""
        entries, _ = self.repository.page(10, None)
        return [(entry["name"], entry["status"], entry["outcome"]) for entry in entries]

    def plan(
        self,
        wish: Any = None,
        execution: str = EXECUTION,
        endpoints: Mapping[str, EndpointSpec] | None = None,
        serving: Mapping[str, ServingKind] | None = None,
    ) -> dict[str, Any]:
        planner = Planner(
            "test",
            self.bucket,
            self.table,
            self.registry,
            self.repository,
            endpoints or {},
            serving or {},
            self.lock,
        )
        return planner.plan(execution, {"task": TASK} if wish is None else wish, CODE)

    def review(self, number: int, label: str) -> None:
        image_id = f"{number:032x}"
        result = result_document.received(image_id, TASK, "api") | {
            "status": result_document.CLASSIFIED,
            "label": "left-cc",
        }
        review = {"label": label, "comment": None, "reviewed_at": "2026", "reviewer": "me"}
        self.table.finish(result | {"review": review})


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_images_are_counted_and_everything_is_named(stage: Stage) -> None:
    plan = stage.plan()

    assert plan["data"] == {"images": 3, "corrections": 0}
    assert (plan["run"], plan["folder"]) == ("run-1", FOLDER)
    assert plan["name"].startswith(f"negatoscope-test-{TASK}-")
    assert plan["current"]["version"] is None
    assert plan["serving"]["endpoint"] == f"negatoscope-test-{TASK}"
    assert plan["training"]["hyperparameters"]["data"] == f"{FOLDER}data"
    assert plan["training"]["hyperparameters"]["git_commit"] == CODE.commit
    assert json.loads(stage.bucket.read(f"retrainings/{TASK}/run-1/plan.json").body) == plan
    entry = stage.repository.get("run-1")
    assert (entry["status"], entry["task"], entry["candidate"]) == ("running", TASK, None)
    assert stage.plan() == plan  # a step that is repeated


@pytest.mark.parametrize("task", ["breast-ultrasound", "mammography-views", "retinal-oct-2017"])
def test_names_fit_into_what_sagemaker_takes(stage: Stage, task: str) -> None:
    stage.bucket.write(f"datasets/{task}/a/b.png", b"x", "image/png")
    planner = Planner(
        "elevenchars", stage.bucket, stage.table, stage.registry, stage.repository, {}, {}, stage.lock
    )

    plan = planner.plan(EXECUTION, {"task": task, "tune": True}, CODE)

    assert len(plan["tuning_name"]) <= 32
    assert len(f"{plan['name']}-judge") <= 63
    assert len(plan["serving"]["endpoint"]) <= 63


def test_reviews_become_labels_and_the_latest_split_is_kept(stage: Stage) -> None:
    stage.review(1, "right-cc")
    stage.review(2, "left-cc")
    stage.bucket.write(f"retrainings/{TASK}/split.csv", b"", "text/csv")

    plan = stage.plan()

    lines = stage.bucket.read(f"retrainings/{TASK}/run-1/corrections.manifest").body.decode().splitlines()
    assert plan["data"]["corrections"] == len(lines) == 2
    arguments = plan["preparing"]["arguments"]
    assert arguments[arguments.index("--labels") + 1] == f"{FOLDER}corrections.manifest"
    assert arguments[arguments.index("--earlier") + 1] == f"s3://{BUCKET}/retrainings/{TASK}/split.csv"


def test_the_candidate_will_be_compared_with_what_classifies_now(stage: Stage, tmp_path: Any) -> None:
    metrics = {name: {"value": 0.9} for name in ("accuracy", "balanced_accuracy", "auc")}
    facts: dict[str, Any] = {"data": {"fingerprint": "f00"}, "metrics": {"test": metrics}}
    package = ModelPackage.load(write_package(tmp_path / TASK, **facts))
    seed(stage.registry, TASK, package)

    current = stage.plan()["current"]

    assert (current["version"], current["fingerprint"]) == (package.version, "f00")
    assert current["uri"] == f"s3://{BUCKET}/models/{TASK}/{package.version}/model.tar.gz"


def test_other_tasks_images_are_shown_as_well(stage: Stage) -> None:
    assert [channel["ChannelName"] for channel in stage.plan()["training"]["inputs"]] == ["plan"]
    stage.bucket.write("datasets/chest-xray/normal/a.png", b"x", "image/png")

    training = stage.plan()["training"]

    assert [channel["ChannelName"] for channel in training["inputs"]] == ["plan", "ood_data"]
    assert training["hyperparameters"]["ood_data"] == "/opt/ml/input/data/ood_data"


def test_a_search_leaves_open_what_it_varies(stage: Stage) -> None:
    plan = stage.plan({"task": TASK, "tune": 3, "spot": True, "hyperparameters": {"epochs": 2, "tta": "all"}})

    assert plan["trials"] == 3
    assert plan["training"]["hyperparameters"]["epochs"] == "2"
    assert plan["training"]["hyperparameters"]["tta"] == "all"
    assert "learning_rate" not in plan["training"]["hyperparameters"]
    assert plan["training"]["stopping"]["MaxWaitTimeInSeconds"]
    assert stage.repository.get("run-1")["job"] == plan["tuning_name"]


def test_a_stage_may_serve_otherwise_than_the_task_says(stage: Stage) -> None:
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
    ("wish", "message", "is_listed"),
    [
        ({"task": "chest-xray"}, f"Put them into s3://{BUCKET}/datasets/chest-xray/CLASS/ first", True),
        ({"task": "chest-xray", "hyperparameters": {"epochs": 0}}, "epochs must lie between", True),
        ({"task": "chest-xray", "reason": "\ud800"}, "not valid Unicode", True),
        ({"task": "chest-xray", "reason": "x" * 500_000}, "'reason' may have 1,000 characters", True),
        ({"task": "chest-xray", "requested_by": {"\udc00": 1}}, "not valid Unicode", True),
        ({"task": "feet"}, "'task' must be one of", False),
        ({"task": ["chest-xray"]}, "'task' must be a text", False),
        ("task", "is asked for as", False),
    ],
)
def test_what_cannot_be_done_is_refused_and_locks_nothing(
    stage: Stage, wish: Any, message: str, is_listed: bool
) -> None:
    refused = stage.plan(wish)["refused"]

    assert message in refused
    assert stage.repository.holder("chest-xray") is None
    assert stage.listed() == ([("run-1", "failed", refused)] if is_listed else [])
    for entry in stage.repository.page(10, None)[0]:
        assert len(entry["reason"].encode()) <= 4000


def test_a_start_that_meets_a_running_retraining_is_skipped(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics: list[tuple[str, str]] = []
    monkeypatch.setattr(planning, "count", lambda *metric: metrics.append(metric))
    stage.plan()

    answer = stage.plan(execution=EXECUTION.replace("run-1", "run-2"))

    assert answer.keys() == {"skipped"}
    assert "is being retrained" in answer["skipped"]
    assert stage.listed() == [("run-2", "skipped", answer["skipped"]), ("run-1", "running", None)]
    assert metrics == [("RetrainingsSkipped", TASK)]
    assert stage.repository.holder(TASK) == EXECUTION


def test_what_a_stopped_retraining_left_is_waited_for(stage: Stage) -> None:
    stage.plan()
    stage.stopped = EXECUTION
    following = EXECUTION.replace("run-1", "run-2")

    assert stage.plan(execution=following) == {"waits_for": EXECUTION}
    assert [name for name, _, _ in stage.listed()] == ["run-1"]

    stage.repository.release(TASK, EXECUTION)
    assert stage.plan(execution=following)["run"] == "run-2"


def test_an_endpoint_that_cannot_go_back_refuses(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def lock(_task: Task, _execution: str) -> str:
        raise EndpointNotChanged("Delete the endpoint, then start again.")

    monkeypatch.setattr(stage, "lock", lock)

    assert stage.plan() == {"refused": "Delete the endpoint, then start again."}


def test_somebody_elses_endpoint_is_not_retrained(stage: Stage) -> None:
    refused = stage.plan(endpoints={TASK: EndpointSpec("theirs", "negatoscope")})["refused"]

    assert "classified by the endpoint theirs" in refused


def test_a_current_model_that_somebody_deleted_is_compared_with_nothing(stage: Stage, tmp_path: Any) -> None:
    metrics = {name: {"value": 0.9} for name in ("accuracy", "balanced_accuracy", "auc")}
    package = ModelPackage.load(write_package(tmp_path / TASK, metrics={"test": metrics}))
    seed(stage.registry, TASK, package)
    stage.bucket.delete(f"models/{TASK}/{package.version}/record.json")

    current = stage.plan()["current"]

    assert (current["version"], current["path"], current["fingerprint"]) == (None, "", None)


def test_a_plan_is_small_however_many_images_and_corrections_there_are(stage: Stage) -> None:
    """Step Functions passes at most 256 KiB from state to state."""
    few = len(json.dumps(stage.plan()))
    for number in range(50):
        stage.bucket.write(f"datasets/{TASK}/left-cc/{number}.png", b"x", "image/png")
        stage.review(number, "right-cc")

    plan = stage.plan()

    assert plan["data"] == {"images": 53, "corrections": 50}
    assert len(json.dumps(plan)) < few + 200 < 10_000
