"""Comparing deployed Lambdas with the code and settings of this folder."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import chalice
import pytest
from botocore.client import BaseClient

from deploy import application, lambdas

ROLE = "arn:aws:iam::123456789012:role/negatoscope-prod-prepare"
SETTINGS = {
    "environment_variables": {"LOG_LEVEL": "INFO"},
    "lambda_functions": {"prepare": {"lambda_memory_size": 3008, "lambda_timeout": 120}},
    "stages": {
        "prod": {
            "environment_variables": {"STAGE": "prod"},
            "lambda_functions": {"prepare": {"iam_role_arn": ROLE}},
        }
    },
}
SAME = {
    "CodeSha256": "0123456789",
    "MemorySize": 3008,
    "Timeout": 120,
    "Role": ROLE,
    "Environment": {"Variables": {"LOG_LEVEL": "INFO", "STAGE": "prod"}},
}
SOURCES = {
    "app.py": "app = 1",
    "chalicelib/errors.py": "a = 1",
    "chalicelib/models/chest-xray/model.json": "{}",
}

Differences = Callable[..., list[str]]


@pytest.fixture
def differences(tmp_path: Path, answer: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Differences:
    """The differences of a Lambda with this configuration, packed from these sources."""
    monkeypatch.setattr(application, "PROJECT", tmp_path)
    for name, text in {**SOURCES, "chalicelib/__pycache__/a.pyc": "?"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    def compare(configuration: dict[str, Any], **sources: str) -> list[str]:
        answer(GetFunction=[{"Configuration": configuration, "Code": {"Location": "https://s3/x"}}])
        package = packed({**SOURCES, **sources})
        monkeypatch.setattr(lambdas, "urlopen", lambda *_, timeout: io.BytesIO(package))
        return lambdas.Comparison("prod", SETTINGS).differences("prepare", "negatoscope-prod-prepare")

    return compare


def packed(sources: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in sources.items():
            archive.writestr(name, text)
        for name in ("__init__.py", "app.py"):
            archive.write(Path(chalice.__file__).with_name(name), f"chalice/{name}")
        archive.writestr("chalicelib/__pycache__/limits.pyc", "bytecode")
    return buffer.getvalue()


def test_same_code_and_settings_do_not_differ(differences: Differences) -> None:
    """Bytecode, which deploying makes, is not compared."""
    assert differences(SAME) == []


def test_changed_files_are_named(differences: Differences) -> None:
    changed = {"app.py": "app = 2", "chalicelib/limits.py": "", "chalicelib/errors.py": "a = 2"}
    assert differences(SAME, **changed) == [
        "code 01234567: changed files: 3 (app.py, chalicelib/errors.py, chalicelib/limits.py)"
    ]
    changed["chalicelib/models/chest-xray/model.json"] = "[]"
    (listed,) = differences(SAME, **changed)
    assert listed.endswith("4 (app.py, chalicelib/errors.py, chalicelib/limits.py, ...)")


def test_changed_settings_are_listed_with_their_values(differences: Differences) -> None:
    variables = {"LOG_LEVEL": "DEBUG", "SERVING": "{}"}
    deployed = {**SAME, "MemorySize": 128, "Timeout": 3, "Role": "r", "Environment": {"Variables": variables}}
    assert differences(deployed) == [
        "memory 128 -> 3008 MB",
        "time-out 3 -> 120 s",
        f"role r -> {ROLE}",
        "LOG_LEVEL DEBUG -> INFO",
        "SERVING {} -> not set",
        "STAGE not set -> prod",
    ]
    assert "LOG_LEVEL not set -> INFO" in differences({**SAME, "Environment": {}})


def test_lambda_that_does_not_exist_is_new(differences: Differences, monkeypatch: pytest.MonkeyPatch) -> None:
    client = boto3.client("lambda", "us-east-1")

    def missing(*_: Any) -> None:
        raise client.exceptions.ResourceNotFoundException({}, "GetFunction")

    monkeypatch.setattr(boto3, "client", lambda _service: client)
    monkeypatch.setattr(BaseClient, "_make_api_call", missing)
    assert lambdas.Comparison("prod", SETTINGS).differences("prepare", "x") == ["new"]
