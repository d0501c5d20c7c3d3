"""A separate stage, deployed to the emulator's account as to AWS, and destroyed again."""

import json
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from deploy import users
from local.account import REGION, root_client
from local.deployment import aws_environment
from tests.stack.client import Answer, Client, send
from tests.stage import ROOT

STAGE = "demo"
PREFIX = f"negatoscope-{STAGE}"
BUCKET = f"{PREFIX}-data-000000000000"
SITE_BUCKET = f"{PREFIX}-site-000000000000"


class Installation:
    """The project in `folder`, and what it has deployed to the account of `client`."""

    def __init__(self, client: Client, folder: Path) -> None:
        self.client = client
        self.folder = folder
        # What the local stage was deployed from: with packages that need not be made again.
        built = client.stack.directory / "app"
        shutil.copytree(built, folder, ignore=shutil.ignore_patterns("deployed"))
        shutil.copytree(ROOT / "frontend", folder / "frontend")

    @property
    def record(self) -> Path:
        """What Chalice notes of the stage."""
        return self.folder / ".chalice" / "deployed" / f"{STAGE}.json"

    @property
    def page(self) -> Path:
        """The first file of the page."""
        return self.folder / "frontend" / "index.html"

    def run(self, *command: str, region: str = REGION) -> subprocess.CompletedProcess[str]:
        """Run a command in the project, with the account's credentials."""
        environment = aws_environment(self.client.stack.aws_url) | {"AWS_DEFAULT_REGION": region}
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )

    def deploy(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What `make deploy` does."""
        return self.run(sys.executable, "-m", "deploy.deploy", STAGE, *arguments)

    def destroy(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What `make destroy` does."""
        return self.run(sys.executable, "-m", "deploy.destroy", STAGE, *arguments)

    def step(self, code: str, region: str = REGION) -> None:
        """Run one step of a deployment by itself."""
        done = self.run(sys.executable, "-c", code, region=region)
        assert done.returncode == 0, done.stderr

    # ------------------------------------------------------------------------------------------ people

    def outputs(self, stack: str) -> dict[str, str]:
        """The outputs of one of the stage's stacks."""
        cloudformation = self.client.aws("cloudformation")
        found = cloudformation.describe_stacks(StackName=f"{PREFIX}-{stack}")["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}

    @cached_property
    def origin(self) -> str:
        """The origin of the page."""
        return self.outputs("site")["SiteOrigin"]

    @cached_property
    def label(self) -> str:
        """The first part of the distribution's domain."""
        distribution = self.outputs("site")["DistributionId"]
        found = self.client.aws("cloudfront").get_distribution(Id=distribution)["Distribution"]
        return str(found["DomainName"]).partition(".")[0]

    def visit(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """Send a browser's request to the distribution, which has another domain in the emulator."""
        port = self.client.stack.emulator_port
        named = {"Host": f"{self.label}.cloudfront.localhost:{port}", "X_Forwarded_Proto": "https"} | headers
        return send(port, method, path, body, **named)

    def new_user(self, group: str) -> tuple[str, str]:
        """Create a user in a group of the stage's user pool, and return name and password."""
        cognito, pool = self.client.aws("cognito-idp"), self.outputs("foundation")["UserPoolId"]
        name, password = f"{uuid.uuid4()}@example.org", f"Aa1-{uuid.uuid4()}"
        users.put(cognito, pool, name)
        users.put_groups(cognito, pool, name, [group])
        cognito.admin_set_user_password(UserPoolId=pool, Username=name, Password=password, Permanent=True)
        return name, password

    @cached_property
    def token(self) -> str:
        """The identity token of a signed-in reviewer."""
        cognito, pool = self.client.aws("cognito-idp"), self.outputs("foundation")["UserPoolId"]
        name, password = self.new_user("reviewer")
        # The page's own app client does not allow plain passwords.
        flow = "ADMIN_USER_PASSWORD_AUTH"
        of_test = cognito.create_user_pool_client(
            UserPoolId=pool, ClientName="test", ExplicitAuthFlows=[f"ALLOW_{flow}"]
        )["UserPoolClient"]["ClientId"]
        answer = cognito.admin_initiate_auth(
            UserPoolId=pool,
            ClientId=of_test,
            AuthFlow=flow,
            AuthParameters={"USERNAME": name, "PASSWORD": password},
        )
        return str(answer["AuthenticationResult"]["IdToken"])

    def apis(self) -> list[str]:
        """The ids of the stage's REST APIs."""
        gateway = self.client.aws("apigateway")
        found = []
        for api in gateway.get_rest_apis()["items"]:
            resources = gateway.get_resources(restApiId=api["id"], embed=["methods"], limit=500)["items"]
            if f":function:{PREFIX}/" in json.dumps(resources):
                found.append(api["id"])
        return found


def inventory(client: Client, region: str = REGION) -> set[str]:
    """What a stage could leave in a region and in the whole account, except keys that are being deleted."""
    services = partial(root_client, aws_url=client.stack.aws_url, region_name=region)
    return {f"{kind} {name}" for kind, names in KINDS.items() for name in names(services)}


def listing(
    service: str, operation: str, path: str, name: str, **arguments: Any
) -> Callable[[Any], list[str]]:
    """Make a function that lists the names of one kind: `name` of each entry in the member `path`."""

    def names(aws: Callable[[str], Any]) -> list[str]:
        return [entry[name] if name else str(entry) for page in pages(aws(service)) for entry in within(page)]

    def pages(client: Any) -> Any:
        if client.can_paginate(operation):
            return client.get_paginator(operation).paginate(**arguments)
        return [getattr(client, operation)(**arguments)]

    def within(found: Any) -> Any:
        for part in path.split("."):
            found = found.get(part) or []
        return found

    return names


def logs(aws: Callable[[str], Any]) -> Iterator[str]:
    """The log groups, except those of SageMaker's jobs, which all stages of an account share."""
    names = listing("logs", "describe_log_groups", "logGroups", "logGroupName")(aws)
    return (name for name in names if not re.fullmatch("/aws/sagemaker/[A-Z][a-z]+Jobs", name))


def keys(aws: Callable[[str], Any]) -> Iterator[str]:
    """The ids of the enabled keys."""
    kms = aws("kms")
    for key in kms.list_keys()["Keys"]:
        if kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] == "Enabled":
            yield key["KeyId"]


def stacks(aws: Callable[[str], Any]) -> Iterator[str]:
    """The names of the stacks that are not deleted."""
    for stack in aws("cloudformation").list_stacks()["StackSummaries"]:
        if stack["StackStatus"] != "DELETE_COMPLETE":
            yield stack["StackName"]


KINDS: dict[str, Callable[[Any], Any]] = {
    "alarm": listing("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    "alias": listing("kms", "list_aliases", "Aliases", "AliasName"),
    "API": listing("apigateway", "get_rest_apis", "items", "id"),
    "API key": listing("apigateway", "get_api_keys", "items", "name"),
    "usage plan": listing("apigateway", "get_usage_plans", "items", "name"),
    "budget": listing("budgets", "describe_budgets", "Budgets", "BudgetName", AccountId="000000000000"),
    "bucket": listing("s3", "list_buckets", "Buckets", "Name"),
    "dashboard": listing("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    "distribution": listing("cloudfront", "list_distributions", "DistributionList.Items", "Id"),
    "edge function": listing("cloudfront", "list_functions", "FunctionList.Items", "Name"),
    "endpoint": listing("sagemaker", "list_endpoints", "Endpoints", "EndpointName"),
    "endpoint configuration": listing(
        "sagemaker", "list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"
    ),
    "function": listing("lambda", "list_functions", "Functions", "FunctionName"),
    "group of models": listing(
        "sagemaker", "list_model_package_groups", "ModelPackageGroupSummaryList", "ModelPackageGroupName"
    ),
    "headers": listing(
        "cloudfront", "list_response_headers_policies", "ResponseHeadersPolicyList.Items", "", Type="custom"
    ),
    "key": keys,
    "layer": listing("lambda", "list_layers", "Layers", "LayerName"),
    "log": logs,
    "model": listing("sagemaker", "list_models", "Models", "ModelName"),
    "origin access": listing(
        "cloudfront", "list_origin_access_controls", "OriginAccessControlList.Items", "Name"
    ),
    "policy": listing("iam", "list_policies", "Policies", "PolicyName", Scope="Local"),
    "queue": listing("sqs", "list_queues", "QueueUrls", ""),
    "role": listing("iam", "list_roles", "Roles", "RoleName"),
    "rule": listing("events", "list_rules", "Rules", "Name"),
    "schedule": listing("scheduler", "list_schedules", "Schedules", "Name"),
    "stack": stacks,
    "state machine": listing("stepfunctions", "list_state_machines", "stateMachines", "name"),
    "subscription": listing("sns", "list_subscriptions", "Subscriptions", "SubscriptionArn"),
    "table": listing("dynamodb", "list_tables", "TableNames", ""),
    "topic": listing("sns", "list_topics", "Topics", "TopicArn"),
    "user pool": listing("cognito-idp", "list_user_pools", "UserPools", "Name", MaxResults=60),
}  # fmt: skip
"""The functions that list the resources of each kind."""
