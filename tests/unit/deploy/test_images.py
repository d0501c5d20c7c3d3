"""The accounts of the container images."""

import pytest

from deploy import images, retraining, stacks
from deploy.stacks import DeployError
from tests.cloud import RETRAINING, template

PARAMETERS = template(RETRAINING)["Parameters"]
TRAINING, INFERENCE = (PARAMETERS[name]["Default"] for name in ("TrainingImage", "InferenceImage"))


@pytest.mark.parametrize(
    ("region", "account"),
    [
        ("us-east-1", "763104351884"),
        ("eu-central-1", "763104351884"),
        ("eu-south-1", "692866216735"),
        ("af-south-1", "626614931356"),
        ("cn-north-1", "727897471807"),
        ("us-gov-west-1", "442386744353"),
    ],
)
def test_region_has_both_images_in_one_account(
    monkeypatch: pytest.MonkeyPatch, region: str, account: str
) -> None:
    assert images.account(TRAINING, region) == images.account(INFERENCE, region) == account
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr("boto3.session.Session.region_name", region)
    assert retraining.image_account() == account


def test_no_region_has_the_images_in_two_accounts() -> None:
    table = images._table()
    training = table["training"]["versions"]["2.8.0"]["registries"]
    inference = table["inference"]["versions"]["2.6.0"]["registries"]
    both = training.keys() & inference.keys()
    assert len(both) > 30
    assert {region: training[region] for region in both} == {region: inference[region] for region in both}


@pytest.mark.parametrize(
    ("use", "image"), [("training", TRAINING), ("training", retraining.GPU_IMAGE), ("inference", INFERENCE)]
)
def test_images_are_the_newest_that_the_sdk_knows(use: str, image: str) -> None:
    """If this fails after an update of the SDK, there are newer images: take them, and run a retraining.

    Stages on an image that is no longer in `GPU_IMAGES` keep it.
    """
    versions = [tuple(map(int, version.split("."))) for version in images._table()[use]["versions"]]
    assert f":{'.'.join(map(str, max(versions)))}-" in image


GPU, OLD_GPU, OLD = retraining.GPU_IMAGE, "pytorch-training:2.7.0-gpu", "pytorch-training:2.7.0-cpu"
DIGEST = "pytorch-training@sha256:" + 64 * "0"


@pytest.mark.parametrize(
    ("wanted", "deployed", "before", "image"),
    [
        ("ml.g5.xlarge", None, None, GPU),
        ("ml.p4d.24xlarge", "ml.c7i.2xlarge", OLD, GPU),
        ("ml.c7i.2xlarge", "ml.g5.xlarge", GPU, TRAINING),
        (None, None, None, TRAINING),
        (None, "ml.c7i.2xlarge", OLD, TRAINING),
        # They are not the template's default, and yet nobody has set them.
        (None, "ml.g5.xlarge", GPU, GPU),
        (None, "ml.g5.xlarge", OLD_GPU, GPU),
        # Somebody has.
        (None, "ml.g5.xlarge", DIGEST, None),
        ("ml.g5.xlarge", "ml.g5.xlarge", DIGEST, None),
        (None, "ml.c7i.2xlarge", "pytorch-training:2.6.0-cpu", None),
    ],
)
def test_instances_get_the_newest_image_for_them_unless_somebody_has_set_one(
    monkeypatch: pytest.MonkeyPatch,
    wanted: str | None,
    deployed: str | None,
    before: str | None,
    image: str | None,
) -> None:
    monkeypatch.setattr(retraining, "GPU_IMAGES", (GPU, OLD_GPU))
    found = {"TrainingInstanceType": deployed, "TrainingImage": before} if deployed and before else {}
    status = "UPDATE_COMPLETE" if found else None
    monkeypatch.setattr(stacks, "stack_status", lambda _name: status)
    monkeypatch.setattr(stacks, "outputs", lambda _name: found)
    monkeypatch.setattr(stacks, "parameter_defaults", lambda **_: {"TrainingImage": OLD})

    assert retraining.training_image("prod", wanted) == image


@pytest.mark.parametrize("status", stacks.UNFINISHED)
def test_stack_that_is_created_anew_gets_the_image_of_its_instances(
    monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    monkeypatch.setattr(stacks, "stack_status", lambda _name: status)

    assert retraining.training_image("prod", None) == TRAINING


def test_region_without_the_images_is_refused() -> None:
    with pytest.raises(DeployError, match=r"no image pytorch-training.* in mars-1"):
        images.account(TRAINING, "mars-1")


@pytest.mark.parametrize(
    "image", ["pytorch-training:99.0.0-cpu", "pytorch-inference:0.0-x"], ids=["training", "inference"]
)
def test_unknown_version_is_refused(image: str) -> None:
    with pytest.raises(DeployError, match="SDK knows no image"):
        images.account(image, "us-east-1")


def test_image_of_another_framework_is_refused() -> None:
    with pytest.raises(DeployError, match="not an image of PyTorch"):
        images.account("tensorflow-training:2.8.0-cpu", "us-east-1")
