"""The checks before a deployment."""

from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from chalicelib.tasks import TrainingSpec, load_tasks
from deploy import preflight, quotas, retraining, stages
from deploy.finding import Finding
from deploy.stacks import DeployError

Troubles = Callable[..., list[Finding]]
USER = "arn:aws:iam::123456789012:user/me"
SESSION = "arn:aws:sts::123456789012:assumed-role/Admin/me"
INSTANCES = [
    "ml.m7i.large for processing job usage",
    "ml.c7i.2xlarge for training job usage",
    "ml.c5.xlarge for transform job usage",
]


class Account:
    """An account of AWS in which nothing is deployed and everything is allowed."""

    def __init__(self) -> None:
        self.arn = SESSION
        self.roles: set[str] = set()
        self.stack: str | None = None
        self.denied: set[str] = set()
        self.refused: set[str] = set()
        """Operations that these credentials may not use."""
        self.quotas = {"Concurrent executions": 1000.0, **dict.fromkeys(INSTANCES, 1.0)}
        self.distributions = 1
        self.buckets: dict[str, str] = {}
        """Codes of the answers about buckets that exist, by name."""
        self.pool: str | None = None
        """The user pool that has the domain of the stage."""
        self.training = "ml.c7i.2xlarge"
        """Type of the instances of the stage that train."""
        self.certificate = {"Status": "ISSUED", "DomainName": "*.a.example"}
        self.simulated: list[str] = []

    def send(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Answer a request."""
        if operation in self.refused:
            raise error("AccessDenied", operation)
        return getattr(self, f"_{operation}")(request)  # type: ignore[no-any-return]

    def _GetCallerIdentity(self, _: Any) -> dict[str, Any]:  # noqa: N802
        return {"Account": "123456789012", "Arn": self.arn}

    def _DescribeStacks(self, _: Any) -> dict[str, Any]:  # noqa: N802
        if self.stack is None:
            raise error("ValidationError", "DescribeStacks", "Stack does not exist")
        given = {"ParameterKey": "TrainingInstanceType", "ParameterValue": self.training}
        return {"Stacks": [{"StackStatus": self.stack, "Parameters": [given]}]}

    def _ListDistributions(self, _: Any) -> dict[str, Any]:  # noqa: N802
        return {"DistributionList": {"Quantity": self.distributions}}

    def _GetRole(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        if request["RoleName"] not in self.roles:
            raise boto3.client("iam").exceptions.NoSuchEntityException({}, "GetRole")
        return {}

    def _HeadBucket(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        code = self.buckets.get(request["Bucket"], "404")
        if code != "200":
            raise error(code, "HeadBucket")
        return {}

    def _DescribeUserPoolDomain(self, _: Any) -> dict[str, Any]:  # noqa: N802
        return {"DomainDescription": {"UserPoolId": self.pool} if self.pool else {}}

    def _DescribeCertificate(self, _: Any) -> dict[str, Any]:  # noqa: N802
        return {"Certificate": self.certificate}

    def _SimulatePrincipalPolicy(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self.simulated.append(request["PolicySourceArn"])
        decisions = {
            name: "implicitDeny" if name in self.denied else "allowed" for name in request["ActionNames"]
        }
        return {"EvaluationResults": [{"EvalActionName": k, "EvalDecision": v} for k, v in decisions.items()]}

    def _ListServiceQuotas(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        of_lambda = request["ServiceCode"] == "lambda"
        named = {k: v for k, v in self.quotas.items() if (k == "Concurrent executions") == of_lambda}
        return {"Quotas": [{"QuotaName": name, "Value": value} for name, value in named.items()]}


def error(code: str, operation: str, message: str = "why") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


@cache
def session() -> Any:
    """One for all tests: it keeps the descriptions of the services, which take long to read."""
    return boto3.session.Session("key", "secret", region_name="us-east-1")


@pytest.fixture
def account(answer: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Account:
    answer()
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", session())
    monkeypatch.setattr(stages, "variables", lambda _stage: {})
    account = Account()
    monkeypatch.setattr(BaseClient, "_make_api_call", account.send)
    return account


@pytest.fixture
def troubles(account: Account, wanted: Namespace) -> Callable[..., list[Finding]]:
    def find(**changed: Any) -> list[Finding]:
        given = Namespace(**(vars(wanted) | changed))
        return [finding for finding in preflight.findings(given) if finding.level != "ok"]

    return find


@pytest.mark.parametrize("arn", [USER, SESSION])
def test_ready_account_has_no_trouble(
    account: Account, troubles: Troubles, wanted: Namespace, arn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    account.arn = arn
    assert troubles() == []
    assert account.simulated == [USER if arn == USER else "arn:aws:iam::123456789012:role/Admin"]
    preflight.report(wanted)
    assert "account 123456789012, region us-east-1" in capsys.readouterr().out


def test_missing_permissions_are_named(account: Account, troubles: Troubles, wanted: Namespace) -> None:
    account.denied = {"iam:CreateRole", "kms:CreateKey"}
    (finding,) = troubles()
    assert finding.level == "error"
    assert "may not do iam:CreateRole, kms:CreateKey." in finding.text
    with pytest.raises(DeployError, match="1 of the checks above failed"):
        preflight.report(wanted)


@pytest.mark.parametrize(
    ("operation", "text"),
    [
        ("SimulatePrincipalPolicy", "permissions of these credentials could not be checked"),
        ("ListServiceQuotas", "quotas could not be read"),
        ("GetRole", "is free is unknown"),
        ("ListDistributions", "may use CloudFront is unknown"),
    ],
)
def test_what_cannot_be_checked_is_a_warning(
    account: Account, troubles: Troubles, operation: str, text: str
) -> None:
    account.refused = {operation}
    (finding,) = troubles()
    assert finding.level == "warning"
    assert text in finding.text


@pytest.mark.parametrize("name", ["Concurrent executions", *INSTANCES])
def test_low_quota_is_named(account: Account, troubles: Troubles, name: str) -> None:
    account.quotas[name] = 10 if name == "Concurrent executions" else 0
    (finding,) = troubles()
    assert finding.level == "warning"
    assert f"'{name}' is {account.quotas[name]:.0f}" in finding.text
    assert "Service Quotas" in finding.text


@pytest.mark.parametrize(
    ("serving", "quota", "least"),
    [
        ("serverless", "Maximum total concurrency across all serverless endpoints", 5 * len(load_tasks())),
        ("provisioned", "ml.c7i.large for endpoint usage", len(load_tasks()) + 1),
    ],
)
def test_quotas_of_endpoints_are_those_of_the_tasks(
    account: Account, troubles: Troubles, serving: str, quota: str, least: int
) -> None:
    account.quotas[quota] = least
    given = dict.fromkeys(load_tasks(), serving)
    assert troubles(serving=given) == []
    account.quotas[quota] = least - 1
    (finding,) = troubles(serving=given)
    assert f"'{quota}' is {least - 1}: not all retrained models" in finding.text
    assert troubles() == []


def test_quota_of_training_is_that_of_its_instance(account: Account, troubles: Troubles) -> None:
    quota = "ml.g5.xlarge for training job usage"
    (finding,) = troubles(instance="ml.g5.xlarge")
    assert f"'{quota}' is 0" in finding.text

    account.stack, account.training = "UPDATE_COMPLETE", "ml.g5.xlarge"
    (finding,) = troubles()
    assert f"'{quota}' is 0" in finding.text
    account.quotas[quota] = 1
    assert troubles() == []


def test_quota_of_training_counts_the_instances_of_the_tasks(
    account: Account, troubles: Troubles, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = load_tasks()
    large = replace(tasks["chest-xray"], training=TrainingSpec(4, 2))
    monkeypatch.setattr(quotas, "load_tasks", lambda: tasks | {"chest-xray": large})
    account.quotas["ml.c7i.2xlarge for training job usage"] = 3

    preparing, training = troubles()

    assert "is 1: a retraining cannot prepare and evaluate data on 2 instances" in preparing.text
    assert "is 3: a retraining cannot train on 4 instances" in training.text
    account.quotas["ml.m7i.large for processing job usage"] = 2
    account.quotas["ml.c7i.2xlarge for training job usage"] = 4
    assert troubles() == []


def test_stage_of_another_region_is_recognised_by_its_roles(account: Account, troubles: Troubles) -> None:
    account.roles = {"negatoscope-prod-api"}
    (finding,) = troubles()
    assert finding.level == "error"
    assert "in another region" in finding.text

    account.stack = "UPDATE_COMPLETE"
    assert troubles() == []


def test_account_without_a_distribution_may_have_to_be_verified(account: Account, troubles: Troubles) -> None:
    account.distributions = 0
    (finding,) = troubles()
    assert finding.level == "warning"
    assert "AWS Support" in finding.text


def test_partition_without_cloudfront_needs_a_page_elsewhere(account: Account, troubles: Troubles) -> None:
    account.arn = "arn:aws-us-gov:iam::123456789012:user/me"
    (finding,) = troubles()
    assert finding.level == "error"
    assert "GovCloud has no CloudFront" in finding.text
    account.refused = {"ListDistributions"}
    assert troubles(site_origin="https://a.example") == []


@pytest.mark.parametrize(
    ("region", "level", "text"),
    [
        ("cn-north-1", "error", "seems to lack services that a stage needs: cognito-idp."),
        ("xx-north-1", "error", "AWS has no region xx-north-1"),
    ],
)
def test_region_without_the_services_is_named(
    account: Account, troubles: Troubles, monkeypatch: pytest.MonkeyPatch, region: str, level: str, text: str
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    monkeypatch.setattr(retraining, "image_account", lambda: None)
    (finding,) = troubles()
    assert finding.level == level
    assert text in finding.text


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"buckets": {"negatoscope-prod-data-123456789012": "200"}}, "The bucket negatoscope-prod-data-"),
        ({"buckets": {"negatoscope-prod-site-123456789012": "403"}}, "The bucket negatoscope-prod-site-"),
        ({"pool": "us-east-1_4711"}, "The user pool us-east-1_4711 has the domain"),
    ],
)
def test_names_that_are_taken_are_found_before(
    account: Account, troubles: Troubles, changed: dict[str, Any], text: str
) -> None:
    vars(account).update(changed)
    (finding,) = troubles()
    assert finding.level == "error"
    assert text in finding.text
    account.stack = "UPDATE_COMPLETE"
    assert troubles() == [], "they are the stage's"


@pytest.mark.parametrize(
    ("certificate", "domain", "text"),
    [
        ({"Status": "ISSUED", "DomainName": "*.a.example"}, "images.a.example", None),
        ({"Status": "ISSUED", "DomainName": "a.example"}, "a.example", None),
        ({"Status": "ISSUED", "DomainName": "a.example"}, "b.example", "is for a.example, not for b.example"),
        ({"Status": "PENDING_VALIDATION", "DomainName": "a.example"}, "a.example", "is PENDING_VALIDATION"),
    ],
)
def test_certificate_is_that_of_the_domain(
    account: Account, troubles: Troubles, certificate: dict[str, str], domain: str, text: str | None
) -> None:
    account.certificate = certificate
    found = troubles(certificate="arn:c", domain=domain)
    assert [text in finding.text for finding in found if text] == ([True] if text else [])
    assert len(found) == bool(text)


def test_emulator_has_no_quotas(
    account: Account, troubles: Troubles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:4566")
    account.refused = {"ListServiceQuotas", "SimulatePrincipalPolicy", "GetRole"}
    assert troubles() == []
