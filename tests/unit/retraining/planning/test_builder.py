"""Plans of retrainings: images, names, the current model, and what is passed to the jobs."""

import json
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.models.archive import pack, package_files
from chalicelib.models.package import ModelPackage
from chalicelib.models.seeding import seed
from chalicelib.retraining.planning.builder import (
    MAX_VOLUME_GB,
    MIN_VOLUME_GB,
    PlanBuilder,
    plan_processing,
)
from chalicelib.retraining.planning.planner import Planner
from chalicelib.tasks import InputSpec, load_task
from tests.models import TASK, VERSION, write_package
from tests.planning_stage import CODE, EXECUTION, FOLDER, Stage
from tests.stage import BUCKET

pytestmark = pytest.mark.usefixtures("cloud")


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


def test_plan_prepares_as_the_request_asks(stage: Stage) -> None:
    plain = stage.plan()["preparing"]
    assert (plain["instance_count"], "--stream" in plain["arguments"]) == (1, False)

    asked = stage.plan({"task": TASK, "preparation_instance_count": 3, "stream": True})

    assert (asked["preparing"]["instance_count"], "--stream" in asked["preparing"]["arguments"]) == (3, True)
    assert asked["training"]["hyperparameters"]["stream"] == "true"


def test_plan_reads_uploaded_images_as_well(stage: Stage) -> None:
    assert data_places(stage) == [f"s3://{BUCKET}/datasets/{TASK}"]
    stage.bucket.write(f"labelled/{TASK}/left-cc/{'0' * 64}.png", b"x", "image/png")

    assert data_places(stage) == [f"s3://{BUCKET}/datasets/{TASK}", f"s3://{BUCKET}/labelled/{TASK}"]
    assert stage.plan()["data"]["images"] == 4

    for key in list(stage.bucket.keys(f"datasets/{TASK}/")):
        stage.bucket.delete(key)
    assert data_places(stage) == [f"s3://{BUCKET}/labelled/{TASK}"]


def data_places(stage: Stage) -> list[str]:
    """The places that the preparation reads."""
    arguments: list[str] = stage.plan()["preparing"]["arguments"]
    begin = arguments.index("--data") + 1
    return arguments[begin : arguments.index("--output")]


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


def test_stage_setting_overrides_the_serving_of_the_task(stage: Stage) -> None:
    assert load_task(TASK).serving.kind == stage.plan()["serving"]["kind"] == "embedded"
    (variant,) = stage.plan(serving={TASK: "serverless"})["serving"]["variants"]
    assert "ServerlessConfig" in variant

    serving = stage.plan(serving={TASK: "provisioned"})["serving"]

    assert serving["kind"] == "provisioned"
    assert serving["variants"][0]["InitialInstanceCount"] == 1
    # One instance cannot be split.
    routing = serving["update"]["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert routing["Type"] == "ALL_AT_ONCE"


def test_plan_has_no_current_model_if_it_was_deleted(stage: Stage, tmp_path: Any) -> None:
    metrics = {name: {"value": 0.9} for name in ("accuracy", "balanced_accuracy", "auc")}
    package = ModelPackage.load(write_package(tmp_path / TASK, metrics={"test": metrics}))
    seed(stage.registry, TASK, package)
    stage.bucket.delete(f"models/{TASK}/{package.version}/record.json")

    current = stage.plan()["current"]

    assert (current["version"], current["path"], current["fingerprint"]) == (None, "", None)


@pytest.mark.parametrize(
    "changes",
    [
        {"classes": ["left-cc", "right-cc"]},
        {"input": {"width": 64, "height": 96, "channels": 1, "fit": "pad"}},
    ],
    ids=["classes", "input"],
)
def test_plan_compares_with_nothing_if_the_task_has_changed(
    stage: Stage, tmp_path: Any, changes: dict[str, Any]
) -> None:
    """Such a model cannot classify, and its images would be other arrays today."""
    stage.registry.add(TASK, pack(package_files(write_package(tmp_path / "0", **changes))), {})
    deployed = stage.registry.promote(TASK, VERSION, None, None)

    current = stage.plan()["current"]

    assert (current["version"], current["path"], current["fingerprint"]) == (None, "", None)
    assert current["deployed"] == deployed.version


@pytest.mark.parametrize(
    ("side", "channels", "images", "stream", "instance", "room_gb"),
    [
        (160, 1, 1_000, False, "ml.m7i.large", 1),
        (160, 1, 99_999, False, "ml.m7i.large", 4),
        (160, 1, 100_000, False, "ml.m7i.2xlarge", 4),
        (512, 3, 25_000, False, "ml.m7i.2xlarge", 24),
        (512, 3, 99_999, False, "ml.m7i.2xlarge", 94),
        (2048, 3, 1_000, False, "ml.m7i.large", 15),
        (160, 1, 9_000_000, False, "ml.m7i.2xlarge", 277),
        (160, 1, 9_000_000, True, "ml.m7i.2xlarge", 46),
    ],
)
def test_instance_and_disk_have_room_for_the_arrays(
    side: int, channels: int, images: int, stream: bool, instance: str, room_gb: int
) -> None:
    """The disk holds all arrays, unless images are streamed, and again those of the test part."""
    task = load_task(TASK)
    task = replace(task, input=InputSpec(side, side, channels, "pad"))

    processing = plan_processing(task, images, stream)

    assert processing["instance_type"] == instance
    assert processing["volume_gb"] >= MIN_VOLUME_GB + room_gb


def test_disk_is_one_that_the_default_quota_allows() -> None:
    assert plan_processing(load_task(TASK), 100_000_000, False)["volume_gb"] == MAX_VOLUME_GB == 1024


def test_size_of_a_plan_does_not_depend_on_the_data(stage: Stage) -> None:
    """Step Functions passes at most 256 KiB from state to state."""
    few = len(json.dumps(stage.plan()))
    for number in range(50):
        stage.bucket.write(f"datasets/{TASK}/left-cc/{number}.png", b"x", "image/png")
        stage.review(number, "right-cc")

    plan = stage.plan()

    assert plan["data"] == {"images": 53, "corrections": 50}
    assert len(json.dumps(plan)) < few + 200 < 10_000


def test_plan_with_tuning_leaves_out_what_is_searched(stage: Stage) -> None:
    plan = stage.plan({"task": TASK, "tune": 3, "spot": True, "hyperparameters": {"epochs": 2, "tta": "all"}})

    assert plan["trials"] == 3
    assert plan["training"]["hyperparameters"]["epochs"] == "2"
    assert plan["training"]["hyperparameters"]["tta"] == "all"
    assert "learning_rate" not in plan["training"]["hyperparameters"]
    assert plan["training"]["stopping"]["MaxWaitTimeInSeconds"]
    assert stage.repository.get("run-1")["job"] == plan["tuning_name"]
