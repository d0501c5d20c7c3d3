"""The connection to ministack."""

from pathlib import Path

import pytest
from ministack.services import stepfunctions

from local.aws.patching import UnsupportedMinistack
from local.sagemaker import integration
from local.sagemaker.compute_host import ComputeHost
from local.sagemaker.service import Service


def test_changed_ministack_is_refused_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service(ComputeHost(tmp_path / "python", tmp_path, "http://127.0.0.1:9"))
    monkeypatch.delattr(stepfunctions, "_SERVICE_DISPATCH")

    with pytest.raises(UnsupportedMinistack, match="_SERVICE_DISPATCH"):
        integration.install(service)
