"""The container images in which SageMaker trains and serves.

Many regions have them in an AWS account of their own.
"""

import json
import re
from importlib.metadata import distribution
from typing import Any

from deploy.stacks import DeployError

_NAME = re.compile(r"pytorch-(?P<use>training|inference):(?P<version>[\d.]+)-")
_TABLE = "sagemaker/image_uri_config/pytorch.json"
"""In the SageMaker SDK: the accounts by use, version and region."""


def account(image: str, region: str) -> str:
    """The AWS account that has an image in a region.

    Args:
        image: repository and tag, such as pytorch-training:2.8.0-cpu-py312-ubuntu22.04-sagemaker.
        region: name of the region.

    Raises:
        DeployError: if the SageMaker SDK knows no such image, or none there.
    """
    name = _NAME.match(image)
    if name is None:
        raise DeployError(f"'{image}' is not an image of PyTorch for training or inference.")
    version = _table()[name["use"]]["versions"].get(name["version"])
    if version is None:
        raise DeployError(
            f"The SageMaker SDK knows no image {image}. Take a version that it knows in "
            "statemachine/template.yaml, or an SDK that knows this one in deploy/requirements.in."
        )
    found = version["registries"].get(region)
    if found is None:
        raise DeployError(
            f"AWS has no image {image} in {region}, so no model could be trained or served there. "
            "Choose another region, for example with AWS_DEFAULT_REGION."
        )
    return str(found)


def _table() -> dict[str, Any]:
    # Importing the package would need its dependencies.
    table: dict[str, Any] = json.loads(distribution("sagemaker").locate_file(_TABLE).read_text())
    return table
