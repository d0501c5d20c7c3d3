"""The service without its training environment."""

from pathlib import Path

import pytest

from local.sagemaker.compute_host import ComputeHost
from local.sagemaker.errors import SageMakerError
from local.sagemaker.service import Service


def test_missing_training_environment_is_reported_with_a_remedy(tmp_path: Path) -> None:
    service = Service(ComputeHost(tmp_path / "python", tmp_path, "http://127.0.0.1:9"))

    with pytest.raises(SageMakerError, match="make environments"):
        service.call("CreateEndpoint", {"EndpointName": "a", "EndpointConfigName": "b"})
    assert service.call("ListEndpoints", {}) == {"Endpoints": []}
