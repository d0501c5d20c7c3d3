"""The results table, created again from the template."""

from typing import Any

import boto3
import pytest

from deploy import results_table, stacks
from tests.stage import TABLE

pytestmark = pytest.mark.usefixtures("cloud")


def indexes(table: Any) -> list[Any]:
    parts = ("IndexName", "KeySchema", "Projection")
    return [[index[part] for part in parts] for index in table["GlobalSecondaryIndexes"]]


def test_ensure_creates_a_deleted_table_from_the_template(monkeypatch: pytest.MonkeyPatch) -> None:
    dynamodb = boto3.client("dynamodb")
    before = dynamodb.describe_table(TableName=TABLE)["Table"]
    dynamodb.delete_table(TableName=TABLE)
    key = boto3.client("kms").create_key()["KeyMetadata"]["KeyId"]
    monkeypatch.setattr(stacks, "resources", lambda _: {"DataKey": key})

    for _ in range(2):
        results_table.ensure("test", TABLE)

    table = dynamodb.describe_table(TableName=TABLE)["Table"]
    for part in ("AttributeDefinitions", "KeySchema", "BillingModeSummary"):
        assert table[part] == before[part]
    assert indexes(table) == indexes(before)
    assert table["SSEDescription"]["KMSMasterKeyArn"].endswith(key)
    expiry = dynamodb.describe_time_to_live(TableName=TABLE)["TimeToLiveDescription"]
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}
    backups = dynamodb.describe_continuous_backups(TableName=TABLE)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
