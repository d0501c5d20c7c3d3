"""Made-up results are stored as the Lambdas store results."""

from typing import Any

import boto3
import pytest
from moto import mock_aws

from benchmarks import made_up_results
from benchmarks.made_up_results import TABLE, TASK
from chalicelib.results.table_item import result_of
from local.stack import BUCKET


@mock_aws
def test_each_result_has_an_item_and_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    def client(service: str, _: str) -> Any:
        return boto3.client(service, region_name="us-east-1")

    monkeypatch.setattr(made_up_results, "root_client", client)
    monkeypatch.setattr(made_up_results, "KINDS", 20)
    client("s3", "").create_bucket(Bucket=BUCKET)
    client("dynamodb", "").create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    made_up_results.store("", 60)
    table = boto3.resource("dynamodb", region_name="us-east-1").Table(TABLE)
    items = table.scan()["Items"]
    assert len({item["id"] for item in items}) == 60
    assert all(result_of(item)["task"] == TASK for item in items)
    found = client("s3", "").list_objects_v2(Bucket=BUCKET, Prefix="results/")["Contents"]
    assert len(found) == 60
