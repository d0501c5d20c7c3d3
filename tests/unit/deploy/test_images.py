"""The accounts of the container images."""

import pytest

from deploy import images, retraining
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
    """If this fails after an update of the SDK, there are newer images: take them, and run a retraining."""
    versions = [tuple(map(int, version.split("."))) for version in images._table()[use]["versions"]]
    assert f":{'.'.join(map(str, max(versions)))}-" in image


@pytest.mark.parametrize(
    ("instance", "image"),
    [
        ("ml.g5.xlarge", retraining.GPU_IMAGE),
        ("ml.p4d.24xlarge", retraining.GPU_IMAGE),
        ("ml.c7i.2xlarge", TRAINING),
        (None, None),
    ],
)
def test_instances_with_gpus_get_the_image_that_uses_them(instance: str | None, image: str | None) -> None:
    assert retraining.training_image(instance) == image


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
