"""The API at API Gateway: limits, access log, and the edge's key."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.routes import api
from deploy import gateway

LOG = "arn:aws:logs:us-east-1:123456789012:log-group:negatoscope-prod-access"
ROLE = "arn:aws:iam::123456789012:role/negatoscope-prod-gateway-logs"


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield boto3.client("apigateway")


def new_api(client: Any) -> str:
    """An API with one method, deployed to the stage `api`."""
    made: str = client.create_rest_api(name="negatoscope-prod")["id"]
    (root,) = client.get_resources(restApiId=made)["items"]
    method = {"restApiId": made, "resourceId": root["id"], "httpMethod": "GET"}
    client.put_method(**method, authorizationType="NONE")
    client.put_integration(**method, type="MOCK")
    client.create_deployment(restApiId=made, stageName="api")
    return made


def test_limits_are_of_routes() -> None:
    routes = {f"{route.path}/{route.method}" for route in api.routes}
    assert gateway.LIMITS.keys() - {"*/*"} <= routes


def test_escaped_is_one_part_of_a_path() -> None:
    assert gateway._escaped("/tasks/{task}/agreement/GET") == "~1tasks~1{task}~1agreement/GET"


def test_api_and_its_stage_have_the_tags(answer: Callable[..., list[tuple[str, dict[str, Any]]]]) -> None:
    sent = answer()
    gateway.tag("prod", "arn:aws:apigateway:us-east-1::/restapis/x")

    tags = {"application": "negatoscope", "stage": "prod"}
    assert sent == [
        ("TagResource", {"resourceArn": f"arn:aws:apigateway:us-east-1::/restapis/x{part}", "tags": tags})
        for part in ("", "/stages/api")
    ]


def test_access_log_names_the_user_and_no_query() -> None:
    assert gateway.LOGGED["user"] == "$context.authorizer.claims.sub"
    assert "querystring" not in json.dumps(gateway.LOGGED).lower()


class Account:
    """The setting of an account, which takes a role only at the third try."""

    class exceptions:  # noqa: N801
        """As on clients of boto3."""

        class BadRequestException(Exception):
            """The role is not known yet."""

    def __init__(self, role: str | None) -> None:
        self.role = role
        self.tries = 0

    def get_account(self) -> dict[str, Any]:
        return {"cloudwatchRoleArn": self.role} if self.role else {}

    def update_account(self, patchOperations: list[dict[str, str]]) -> None:  # noqa: N803
        self.tries += 1
        if self.tries < 3:
            raise self.exceptions.BadRequestException
        self.role = patchOperations[0]["value"]


@pytest.mark.parametrize(("before", "after", "tries"), [(None, ROLE, 3), ("theirs", "theirs", 0)])
def test_role_for_logs_is_set_unless_there_is_one(
    before: str | None, after: str, tries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = Account(before)
    monkeypatch.setattr(boto3, "client", lambda _service: account)
    gateway.allow_logging(ROLE, sleep=lambda _seconds: None)
    assert (account.role, account.tries) == (after, tries)


def valid_keys(client: Any) -> set[str]:
    (plan,) = client.get_usage_plans()["items"]
    return {key["id"] for key in client.get_usage_plan_keys(usagePlanId=plan["id"])["items"]}


def test_key_is_kept_and_replaced_when_it_is_old(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    api_id = new_api(client)
    first = gateway.current_key("prod", api_id)
    assert gateway.current_key("prod", api_id) == first

    monkeypatch.setattr(gateway, "KEY_DAYS", -1)
    second = gateway.current_key("prod", api_id)

    # CloudFront still sends the first one.
    assert second.value != first.value
    assert {first.id, second.id} <= valid_keys(client)
    gateway.retire_keys("prod", keep=second)
    assert [key["id"] for key in client.get_api_keys()["items"]] == [second.id]


def test_key_is_valid_for_an_api_that_was_made_again(client: Any) -> None:
    gateway.current_key("prod", new_api(client))
    again = new_api(client)
    key = gateway.current_key("prod", again)

    (plan,) = client.get_usage_plans()["items"]
    assert [stage["apiId"] for stage in plan["apiStages"]] == [again]
    assert valid_keys(client) == {key.id}


def test_delete_leaves_the_keys_of_other_stages(client: Any) -> None:
    api_id = new_api(client)
    other = gateway.current_key("test", api_id)
    gateway.current_key("prod", api_id)
    gateway.delete("prod")
    assert [key["id"] for key in client.get_api_keys()["items"]] == [other.id]
    assert [plan["name"] for plan in client.get_usage_plans()["items"]] == ["negatoscope-test-edge"]
