"""Every Lambda may do what it has to, and nothing else."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.stack.client import Client
from tests.stack.functions import Function, deployed

BUCKET = "negatoscope-local-data-000000000000"
TABLE = "negatoscope-local-results"

# Mirrors what the roles in foundation.yaml have to allow: object prefixes by verb, and actions on the table.
READS = {
    "api": {"prepared", "results", "exports", "drift", "models"},
    "prepare": {"inbox"},
    "classify": {"prepared", "models"},
    "sweep": {"inbox"},
    "watch": {"drift"},
}
WRITES = {
    "api": {"inbox", "prepared", "results", "exports"},
    "prepare": {"prepared", "quarantine", "results"},
    "classify": {"results"},
    "sweep": {"quarantine", "results"},
    "watch": {"drift"},
}
DELETES = {"api": set(), "prepare": {"inbox"}, "classify": set(), "sweep": {"inbox"}, "watch": set()}
PREFIXES = ("inbox", "prepared", "results", "exports", "quarantine", "models", "drift")
ROLES = tuple(READS)


def attempt(event: Any, _context: Any) -> str:
    """Call AWS as the event says; answer "allowed", or the code of the error."""
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
        """Whether AWS lets it; any answer but yes and AccessDenied is an error of the test."""
        event = {"service": service, "operation": operation, "arguments": arguments}
        answer, failure = self._function.call(event)
        assert failure is None, answer
        assert answer in ("allowed", "AccessDenied", "AccessDeniedException"), answer
        return bool(answer == "allowed")

    def may_each(self, operation: str, **arguments: Any) -> set[str]:
        """The prefixes of the bucket on whose objects it may do something."""
        return {
            prefix
            for prefix in PREFIXES
            if self.may("s3", operation, Bucket=BUCKET, Key=f"{prefix}/access/probe", **arguments)
        }


@pytest.fixture(scope="module")
def actors(client: Client) -> Iterator[dict[str, Actor]]:
    for prefix in PREFIXES:
        # No image, and in no task's folder: what becomes of it is no matter of these tests.
        client.s3.put_object(Bucket=BUCKET, Key=f"{prefix}/access/probe", Body=b"probe")
    with ExitStack() as stack:
        yield {role: Actor(stack.enter_context(deployed(client, attempt, role))) for role in ROLES}
    for prefix in PREFIXES:
        client.s3.delete_object(Bucket=BUCKET, Key=f"{prefix}/access/probe")


@pytest.mark.parametrize("role", ROLES)
def test_objects(actors: dict[str, Actor], role: str) -> None:
    assert actors[role].may_each("put_object", Body="probe") == WRITES[role]
    assert actors[role].may_each("delete_object") == DELETES[role]


@pytest.mark.parametrize("role", ROLES)
def test_reading_objects(actors: dict[str, Actor], client: Client, role: str) -> None:
    client.s3.put_object(Bucket=BUCKET, Key="inbox/access/probe", Body=b"probe")

    assert actors[role].may_each("get_object") == READS[role]


@pytest.mark.parametrize("role", ROLES)
def test_listing(actors: dict[str, Actor], role: str) -> None:
    actor = actors[role]

    inbox = {"Bucket": BUCKET, "Prefix": "inbox/"}
    assert actor.may("s3", "list_objects_v2", **inbox) == (role in ("prepare", "sweep", "watch"))
    # Two have to tell a missing file from a forbidden one, which S3 allows only to who may list all.
    may_list_all = role in ("prepare", "watch")
    assert actor.may("s3", "list_objects_v2", Bucket=BUCKET, Prefix="results/") == may_list_all
    assert actor.may("s3", "list_objects_v2", Bucket=BUCKET) == may_list_all
    assert actor.may("s3", "list_objects_v2", Bucket=BUCKET, Prefix="models/a/") == (role != "sweep")


@pytest.mark.parametrize("role", ROLES)
def test_models(actors: dict[str, Actor], role: str) -> None:
    actor, folder = actors[role], "models/access"

    def written(key: str) -> bool:
        return actor.may("s3", "put_object", Bucket=BUCKET, Key=f"{folder}/{key}", Body="{}")

    assert written("current.json") == written("1/record.json") == (role == "api")
    assert not written("1/model.tar.gz")
    assert actor.may("s3", "get_object", Bucket=BUCKET, Key=f"{folder}/current.json") == (role != "sweep")


@pytest.mark.parametrize("role", ROLES)
def test_endpoints(actors: dict[str, Actor], role: str) -> None:
    actor = actors[role]
    names = {"EndpointName": "negatoscope-local-nothing", "EndpointConfigName": "negatoscope-local-nothing"}
    theirs = {"EndpointName": "theirs", "EndpointConfigName": "negatoscope-local-nothing"}

    for operation, takes in (
        ("describe_endpoint", ("EndpointName",)),
        ("update_endpoint", ("EndpointName", "EndpointConfigName")),
        ("delete_endpoint", ("EndpointName",)),
    ):
        own, other = ({name: arguments[name] for name in takes} for arguments in (names, theirs))
        assert actor.may("sagemaker", operation, **own) == (role == "api")
        assert not actor.may("sagemaker", operation, **other)
    assert not actor.may("sagemaker", "create_endpoint", **names)


@pytest.mark.parametrize("role", ROLES)
def test_table(actors: dict[str, Actor], role: str) -> None:
    actor, key = actors[role], {"id": {"S": "access-probe"}}

    assert actor.may("dynamodb", "get_item", TableName=TABLE, Key=key) == (role != "watch")
    assert not actor.may("dynamodb", "scan", TableName=TABLE)
    assert not actor.may("dynamodb", "delete_item", TableName=TABLE, Key=key)
    queried: dict[str, Any] = {
        "IndexName": "by-task",
        "KeyConditionExpression": "task = :task",
        "ExpressionAttributeValues": {":task": {"S": "x"}},
    }
    assert actor.may("dynamodb", "query", TableName=TABLE, **queried) == (role in ("api", "watch"))
    queried |= {"IndexName": "by-time", "KeyConditionExpression": "listing = :task"}
    assert actor.may("dynamodb", "query", TableName=TABLE, **queried) == (role == "api")
    many = {TABLE: {"Keys": [key]}}
    assert actor.may("dynamodb", "batch_get_item", RequestItems=many) == (role == "sweep")


@pytest.mark.parametrize("role", ROLES)
def test_other_services(actors: dict[str, Actor], role: str) -> None:
    actor = actors[role]

    again = {"FunctionName": "negatoscope-local-prepare", "InvocationType": "Event", "Payload": "{}"}
    assert actor.may("lambda", "invoke", **again) == (role == "sweep")
    assert not actor.may("lambda", "invoke", FunctionName="negatoscope-local-classify", Payload="{}")
    machine = "arn:aws:states:us-east-1:000000000000:stateMachine:negatoscope-local-{}"
    # Those that may start a retraining are not asked to.
    for name in ("other",) if role in ("api", "watch") else ("other", "retrain"):
        assert not actor.may("stepfunctions", "start_execution", stateMachineArn=machine.format(name))
    assert not actor.may("iam", "list_roles")
    assert not actor.may("kms", "list_keys")
    assert not actor.may("logs", "describe_log_groups")


def test_chalice_made_no_roles_of_its_own(client: Client) -> None:
    roles = {role["RoleName"] for role in client.aws("iam").list_roles()["Roles"]}

    assert {role for role in roles if "local" in role} == {f"negatoscope-local-{role}" for role in ROLES}
    for function in client.functions.list_functions()["Functions"]:
        if function["FunctionName"].startswith("negatoscope-"):
            own = function["FunctionName"].removeprefix("negatoscope-local").removeprefix("-") or "api"
            assert function["Role"].endswith(f":role/negatoscope-local-{own}")
