"""What holds for the resources of all templates."""

import json
from typing import Any

import boto3
import pytest
from samtranslator.yaml_helper import yaml_parse

from deploy import stacks
from tests.cloud import FOUNDATION, template
from tests.stage import ROOT

TEMPLATES = [*(ROOT / "deploy").glob("*.yaml"), *ROOT.glob("*/template.yaml")]
RESOURCES = [
    (name, resource)
    for path in TEMPLATES
    for name, resource in template(path)["Resources"].items()
    if "Type" in resource  # else a loop
]


def test_log_groups_are_encrypted_with_a_key() -> None:
    groups = [(name, one) for name, one in RESOURCES if one["Type"] == "AWS::Logs::LogGroup"]

    assert len(groups) > 9
    assert [name for name, one in groups if "KmsKeyId" not in one["Properties"]] == []


@pytest.mark.parametrize(
    ("resource", "member"),
    [
        ("ResultsTable", "DeletionProtectionEnabled"),
        ("RetrainingsTable", "DeletionProtectionEnabled"),
        ("UserPool", "DeletionProtection"),
    ],
)
def test_data_is_protected_from_deletion_when_its_stack_exists(resource: str, member: str) -> None:
    properties = template(FOUNDATION)["Resources"][resource]["Properties"]
    assert properties[member][0] == "IsProtected"


@pytest.mark.parametrize(
    ("prefix", "most"),
    [
        ("archive/", 1),
        ("batches/", 1),
        ("inbox/", 1),
        ("quarantine/", 1),
        ("sweep/", 1),  # the place in the list of dropped files is the name of one
        ("table-exports/", 1),
        ("retrainings/", 7),  # a checkpoint is replaced after every epoch
        ("deployments/", 90),
        ("drift/", 90),
        ("results/", 90),
    ],
)
def test_replaced_versions_do_not_stay_for_ever(prefix: str, most: int) -> None:
    """Those of keys or contents that may name patients are gone soonest."""
    rules = template(FOUNDATION)["Resources"]["DataBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    (rule,) = [rule for rule in rules if rule.get("Prefix") == prefix]
    assert rule["NoncurrentVersionExpiration"]["NoncurrentDays"] <= most


def test_firewall_does_not_search_images_for_attacks() -> None:
    """By chance, or in their XMP, images have what these rules look for in the beginning of a body.

    They are all rules of the group for bodies. (AWS WAF developer guide, "Core rule set managed rule group".)
    """
    rules = template(ROOT / "deploy" / "firewall.yaml")["Resources"]["Firewall"]["Properties"]["Rules"]
    groups = [one["Statement"].get("ManagedRuleGroupStatement", {}) for one in rules]
    (group,) = [one for one in groups if one.get("Name") == "AWSManagedRulesCommonRuleSet"]

    assert {one["Name"] for one in group["RuleActionOverrides"]} == {
        "CrossSiteScripting_BODY",
        "EC2MetaDataSSRF_BODY",
        "GenericLFI_BODY",
        "GenericRFI_BODY",
        "SizeRestrictions_BODY",
    }
    assert all(one["ActionToUse"] == {"Count": {}} for one in group["RuleActionOverrides"])


def test_audit_entries_are_deleted_only_when_their_time_is_over() -> None:
    rules = template(FOUNDATION)["Resources"]["DataBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    of_entries = [rule for rule in rules if "audit/".startswith(rule.get("Prefix", "-"))]

    assert [rule["ExpirationInDays"] for rule in of_entries] == ["AuditDays"]
    assert [rule["Id"] for rule in rules if "ExpirationInDays" in rule and "Prefix" not in rule] == []


@pytest.mark.parametrize(("partition", "host"), [("aws", "auth"), ("aws-us-gov", "auth-fips")])
def test_login_page_is_where_the_partition_has_it(cloud: None, partition: str, host: str) -> None:
    """In GovCloud, only endpoints with FIPS serve it. (AWS GovCloud user guide, "Amazon Cognito".)"""
    whole = yaml_parse(FOUNDATION.read_text())
    parts = {name: whole[name] for name in ("Parameters", "Conditions")}
    parts["Outputs"] = {"LoginOrigin": whole["Outputs"]["LoginOrigin"]}
    parts["Resources"] = {"UserPoolDomain": {"Type": "AWS::SNS::Topic"}}
    body = json.dumps(parts).replace('{"Ref": "AWS::Partition"}', f'"{partition}"')  # moto knows only one
    cloudformation = boto3.client("cloudformation")
    stage: Any = [{"ParameterKey": "Stage", "ParameterValue": "prod"}]
    cloudformation.create_stack(StackName="s", TemplateBody=body, Parameters=stage)

    (stack,) = cloudformation.describe_stacks(StackName="s")["Stacks"]
    (output,) = stack["Outputs"]
    assert output["OutputValue"].endswith(f".{host}.us-east-1.amazoncognito.com")


def test_stacks_have_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacks, "without_comments", lambda template: template)
    request = stacks.stack_request("negatoscope-prod-x", "{}", {"Stage": "prod"}, exists=False)

    tags = {tag["Key"]: tag["Value"] for tag in request["Tags"]}
    assert tags == stacks.tags("prod") == {"application": "negatoscope", "stage": "prod"}
