"""The templates and the scripts that deploy them."""

import argparse
import gzip
import json
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.api.auth import GROUPS
from deploy import application, destroy, foundation, options, retraining, stacks, stages, website
from local.account import REGION
from local.aws import cognito
from tests.cloud import RETRAINING, SITE, template
from tests.cloud import foundation as foundation_template
from tests.stack.client import Client
from tests.stage import ROOT

# IAM defines no ARN for what these actions work on.
WITHOUT_ARN = {
    "cloudwatch:PutMetricData",
    "ecr:GetAuthorizationToken",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}


NAMES = (
    *("DataBucket", "ResultsTable", "RetrainingsTable", "RetrainingArn"),
    *("UserPoolArn", "UserPoolClientId", "LoginOrigin"),
)
"""Outputs of the foundation stack that are recorded, besides roles."""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that contains only a configuration."""
    folder = tmp_path / ".chalice"
    (folder / "deployments").mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"stages": {"prod": {"lambda_timeout": 7}}}))
    monkeypatch.setattr(stages, "CONFIG", folder / "config.json")
    monkeypatch.setattr(application, "PROJECT", tmp_path)
    monkeypatch.setattr(application, "PACKAGES", folder / "deployments")
    return tmp_path


def fake_chalice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str, code: int) -> None:
    """An interpreter whose Chalice prints `output` and exits with `code`."""
    script = tmp_path / "bin" / "python"
    script.parent.mkdir()
    script.write_text(f"#!/bin/sh\necho \"$@\"\ncat <<'END'\n{output}\nEND\nexit {code}\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))


def test_missing_dependencies_fail_and_are_not_cached(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_chalice(tmp_path, monkeypatch, "Could not install dependencies:\nonnxruntime==1.28.0", code=0)
    package = tmp_path / ".chalice" / "deployments" / "managed-layer-0-python3.12.zip"
    package.write_bytes(b"incomplete")

    with pytest.raises(stacks.DeployError, match=r"requirements\.in"):
        application.run_chalice("prod")

    assert not package.exists()


@pytest.mark.parametrize(
    ("installed", "works"), [("23.2.1", True), ("26.2", True), ("26.3", False), ("27.0.1", False)]
)
def test_pip_version_must_be_one_that_chalice_supports(project: Path, installed: str, works: bool) -> None:
    if works:
        application.check_pip(installed)
    else:
        with pytest.raises(stacks.DeployError, match=r"pip<26\.3"):
            application.check_pip(installed)


@pytest.mark.parametrize(
    ("running", "endpoint", "works"),
    [
        ((3, 12), None, True),
        ((3, 13), None, True),
        ((3, 14), None, False),
        ((3, 15), None, False),
        ((3, 14), "http://localhost:4566", True),
    ],
)
def test_python_version_on_aws_must_be_one_that_dicomsdl_supports(
    monkeypatch: pytest.MonkeyPatch, running: tuple[int, int], endpoint: str | None, works: bool
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    if endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    if works:
        application.check_python(running)
    else:
        with pytest.raises(stacks.DeployError, match=r"with Python 3\.12 or 3\.13"):
            application.check_python(running)


def test_failure_of_chalice_fails_the_deployment(
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fake_chalice(tmp_path, monkeypatch, "AccessDenied", code=2)

    with pytest.raises(stacks.DeployError, match="code 2"):
        application.run_chalice("prod")

    said = capsys.readouterr().out
    assert "AccessDenied" in said
    assert "deploy --stage prod --connection-timeout 600" in said, "a slow uplink needs minutes"


def test_recorded_settings_keep_those_set_by_hand(project: Path, tmp_path: Path) -> None:
    outputs = {output: f"arn:{output}" for output in stages.ROLES.values()}
    outputs |= {
        "DataBucket": "bucket",
        "ResultsTable": "table",
        "RetrainingsTable": "retrainings",
        "RetrainingArn": "arn:machine",
        "UserPoolArn": "arn:pool",
        "UserPoolClientId": "client",
        "LoginOrigin": "https://login.example",
    }

    stages.record("prod", outputs)
    stages.record("prod", outputs)

    stage = json.loads((tmp_path / ".chalice" / "config.json").read_text())["stages"]["prod"]
    assert stage["lambda_timeout"] == 7
    assert stage["environment_variables"] == {
        "DATA_BUCKET": "bucket",
        "RESULTS_TABLE": "table",
        "RETRAININGS_TABLE": "retrainings",
        "RETRAINING_ARN": "arn:machine",
        "EXPORT_ARN": "arn:negatoscope-prod-export",
        "BATCH_ARN": "arn:negatoscope-prod-batch",
        "LOGIN_CLIENT_ID": "client",
        "LOGIN_ORIGIN": "https://login.example",
        "STAGE": "prod",
        "USER_POOL_ARN": "arn:pool",
    }
    assert stage["lambda_functions"]["prepare"]["iam_role_arn"] == "arn:PrepareRoleArn"
    assert stage["lambda_functions"]["api_handler"]["iam_role_arn"] == "arn:ApiRoleArn"


def test_destroyed_stage_is_forgotten_except_what_was_set_by_hand(project: Path, tmp_path: Path) -> None:
    config = tmp_path / ".chalice" / "config.json"
    before = {"lambda_timeout": 7, "environment_variables": {"LOG_LEVEL": "DEBUG"}}
    config.write_text(json.dumps({"stages": {"prod": before, "test": {}}}))
    outputs = dict.fromkeys([*stages.ROLES.values(), *NAMES], "arn")
    for stage in ("prod", "test"):
        stages.record(stage, outputs, key_required=True)
        assert stages.variables(stage).keys() - {"LOG_LEVEL"} == set(stages.RECORDED)
        stages.forget(stage)

    assert json.loads(config.read_text()) == {"stages": {"prod": before}}


def test_every_function_of_the_app_has_settings_and_a_role(client: Client, project: Path) -> None:
    config = json.loads((ROOT / ".chalice" / "config.json").read_text())
    functions = client.functions.list_functions()["Functions"]
    deployed = {
        function["FunctionName"].removeprefix("negatoscope-local").removeprefix("-")
        or "api_handler": function
        for function in functions
        if function["FunctionName"].startswith("negatoscope-local")
    }

    assert deployed.keys() == config["lambda_functions"].keys() == stages.ROLES.keys()
    for name, settings in config["lambda_functions"].items():
        assert deployed[name]["MemorySize"] == settings["lambda_memory_size"]
        assert deployed[name]["Timeout"] == settings["lambda_timeout"]
        assert deployed[name]["TracingConfig"] == {"Mode": "Active"}, "X-Ray"


def statements() -> Iterator[dict[str, Any]]:
    """Every statement of every role and policy in the templates."""
    for resource in [*foundation_template().values(), *template(RETRAINING)["Resources"].values()]:
        properties = resource["Properties"]
        if resource["Type"] in ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"):
            yield from properties["PolicyDocument"]["Statement"]
        for policy in properties.get("Policies", []) if resource["Type"] == "AWS::IAM::Role" else []:
            yield from policy["PolicyDocument"]["Statement"]


def listed(value: Any) -> list[Any]:
    """IAM allows a single value in place of a list."""
    return value if isinstance(value, list) else [value]


def set_endpoints(tmp_path: Path, endpoints: dict[str, str]) -> None:
    stage = {"environment_variables": {"ENDPOINTS": json.dumps(endpoints)}}
    (tmp_path / ".chalice" / "config.json").write_text(json.dumps({"stages": {"prod": stage}}))


def test_roles_may_call_only_endpoints_named_by_tasks(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    assert foundation.other_endpoints("prod") == []
    set_endpoints(tmp_path, {"chest-xray": "Their-Model", "retinal-oct": "negatoscope-prod-oct"})
    with mock_aws():
        arns = foundation.other_endpoints("prod")
    prefix = "arn:aws:sagemaker:eu-central-1:123456789012:endpoint/"
    assert arns == [f"{prefix}Their-Model", f"{prefix}their-model"]
    pattern = foundation_template("Parameters")["OtherEndpoints"]["AllowedPattern"]
    assert all(re.fullmatch(pattern, arn) for arn in ["", *arns])
    assert not any(re.fullmatch(pattern, arn) for arn in ["*", f"{prefix}*", f"{prefix}a?", prefix])


def test_invalid_endpoints_stop_the_deployment_with_a_message(project: Path, tmp_path: Path) -> None:
    set_endpoints(tmp_path, {"feet": "x"})
    with pytest.raises(stacks.DeployError, match=r"unknown task, feet\."):
        foundation.other_endpoints("prod")


def test_no_policy_allows_everything() -> None:
    found = list(statements())

    assert len(found) > 40
    for statement in found:
        actions = set(listed(statement["Action"]))
        assert not [action for action in actions if "*" in action]
        if "*" in listed(statement["Resource"]):
            assert actions <= WITHOUT_ARN


def test_data_resources_are_encrypted_private_and_retained() -> None:
    resources = foundation_template()
    bucket, table = resources["DataBucket"], resources["ResultsTable"]

    (encryption,) = bucket["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
    assert table["Properties"]["SSESpecification"]["SSEType"] == "KMS"
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert resources["DataKey"]["Properties"]["EnableKeyRotation"] is True
    for resource in (bucket, table, resources["DataKey"], resources["UserPool"]):
        assert resource["UpdateReplacePolicy"] == "Retain"


def test_sign_in_settings_are_strict() -> None:
    resources = foundation_template()
    pool, client = (resources[name]["Properties"] for name in ("UserPool", "UserPoolClient"))

    assert pool["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
    assert (pool["MfaConfiguration"], pool["EnabledMfas"]) == ("Mfa", ["SOFTWARE_TOKEN_MFA"])
    assert foundation_template("Parameters")["Mfa"]["Default"] == "ON"
    password = pool["Policies"]["PasswordPolicy"]
    assert all(password[f"Require{kind}"] for kind in ("Lowercase", "Uppercase", "Numbers", "Symbols"))
    # The page keeps no secret, so every code needs a proof (PKCE), and a refresh token is good once,
    # but for the time in which its answer may have been lost.
    assert client["GenerateSecret"] is False
    rotation = {"Feature": "ENABLED", "RetryGracePeriodSeconds": cognito.GRACE_PERIOD}
    assert client["RefreshTokenRotation"] == rotation
    assert "ALLOW_REFRESH_TOKEN_AUTH" not in client["ExplicitAuthFlows"]  # Cognito takes one or the other
    assert client["EnableTokenRevocation"] is True
    assert client["PreventUserExistenceErrors"] == "ENABLED"


def test_stage_with_login_can_be_deployed(client: Client) -> None:
    """Also: the template is updated in place, TLS is required, and roles may call the endpoints that tasks
    name.
    """
    cloudformation, name = client.aws("cloudformation"), "negatoscope-test-foundation"
    template = (ROOT / "deploy" / "foundation.yaml").read_text()
    endpoints = [f"arn:aws:sagemaker:us-east-1:000000000000:endpoint/{name}" for name in ("one", "two")]
    for origin in ("https://a.example", "https://b.example"):
        request = {
            "StackName": name,
            "TemplateBody": template,
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
            "Parameters": [
                {"ParameterKey": "Stage", "ParameterValue": "test"},
                {"ParameterKey": "SiteOrigin", "ParameterValue": origin},
                {"ParameterKey": "OtherEndpoints", "ParameterValue": ",".join(endpoints)},
            ],
        }
        if origin.startswith("https://a"):
            cloudformation.create_stack(**request)
            cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
        else:
            cloudformation.update_stack(**request)
            cloudformation.get_waiter("stack_update_complete").wait(StackName=name, WaiterConfig={"Delay": 1})

    outputs = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["Outputs"]
    values = {output["OutputKey"]: output["OutputValue"] for output in outputs}
    pool = client.aws("cognito-idp").describe_user_pool(UserPoolId=values["UserPoolId"])["UserPool"]
    cors = client.s3.get_bucket_cors(Bucket=values["DataBucket"])["CORSRules"]
    policy = json.loads(client.s3.get_bucket_policy(Bucket=values["DataBucket"])["Policy"])
    assert pool["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is True
    assert pool["Policies"]["PasswordPolicy"]["MinimumLength"] == 14
    groups = client.aws("cognito-idp").list_groups(UserPoolId=values["UserPoolId"])["Groups"]
    assert {group["GroupName"] for group in groups} == set(GROUPS)
    described = {"UserPoolId": values["UserPoolId"], "ClientId": values["UserPoolClientId"]}
    page = client.aws("cognito-idp").describe_user_pool_client(**described)["UserPoolClient"]
    assert page["CallbackURLs"] == page["LogoutURLs"] == ["https://b.example/"]
    assert (page["AllowedOAuthFlows"], page["AllowedOAuthScopes"]) == (["code"], ["openid"])
    assert values["LoginOrigin"] == "https://negatoscope-test-000000000000.auth.us-east-1.amazoncognito.com"
    assert [rule["AllowedOrigins"] for rule in cors] == [["https://b.example"]]
    assert policy["Statement"][0]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    for role in ("api", "classify"):
        named = {"RoleName": f"negatoscope-test-{role}", "PolicyName": "other-endpoints"}
        (statement,) = client.aws("iam").get_role_policy(**named)["PolicyDocument"]["Statement"]
        assert (statement["Action"], statement["Resource"]) == ("sagemaker:InvokeEndpoint", endpoints)


def test_documented_commands_deploy_the_optional_templates(client: Client) -> None:
    """As the AWS command line does it: with a change set."""
    text = (ROOT / "docs" / "deployment.md").read_text().replace("\\\n", " ")
    parser = argparse.ArgumentParser()
    for option in ("--region", "--stack-name", "--template-file", "--parameter-overrides"):
        parser.add_argument(option, default=REGION)
    outputs = {}
    for command in re.findall(r"^aws cloudformation deploy (.*)", text, re.MULTILINE):
        wanted = parser.parse_args(shlex.split(command))
        cloudformation = client.aws("cloudformation", region_name=wanted.region)
        name, _, value = wanted.parameter_overrides.partition("=")
        named = {"StackName": wanted.stack_name, "ChangeSetName": "deploy"}
        cloudformation.create_change_set(
            **named,
            ChangeSetType="CREATE",
            TemplateBody=(ROOT / wanted.template_file).read_text(),
            Parameters=[{"ParameterKey": name, "ParameterValue": value}],
        )
        cloudformation.get_waiter("change_set_create_complete").wait(**named, WaiterConfig={"Delay": 1})
        cloudformation.execute_change_set(**named)
        waiter = cloudformation.get_waiter("stack_create_complete")
        waiter.wait(StackName=wanted.stack_name, WaiterConfig={"Delay": 1})
        (stack,) = cloudformation.describe_stacks(StackName=wanted.stack_name)["Stacks"]
        outputs[wanted.template_file] = {
            output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())
        }
        cloudtrail = client.aws("cloudtrail")
        if wanted.template_file.endswith("data-events.yaml"):
            assert cloudtrail.get_trail_status(Name="negatoscope-prod")["IsLogging"] is True
            selected = cloudtrail.get_event_selectors(TrailName="negatoscope-prod")
            assert len(selected["AdvancedEventSelectors"]) == 2
        cloudformation.delete_stack(StackName=wanted.stack_name)

    assert outputs.keys() == {"deploy/firewall.yaml", "deploy/data-events.yaml"}
    assert re.fullmatch(options.FIREWALL, outputs["deploy/firewall.yaml"]["FirewallArn"])


def test_functions_have_the_tags(client: Client) -> None:
    for function in client.functions.list_functions()["Functions"]:
        if function["FunctionName"].startswith("negatoscope-local"):
            found = client.functions.list_tags(Resource=function["FunctionArn"])["Tags"]
            assert stacks.tags("local").items() <= found.items(), function["FunctionName"]


def test_unused_uploads_expire(client: Client) -> None:
    settings = client.aws("dynamodb").describe_time_to_live(TableName="negatoscope-local-results")

    assert settings["TimeToLiveDescription"] == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}


def test_stage_without_login_is_not_put_on_aws(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with pytest.raises(stacks.DeployError, match="make run"):
        stages.check("local")


def test_files_too_large_for_the_edge_are_compressed_before(project: Path, tmp_path: Path) -> None:
    page = tmp_path / "page"
    (page / ".hidden").mkdir(parents=True)
    for name, size in (
        ("large.js", website.MAX_COMPRESSED + 1),
        ("small.js", 9),
        (".hidden/a.js", 9),
        ("t.yaml", 9),
    ):
        (page / name).write_bytes(b" " * size)

    listed, large, small = website.files(page)

    assert (listed.name, json.loads(listed.content)["files"].keys()) == (
        "files.json",
        {"/large.js", "/small.js"},
    )
    assert (large.name, large.headers["ContentEncoding"]) == ("large.js", "gzip")
    assert len(gzip.decompress(large.content)) == website.MAX_COMPRESSED + 1
    assert (small.name, small.content) == ("small.js", b" " * 9)
    assert "ContentEncoding" not in small.headers


def test_version_of_the_page_is_its_content(project: Path, tmp_path: Path) -> None:
    page = tmp_path / "page"
    page.mkdir()
    versions = []
    for name, text in (("a.js", "1"), ("a.js", "2"), ("b.js", "1"), ("a.js", "1")):
        (page / name).write_text(text)
        versions.append(website.fingerprint(list(website.files(page))))
        if name == "b.js":
            (page / name).unlink()

    assert versions[0] == versions[3]
    assert len(set(versions)) == 3


def test_destroy_leaves_only_resources_that_hold_data(project: Path) -> None:
    """What is left must not refer to anything deleted."""
    template = foundation.data_template()
    kept = set(template["Resources"])
    assert kept == {
        "AccessLogs", "DataKey", "DataKeyAlias", "DataBucket", "DataBucketPolicy", "ResultsTable",
        "RetrainingsTable",
    }  # fmt: skip
    known = kept | template["Parameters"].keys()
    referred = {name.partition(".")[0] for name in references(template["Resources"])}
    assert {name for name in referred if not name.startswith("AWS::")} <= known


def references(value: Any) -> Iterator[str]:
    """The logical ids to which a part of a template refers."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "Ref":
                yield item
            elif key == "Fn::GetAtt":
                yield item[0]
            elif key == "Fn::Sub":
                yield from re.findall(r"\$\{([^}]+)\}", item)
            else:
                yield from references(item)


def test_custom_domain_requires_modern_tls() -> None:
    distribution = template(SITE)["Resources"]["Distribution"]["Properties"]["DistributionConfig"]
    _, of_domain, otherwise = distribution["ViewerCertificate"]
    assert of_domain["MinimumProtocolVersion"] == "TLSv1.2_2021"
    assert otherwise == {"CloudFrontDefaultCertificate": True}


@mock_aws
def test_destroy_stops_running_retrainings(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    states = boto3.client("stepfunctions")
    machine = states.create_state_machine(
        name="retrain", definition="{}", roleArn="arn:aws:iam::123456789012:role/states"
    )["stateMachineArn"]
    execution = states.start_execution(stateMachineArn=machine)["executionArn"]

    retraining.stop_executions(machine)

    assert states.describe_execution(executionArn=execution)["status"] == "ABORTED"


@pytest.mark.parametrize("confirmed", [None, "", "prod"])
def test_images_are_deleted_only_if_the_stage_is_named_twice(project: Path, confirmed: str | None) -> None:
    """Without the confirmation, nothing is deleted."""
    with pytest.raises(stacks.DeployError, match="CONFIRM=demo"):
        destroy.destroy("demo", images=True, confirmed=confirmed)


@pytest.mark.parametrize(
    ("region", "host"),
    [("us-east-1", "images.s3.amazonaws.com"), ("eu-central-1", "images.s3.eu-central-1.amazonaws.com")],
)
def test_page_may_upload_to_the_address_in_the_form(
    project: Path, monkeypatch: pytest.MonkeyPatch, region: str, host: str
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    with mock_aws():
        assert website.upload_origin("images") == f"https://{host}"
