"""Every Lambda has the permissions that it needs, and no others."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.stack.client import Client
from tests.stack.functions import Function, deployed

BUCKET = "negatoscope-local-data-000000000000"
TABLE = "negatoscope-local-results"

# Mirrors what the roles in foundation.yaml have to allow: object prefixes by verb, and actions on the table.
READS: dict[str, set[str]] = {
    "api": {"batches", "pictures", "prepared", "results", "exports", "drift", "models"},
    "decode": set(),
    "prepare": {"inbox", "results"},
    "classify": {"prepared", "models", "results"},
    "retraining-steps": {"models", "retrainings"},
    "administration": {"models"},
    "sweep": {"inbox", "results", "sweep"},
    "drift-monitor": {"drift"},
    "batch": {"archive", "batches", "models", "prepared", "results"},
}
WRITES: dict[str, set[str]] = {
    "api": {"batches", "inbox", "prepared", "results", "exports"},
    "decode": set(),
    "prepare": {"prepared", "quarantine", "results"},
    "classify": {"results"},
    "retraining-steps": {"models", "retrainings"},
    "administration": set(),
    "sweep": {"quarantine", "results", "sweep"},
    "drift-monitor": {"drift"},
    "batch": {"batches", "prepared", "results"},
}
DELETES = {role: {"inbox"} if role in ("prepare", "sweep") else set() for role in READS}
PREFIXES = (
    *("inbox", "pictures", "prepared", "results", "exports", "quarantine", "models", "drift"),
    *("sweep", "datasets", "retrainings", "code", "archive", "batches", "table-exports"),
)
ROLES = tuple(READS)
OF_STATE_MACHINES = ("states", "sagemaker", "batch-states", "export", "export-job")
"""Roles without a Lambda: those of the state machines, and of their jobs and endpoints."""
OF_THE_GATEWAY = "gateway-logs"


def attempt(event: Any, _context: Any) -> str:
    """Call AWS as the event says. Return "allowed" or the error code."""
    import boto3
    from botocore.exceptions import ClientError

    client = boto3.client(event["service"])
    try:
        getattr(client, event["operation"])(**event["arguments"])
    except ClientError as error:
        code = str(error.response["Error"]["Code"])
        return "allowed" if code in ("NoSuchKey", "ValidationException") else code
    return "allowed"


class Actor:
    """A Lambda with one of the roles."""

    def __init__(self, function: Function):
        self._function = function

    def may(self, service: str, operation: str, **arguments: Any) -> bool:
        """Whether AWS allows a call. Any error other than AccessDenied fails the test."""
        event = {"service": service, "operation": operation, "arguments": arguments}
        answer, failure = self._function.call(event)
        assert failure is None, answer
        assert answer in ("allowed", "AccessDenied", "AccessDeniedException"), answer
        return bool(answer == "allowed")

    def may_each(self, operation: str, **arguments: Any) -> set[str]:
        """The prefixes of the bucket whose objects allow an operation."""
        return {
            prefix
            for prefix in PREFIXES
            if self.may("s3", operation, Bucket=BUCKET, Key=f"{prefix}/access/probe", **arguments)
        }


@pytest.fixture(scope="module")
def actors(client: Client) -> Iterator[dict[str, Actor]]:
    for prefix in PREFIXES:
        # Neither an image nor in the folder of a task, so that nothing processes it.
        client.s3.put_object(Bucket=BUCKET, Key=f"{prefix}/access/probe", Body=b"probe")
    with ExitStack() as stack:
        yield {role: Actor(stack.enter_context(deployed(client, attempt, role))) for role in ROLES}
    for prefix in PREFIXES:
        client.s3.delete_object(Bucket=BUCKET, Key=f"{prefix}/access/probe")


@pytest.mark.parametrize("role", ROLES)
def test_roles_can_write_only_the_objects_they_need(actors: dict[str, Actor], role: str) -> None:
    assert actors[role].may_each("put_object", Body="probe") == WRITES[role]
    assert actors[role].may_each("delete_object") == DELETES[role]


@pytest.mark.parametrize("role", ROLES)
def test_only_the_decoder_can_add_pictures(actors: dict[str, Actor], role: str) -> None:
    """They cannot be replaced, not even by the decoder."""
    picture = {"Bucket": BUCKET, "Key": f"pictures/access/{role}", "Body": "probe"}
    assert actors[role].may("s3", "put_object", **picture, IfNoneMatch="*") == (role == "decode")
    assert not actors[role].may("s3", "put_object", **picture)


@pytest.mark.parametrize("role", ROLES)
def test_only_the_sweep_can_delete_versions(actors: dict[str, Actor], client: Client, role: str) -> None:
    for prefix in ("inbox", "pictures", "prepared", "quarantine", "results"):
        key = f"{prefix}/access/version"
        version = client.s3.put_object(Bucket=BUCKET, Key=key, Body=b"probe")["VersionId"]
        allowed = actors[role].may("s3", "delete_object", Bucket=BUCKET, Key=key, VersionId=version)
        assert allowed == (role == "sweep"), prefix
        client.s3.delete_object(Bucket=BUCKET, Key=key, VersionId=version)


@pytest.mark.parametrize("role", ROLES)
def test_roles_can_only_append_to_the_audit_record(actors: dict[str, Actor], role: str) -> None:
    entry = {"Bucket": BUCKET, "Key": f"audit/access-{role}.json", "Body": "{}"}
    assert actors[role].may("s3", "put_object", **entry, IfNoneMatch="*") == (
        role in ("administration", "api", "drift-monitor")
    )
    assert not actors[role].may("s3", "put_object", **entry)
    assert not actors[role].may("s3", "delete_object", Bucket=BUCKET, Key=entry["Key"])


@pytest.fixture
def administrator(client: Client) -> Iterator[Any]:
    """S3 with the rights of a person who may do everything in the account."""
    iam, user = client.aws("iam"), {"UserName": "administrator"}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    iam.create_user(**user)
    policy = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
    iam.put_user_policy(**user, PolicyName="everything", PolicyDocument=policy)
    key = iam.create_access_key(**user)["AccessKey"]
    yield boto3.client(
        "s3",
        endpoint_url=client.stack.aws_url,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    iam.delete_access_key(**user, AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(**user, PolicyName="everything")
    iam.delete_user(**user)


def test_nobody_can_replace_or_delete_audit_entries(administrator: Any) -> None:
    entry = {"Bucket": BUCKET, "Key": "audit/access-administrator.json"}
    version = administrator.put_object(**entry, Body="{}", IfNoneMatch="*")["VersionId"]

    for change, more in (
        (administrator.put_object, {"Body": "{}"}),
        (administrator.delete_object, {}),
        (administrator.delete_object, {"VersionId": version}),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            change(**entry, **more)


@pytest.mark.parametrize("role", ROLES)
def test_roles_can_read_only_the_objects_they_need(
    actors: dict[str, Actor], client: Client, role: str
) -> None:
    client.s3.put_object(Bucket=BUCKET, Key="inbox/access/probe", Body=b"probe")

    assert actors[role].may_each("get_object") == READS[role]


@pytest.mark.parametrize("role", ROLES)
def test_roles_can_list_only_the_prefixes_they_need(actors: dict[str, Actor], role: str) -> None:
    actor = actors[role]

    inbox = {"Bucket": BUCKET, "Prefix": "inbox/"}
    assert actor.may("s3", "list_objects_v2", **inbox) == (role in ("prepare", "sweep", "drift-monitor"))
    # These have to tell a missing file from a forbidden one, which S3 allows only with the right to list all.
    may_list_all = role in ("prepare", "sweep", "drift-monitor")
    assert actor.may("s3", "list_objects_v2", Bucket=BUCKET, Prefix="results/") == may_list_all
    assert actor.may("s3", "list_objects_v2", Bucket=BUCKET) == may_list_all
    assert actor.may("s3", "list_objects_v2", Bucket=BUCKET, Prefix="models/a/") == (role != "decode")


@pytest.mark.parametrize("role", ROLES)
def test_roles_can_use_only_the_models_they_need(actors: dict[str, Actor], role: str) -> None:
    actor, folder = actors[role], "models/access"

    def written(key: str) -> bool:
        return actor.may("s3", "put_object", Bucket=BUCKET, Key=f"{folder}/{key}", Body="{}")

    assert (
        written("current.json")
        == written("1/record.json")
        == (role in ("administration", "retraining-steps"))
    )
    assert written("1/model.tar.gz") == (role == "retraining-steps")
    assert actor.may("s3", "get_object", Bucket=BUCKET, Key=f"{folder}/current.json") == (
        role not in ("decode", "sweep")
    )


@pytest.mark.parametrize("role", ROLES)
def test_roles_can_call_only_the_endpoints_they_need(actors: dict[str, Actor], role: str) -> None:
    actor = actors[role]
    names = {"EndpointName": "negatoscope-local-nothing", "EndpointConfigName": "negatoscope-local-nothing"}
    theirs = {"EndpointName": "theirs", "EndpointConfigName": "negatoscope-local-nothing"}

    for operation, takes in (
        ("describe_endpoint", ("EndpointName",)),
        ("update_endpoint", ("EndpointName", "EndpointConfigName")),
        ("delete_endpoint", ("EndpointName",)),
    ):
        own, other = ({name: arguments[name] for name in takes} for arguments in (names, theirs))
        changes = role in ("administration", "retraining-steps")
        assert actor.may("sagemaker", operation, **own) == changes
        assert not actor.may("sagemaker", operation, **other)
    assert not actor.may("sagemaker", "create_endpoint", **names)


@pytest.mark.parametrize("role", ROLES)
def test_roles_can_use_only_the_table_operations_they_need(actors: dict[str, Actor], role: str) -> None:
    actor, key = actors[role], {"id": {"S": "access-probe"}}

    # Those who only list results read in which periods lists are sharded.
    assert actor.may("dynamodb", "get_item", TableName=TABLE, Key=key) == (
        role not in ("administration", "decode")
    )
    assert not actor.may("dynamodb", "scan", TableName=TABLE)
    assert not actor.may("dynamodb", "delete_item", TableName=TABLE, Key=key)
    queried: dict[str, Any] = {
        "IndexName": "by-task",
        "KeyConditionExpression": "task = :task",
        "ExpressionAttributeValues": {":task": {"S": "x"}},
    }
    assert actor.may("dynamodb", "query", TableName=TABLE, **queried) == (
        role in ("api", "retraining-steps", "drift-monitor")
    )
    queried |= {"IndexName": "by-time", "KeyConditionExpression": "listing = :task"}
    assert actor.may("dynamodb", "query", TableName=TABLE, **queried) == (role == "api")
    many = {TABLE: {"Keys": [key]}}
    assert actor.may("dynamodb", "batch_get_item", RequestItems=many) == (role == "sweep")


@pytest.mark.parametrize("role", ROLES)
def test_roles_can_use_no_other_services(actors: dict[str, Actor], role: str) -> None:
    actor = actors[role]

    again = {"FunctionName": "negatoscope-local-prepare", "InvocationType": "Event", "Payload": "{}"}
    assert actor.may("lambda", "invoke", **again) == (role == "sweep")
    assert not actor.may("lambda", "invoke", FunctionName="negatoscope-local-classify", Payload="{}")
    decodes = actor.may("lambda", "invoke", FunctionName="negatoscope-local-decode", Payload="{}")
    assert decodes == (role in ("api", "prepare", "batch"))
    administers = actor.may("lambda", "invoke", FunctionName="negatoscope-local-administration", Payload="{}")
    assert administers == (role == "api")
    assert not actor.may("lambda", "invoke", FunctionName="negatoscope-local-retraining", Payload="{}")
    machine = "arn:aws:states:us-east-1:000000000000:stateMachine:negatoscope-local-{}"
    # Those that may start a retraining are not asked to.
    for name in ("other",) if role in ("api", "drift-monitor") else ("other", "retrain"):
        assert not actor.may("stepfunctions", "start_execution", stateMachineArn=machine.format(name))
    assert not actor.may("iam", "list_roles")
    assert not actor.may("kms", "list_keys")
    assert not actor.may("logs", "describe_log_groups")


def test_retraining_roles_can_do_their_steps_only(actors: dict[str, Actor]) -> None:
    actor, own = actors["retraining-steps"], "negatoscope-local-nothing"
    package = "arn:aws:sagemaker:us-east-1:000000000000:model-package/{}/1"

    for name in (own, "theirs"):
        for operation, member in (
            ("delete_model", "ModelName"),
            ("delete_endpoint_config", "EndpointConfigName"),
            ("create_model_package_group", "ModelPackageGroupName"),
            # The jobs are the state machine's to start; the steps look for one whose creation was not
            # answered, and stop it.
            ("stop_training_job", "TrainingJobName"),
        ):
            assert actor.may("sagemaker", operation, **{member: name}) == (name == own), operation
        changed = {"ModelPackageArn": package.format(name), "ModelApprovalStatus": "Rejected"}
        assert actor.may("sagemaker", "update_model_package", **changed) == (name == own)
    topic = "arn:aws:sns:us-east-1:000000000000:negatoscope-local-retraining"
    assert actor.may("sns", "publish", TopicArn=topic, Message="probe")
    assert not actor.may("sagemaker", "describe_training_job", TrainingJobName="theirs")


@pytest.mark.parametrize("role", ROLES)
def test_roles_can_use_only_the_retraining_records_they_need(actors: dict[str, Actor], role: str) -> None:
    actor, key = actors[role], {"name": {"S": "access-probe"}}
    journal = {"TableName": "negatoscope-local-retrainings"}
    steps, administers = role == "retraining-steps", role == "administration"
    follows = steps or administers or role in ("api", "drift-monitor")

    assert actor.may("dynamodb", "get_item", **journal, Key=key) == follows
    assert actor.may("dynamodb", "put_item", **journal, Item=key) == steps
    # A retraining that is stopped loses the lock of its task.
    assert actor.may("dynamodb", "delete_item", **journal, Key=key) == (steps or administers)
    assert not actor.may("dynamodb", "scan", **journal)


def test_chalice_creates_no_roles(client: Client) -> None:
    roles = {role["RoleName"] for role in client.aws("iam").list_roles()["Roles"]}

    known = {f"negatoscope-local-{role}" for role in (*ROLES, *OF_STATE_MACHINES, OF_THE_GATEWAY)}
    assert {role for role in roles if "local" in role} == known
    for function in client.functions.list_functions()["Functions"]:
        if function["FunctionName"].startswith("negatoscope-"):
            own = function["FunctionName"].removeprefix("negatoscope-local").removeprefix("-") or "api"
            role = {"retraining": "retraining-steps"}.get(own, own)
            assert function["Role"].endswith(f":role/negatoscope-local-{role}")
