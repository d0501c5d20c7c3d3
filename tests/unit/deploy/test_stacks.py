"""CloudFormation stacks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from botocore.session import get_session
from botocore.validate import ParamValidator
from samtranslator.yaml_helper import yaml_parse

from deploy import stacks
from tests.alarms import TEMPLATE as ALARMS
from tests.cloud import FOUNDATION, RETRAINING, SITE


def test_resources_include_every_page(answer: Callable[..., list[tuple[str, dict[str, Any]]]]) -> None:
    answer(
        DescribeStacks=[{"Stacks": [{"StackStatus": "CREATE_COMPLETE"}]}],
        ListStackResources=[
            {"StackResourceSummaries": [{"LogicalResourceId": "A", "PhysicalResourceId": "a"}]},
            {"StackResourceSummaries": [{"LogicalResourceId": "B"}]},
            {"StackResourceSummaries": [{"LogicalResourceId": "C", "PhysicalResourceId": "c"}]},
        ],
    )

    assert stacks.resources("x") == {"A": "a", "C": "c"}


def test_resources_leave_out_what_was_deleted_or_never_made(
    answer: Callable[..., list[tuple[str, dict[str, Any]]]],
) -> None:
    """CloudFormation also lists these, for a stack whose creation or deletion failed."""
    states = {"Kept": "CREATE_COMPLETE", "Left": "DELETE_FAILED", "Gone": "DELETE_COMPLETE"}
    summaries = [
        {"LogicalResourceId": name, "PhysicalResourceId": name.lower(), "ResourceStatus": state}
        for name, state in states.items()
    ]
    never_made = {
        "LogicalResourceId": "Never",
        "PhysicalResourceId": "",
        "ResourceStatus": "CREATE_FAILED",
    }
    answer(
        DescribeStacks=[{"Stacks": [{"StackStatus": "DELETE_FAILED"}]}],
        ListStackResources=[{"StackResourceSummaries": [*summaries, never_made]}],
    )

    assert stacks.resources("x") == {"Kept": "kept", "Left": "left"}


MODEL = get_session().get_service_model("cloudformation")


class CloudFormation:
    """One stack, whose operations succeed at once. Its first creations fail for the reasons in `failures`."""

    def __init__(self, status: str | None, **parameters: str):
        self.status = status
        self.parameters = parameters
        self.declared: dict[str, str | None] = {"Stage": None, "Schedule": "", "Image": "new"}
        self.deployed: dict[str, str | None] = {"Stage": None, "Schedule": "", "Image": "old"}
        """Parameters of the new template and of the deployed one, with their defaults."""
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.failures: list[str] = []
        self.reason = ""

    @property
    def operations(self) -> list[str]:
        """The requests that change something, in their order."""
        return [name for name, _ in self.sent if not name.startswith(("Describe", "Get"))]

    @property
    def last_parameters(self) -> dict[str, str | None]:
        """Those of the last request; None keeps the previous value."""
        return {one["ParameterKey"]: one.get("ParameterValue") for one in self.sent[-1][1]["Parameters"]}

    def send(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Answer a request, which must be one that botocore sends."""
        shape = MODEL.operation_model(operation).input_shape
        report = ParamValidator().validate(request, shape)
        assert not report.has_errors(), report.generate_report()
        if operation == "DescribeStacks":
            if self.status is None:
                raise ClientError(
                    {"Error": {"Code": "ValidationError", "Message": "does not exist"}}, operation
                )
            known = [{"ParameterKey": key, "ParameterValue": value} for key, value in self.parameters.items()]
            return {"Stacks": [{"StackStatus": self.status, "Parameters": known}]}
        if operation == "GetTemplateSummary":
            defaults = self.deployed if "StackName" in request else self.declared
            return {
                "Parameters": [
                    {"ParameterKey": key} | ({} if default is None else {"DefaultValue": default})
                    for key, default in defaults.items()
                ]
            }
        if operation == "DescribeEvents":
            event = {"OperationId": 1, "LogicalResourceId": "Retraining", "ResourceStatusReason": self.reason}
            return {"OperationEvents": [event]}
        self.sent.append((operation, request))
        if operation == "CreateStack" and self.failures:
            self.reason, self.status = self.failures.pop(0), "ROLLBACK_COMPLETE"
            return {}
        self.status = {
            "CreateStack": "CREATE_COMPLETE",
            "UpdateStack": "UPDATE_COMPLETE",
            "DeleteStack": None,
            "ContinueUpdateRollback": "UPDATE_ROLLBACK_COMPLETE",
        }.get(operation, self.status)
        return {}


@pytest.fixture
def cloudformation(
    answer: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., CloudFormation]:
    answer()

    def install(status: str | None, **parameters: str) -> CloudFormation:
        service = CloudFormation(status, **parameters)
        monkeypatch.setattr(BaseClient, "_make_api_call", service.send)
        return service

    return install


def test_update_keeps_the_parameters_that_it_does_not_set(
    cloudformation: Callable[..., CloudFormation],
) -> None:
    service = cloudformation("UPDATE_COMPLETE", Stage="prod", Schedule="rate(7 days)", Removed="x")

    stacks.put_stack("s", "{}", {"Stage": "prod"}, protected=True)

    assert service.operations == ["UpdateStack"]
    assert service.last_parameters == {"Stage": "prod", "Schedule": None}


@pytest.mark.parametrize(("image", "kept"), [("old", False), ("mine", True)])
def test_update_gets_new_defaults_unless_somebody_has_set_a_value(
    cloudformation: Callable[..., CloudFormation], image: str, kept: bool
) -> None:
    service = cloudformation("UPDATE_COMPLETE", Stage="prod", Schedule="", Image=image)

    stacks.put_stack("s", "{}", {"Stage": "prod"}, protected=True)

    assert service.last_parameters == {"Stage": "prod"} | ({"Image": None} if kept else {})


def test_new_stack_gets_the_defaults_of_the_template(cloudformation: Callable[..., CloudFormation]) -> None:
    service = cloudformation(None)

    stacks.put_stack("s", "{}", {"Stage": "prod", "Schedule": None}, protected=True)

    assert service.operations == ["CreateStack"]
    assert service.last_parameters == {"Stage": "prod"}


@pytest.mark.parametrize("status", stacks.UNFINISHED)
def test_stack_that_was_never_complete_is_created_anew(
    cloudformation: Callable[..., CloudFormation], status: str
) -> None:
    service = cloudformation(status)

    stacks.put_stack("s", "{}", {"Stage": "prod"}, protected=True)

    assert service.operations == ["UpdateTerminationProtection", "DeleteStack", "CreateStack"]


def test_failed_rollback_is_continued_before_an_update(
    cloudformation: Callable[..., CloudFormation],
) -> None:
    service = cloudformation("UPDATE_ROLLBACK_FAILED", Stage="prod")

    stacks.put_stack("s", "{}", {"Stage": "prod"}, protected=True)

    assert service.operations == ["ContinueUpdateRollback", "UpdateStack"]


def test_rollback_that_fails_again_says_how_to_leave_resources_out(
    cloudformation: Callable[..., CloudFormation], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_waiter: str, name: str) -> None:
        raise stacks.DeployError(f"Stack {name} failed:\n  ApiRole: not found")

    monkeypatch.setattr(stacks, "wait_for_stack", fail)
    cloudformation("UPDATE_ROLLBACK_FAILED", Stage="prod")

    with pytest.raises(stacks.DeployError, match=r"ApiRole: not found\n.*--stack-name s --resources-to-skip"):
        stacks.put_stack("s", "{}", {"Stage": "prod"}, protected=True)


def test_operation_that_does_not_end_is_reported(
    cloudformation: Callable[..., CloudFormation], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stacks, "MAX_WAIT", 0)
    cloudformation("UPDATE_IN_PROGRESS")

    with pytest.raises(stacks.DeployError, match=r"Stack s is still UPDATE_IN_PROGRESS\."):
        stacks.put_stack("s", "{}", {"Stage": "prod"}, protected=True)


STATUSES = boto3.client("cloudformation", "us-east-1").meta.service_model.shape_for("StackStatus").enum


@pytest.mark.parametrize("status", sorted(set(STATUSES) - {"DELETE_COMPLETE"}))
def test_every_status_of_a_stack_is_updated_renewed_or_waited_for(
    cloudformation: Callable[..., CloudFormation], monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    """Stacks that were deleted are not found by their names."""
    monkeypatch.setattr(stacks, "MAX_WAIT", 0)
    service = cloudformation(status, Stage="prod")

    def put() -> None:
        stacks.put_stack("s", "{}", {"Stage": "prod"}, protected=True)

    if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
        with pytest.raises(stacks.DeployError, match=f"still {status}"):
            put()
    else:
        monkeypatch.setattr(stacks, "wait_for_stack", lambda *_: None)
        put()
        assert service.operations[-1] == ("CreateStack" if status in stacks.UNFINISHED else "UpdateStack")


ROLE = "arn:aws:iam::123456789012:role/states is not authorized to create managed-rule."


def test_stack_that_came_before_its_role_was_known_is_tried_again(
    cloudformation: Callable[..., CloudFormation], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stacks, "ATTEMPT_PAUSE", 0)
    service = cloudformation(None)
    service.failures = [ROLE, ROLE]

    stacks.put_stack("s", "{}", {"Stage": "prod"}, protected=True)

    assert service.operations.count("CreateStack") == 3
    assert service.status == "CREATE_COMPLETE"


@pytest.mark.parametrize(("failures", "created"), [([ROLE] * 9, stacks.ATTEMPTS), (["Invalid name"], 1)])
def test_attempts_at_a_stack_are_limited(
    cloudformation: Callable[..., CloudFormation],
    monkeypatch: pytest.MonkeyPatch,
    failures: list[str],
    created: int,
) -> None:
    monkeypatch.setattr(stacks, "ATTEMPT_PAUSE", 0)
    service = cloudformation(None)
    service.failures = list(failures)

    with pytest.raises(stacks.DeployError, match=failures[0][:20]):
        stacks.put_stack("s", "{}", {"Stage": "prod"}, protected=True)

    assert service.operations.count("CreateStack") == created


@pytest.mark.parametrize("path", [FOUNDATION, RETRAINING, SITE, ALARMS], ids=lambda path: path.name)
def test_template_without_comments_is_the_same(path: Path) -> None:
    text = path.read_text()
    assert len(stacks.without_comments(text)) < len(text)
    assert yaml_parse(stacks.without_comments(text)) == yaml_parse(text)
