"""The network of the decoder: what can be reached from it, and that it is there only if it is wanted."""

from typing import Any

import boto3
import pytest

from deploy import network, stacks
from deploy.network import DISCONNECTED
from tests import policies
from tests.cloud import template
from tests.policies import Need
from tests.stage import BUCKET

STAGE = "test"
DECODER = f"negatoscope-{STAGE}-decode"
INTERFACES = "arn:aws:ec2:us-east-1:123456789012:network-interface/*"


@pytest.fixture(autouse=True)
def _role(cloud: None) -> None:
    boto3.client("iam").create_role(RoleName=DECODER, AssumeRolePolicyDocument="{}")


def test_network_is_made_only_if_wanted_and_stays_until_it_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    deleted: list[str] = []
    monkeypatch.setattr(stacks, "delete_stack", deleted.append)  # moto deletes in the wrong order
    network.remove(STAGE, "off")
    assert network.deploy(STAGE, BUCKET, None) is None
    assert network.deploy(STAGE, BUCKET, "off") is None
    connection = network.deploy(STAGE, BUCKET, "on")
    assert connection is not None
    assert (len(connection["subnet_ids"]), len(connection["security_group_ids"])) == (2, 1)
    assert network.deploy(STAGE, BUCKET, None) == connection
    network.remove(STAGE, None)
    assert network.deploy(STAGE, BUCKET, "off") == DISCONNECTED
    assert deleted == []
    network.remove(STAGE, "off")
    assert deleted == [f"negatoscope-{STAGE}-network"]


def test_lambda_may_delete_its_interfaces_until_the_network_is_gone() -> None:
    """It deletes them with the role of the function, and what they are in can only be deleted afterwards."""
    resources = template(network.TEMPLATE)["Resources"].values()
    attached = [one for one in resources if one["Type"] in ("AWS::EC2::Subnet", "AWS::EC2::SecurityGroup")]
    assert [one.get("DependsOn") for one in attached] == ["ConnectDecoder"] * 3


def test_network_has_no_way_to_the_internet() -> None:
    connection = network.deploy(STAGE, BUCKET, "on")
    assert connection is not None
    ec2 = boto3.client("ec2")
    (subnet, *_) = ec2.describe_subnets(SubnetIds=connection["subnet_ids"])["Subnets"]
    here: Any = [{"Name": "vpc-id", "Values": [subnet["VpcId"]]}]
    attached: Any = [{"Name": "attachment.vpc-id", "Values": [subnet["VpcId"]]}]
    assert ec2.describe_internet_gateways(Filters=attached)["InternetGateways"] == []
    assert ec2.describe_nat_gateways(Filters=here)["NatGateways"] == []
    (endpoint,) = ec2.describe_vpc_endpoints(Filters=here)["VpcEndpoints"]
    assert (endpoint["VpcEndpointType"], endpoint["ServiceName"]) == ("Gateway", "com.amazonaws.us-east-1.s3")
    tables = ec2.describe_route_tables(Filters=here)["RouteTables"]
    routes = [route for table in tables for route in table["Routes"]]
    assert {route.get("DestinationCidrBlock") for route in routes} <= {"10.0.0.0/24", None}


@pytest.mark.parametrize(
    ("action", "key", "allowed"),
    [
        ("s3:GetObject", f"{BUCKET}/inbox/x", True),
        ("s3:GetObjectVersion", f"{BUCKET}/inbox/x", True),
        ("s3:PutObject", f"{BUCKET}/pictures/x", True),
        ("s3:GetObject", f"{BUCKET}/results/x", False),
        ("s3:PutObject", f"{BUCKET}/inbox/x", False),
        ("s3:PutObject", "another-bucket/pictures/x", False),
    ],
)
def test_endpoint_leads_to_the_data_bucket_only(action: str, key: str, allowed: bool) -> None:
    need = Need(action, f"arn:aws:s3:::{key}")
    assert policies.policy_allows(network.TEMPLATE, "Storage", need) == allowed


def test_code_of_the_decoder_cannot_use_the_permissions_for_interfaces() -> None:
    of_lambda = Need("ec2:CreateNetworkInterface", INTERFACES)
    function = f"arn:aws:lambda:us-east-1:123456789012:function:{DECODER}"
    of_code = Need("ec2:CreateNetworkInterface", INTERFACES, (("lambda:sourcefunctionarn", function),))
    assert policies.policy_allows(network.TEMPLATE, "ConnectDecoder", of_lambda)
    assert not policies.policy_allows(network.TEMPLATE, "ConnectDecoder", of_code)
