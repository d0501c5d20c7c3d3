"""Checking and deleting what Chalice deploys."""

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

import pytest

from deploy import application
from deploy.stacks import DeployError
from local.deployment import ANSWERS


def test_delete_removes_rules_and_targets_of_every_page(
    answer: Callable[..., list[tuple[str, dict[str, Any]]]],
) -> None:
    rules = [f"negatoscope-prod-{number}" for number in range(3)]
    sent = answer(
        ListRules=[{"Rules": [{"Name": rule}]} for rule in rules],
        ListTargetsByRule=[{"Targets": [{"Id": "a"}]}, {"Targets": [{"Id": "b"}]}],
    )

    application.delete_rules("prod")

    removed = [request for operation, request in sent if operation == "RemoveTargets"]
    assert [request["Ids"] for request in removed] == [["a", "b"]] * 3
    assert [request["Name"] for operation, request in sent if operation == "DeleteRule"] == rules


@pytest.mark.parametrize(
    ("error", "answered", "reason"),
    [
        ({}, {"statusCode": 200, "body": "{}"}, None),
        ({}, {"statusCode": 500, "body": "InternalError"}, "InternalError"),
        (
            {"FunctionError": "Unhandled"},
            {"errorMessage": "No module named 'numpy'"},
            "No module named 'numpy'",
        ),
        ({"FunctionError": "Unhandled"}, {"errorType": "Runtime.ExitError"}, "Runtime.ExitError"),
    ],
)
def test_code_that_does_not_answer_stops_the_deployment(
    answer: Callable[..., Any],
    capsys: pytest.CaptureFixture[str],
    error: dict[str, str],
    answered: dict[str, Any],
    reason: str | None,
) -> None:
    payload = BytesIO(json.dumps(answered).encode())
    sent = answer(
        GetFunction=[{"Configuration": {"LastUpdateStatus": "Successful"}}],
        Invoke=[{"Payload": payload, **error}],
    )
    if reason is None:
        application.check_code("prod")
        assert capsys.readouterr().out.rstrip().endswith(ANSWERS)  # `make run` waits for this
    else:
        with pytest.raises(DeployError, match=f"negatoscope-prod does not answer: .*{reason}"):
            application.check_code("prod")
    assert [name for name, _ in sent] == ["GetFunction", "Invoke"]


def test_cached_packages_that_lambda_cannot_read_are_discarded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "PACKAGES", tmp_path)
    for name, mode in (("managed-layer-0.zip", 0o100644), ("managed-layer-1.zip", 0o100640)):
        entry = ZipInfo("numpy/__init__.py")
        entry.external_attr = mode << 16
        with ZipFile(tmp_path / name, "w") as package:
            package.writestr(entry, "")
    (tmp_path / "appcode-2.zip").write_bytes(b"cut off")

    application.discard_unreadable_packages()

    assert [path.name for path in tmp_path.iterdir()] == ["managed-layer-0.zip"]
