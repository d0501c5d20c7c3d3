"""Registering the bundled models."""

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from deploy import models


def test_bundled_models_are_registered_side_by_side(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    together = threading.Barrier(2, timeout=30)

    def seed(_registry: object, task: str, package: str) -> Any:
        together.wait()
        return SimpleNamespace(version=f"{package} of {task}")

    monkeypatch.setattr(models, "seed", seed)
    monkeypatch.setattr(models, "load_tasks", lambda: ["chest-xray", "retinal-oct", "without-a-model"])
    monkeypatch.setattr(models, "bundled_package", {"chest-xray": "1", "retinal-oct": "2"}.get)
    monkeypatch.setattr("boto3.client", lambda _name: None)

    models.register("bucket")

    assert capsys.readouterr().out.split("\n    ") == [
        "    chest-xray: 1 of chest-xray is current",
        "retinal-oct: 2 of retinal-oct is current\n",
    ]


def test_failed_registration_ends_the_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    def seed(_registry: object, _task: str, _package: str) -> Any:
        raise RuntimeError("no bucket")

    monkeypatch.setattr(models, "seed", seed)
    monkeypatch.setattr(models, "load_tasks", lambda: ["chest-xray"])
    monkeypatch.setattr(models, "bundled_package", lambda _task: "1")
    monkeypatch.setattr("boto3.client", lambda _name: None)

    with pytest.raises(RuntimeError, match="no bucket"):
        models.register("bucket")
