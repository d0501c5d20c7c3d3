"""Lost data is restored with the commands of docs/operations.md while the system is running."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import jmespath  # type: ignore[import-untyped]
import pytest
from botocore import xform_name

from chalicelib.storage import inbox
from local.deployment import aws_environment
from local.stack import BUCKET
from tests.images import grey_file
from tests.stack.client import TASK, Client, wait_for
from tests.stage import ROOT

TABLE = "negatoscope-local-results"
LOST_EVENTS = "negatoscope-local-lost-events"
FOLDER = f"inbox/{TASK}/recovery"

type Items = dict[str, dict[str, Any]]


class Operator:
    """An operator with the credentials of the account, the project and docs/operations.md."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.dynamodb = client.aws("dynamodb")

    def start(self, command: str, stage: str = "local") -> subprocess.Popen[str]:
        """Start `make COMMAND STAGE=stage`."""
        return subprocess.Popen(
            [sys.executable, "-m", f"deploy.{command}", stage],
            cwd=ROOT,
            env=aws_environment(self.client.stack.aws_url),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, command: str, stage: str = "local") -> subprocess.CompletedProcess[str]:
        """Run `make COMMAND STAGE=stage` and return its output."""
        process = self.start(command, stage)
        said, failed = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, said, failed)

    def bring_back(self, key: str) -> None:
        """Restore a deleted object with the commands of the documentation."""
        _, _, chapter = (ROOT / "docs" / "operations.md").read_text().partition("**An object was deleted.**")
        block = chapter.partition("```sh\n")[2].partition("```")[0]
        # The first line says what the others are run with.
        _, *commands = block.replace("\\\n", "").splitlines()
        find, remove = (command.replace("$BUCKET", BUCKET).replace("$KEY", key) for command in commands)
        (marker,) = [
            version for found, version in map(str.split, self.aws(find).splitlines()) if found == key
        ]
        self.aws(remove.replace("VERSION_ID_OF_THE_MARKER", marker))

    def items(self) -> Items:
        """The table as it is stored."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=TABLE, ConsistentRead=True)
        return {item["id"]["S"]: item for page in pages for item in page["Items"]}

    def lost_events(self) -> int:
        """The number of events in the queue."""
        sqs = self.client.aws("sqs")
        url = sqs.get_queue_url(QueueName=LOST_EVENTS)["QueueUrl"]
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)

    def empty_queue(self) -> None:
        """Remove the events that other tests have made fail."""
        sqs = self.client.aws("sqs")
        sqs.purge_queue(QueueUrl=sqs.get_queue_url(QueueName=LOST_EVENTS)["QueueUrl"])

    def aws(self, command: str) -> str:
        """The output of an AWS CLI command with `--output text`."""
        words = shlex.split(command)
        assert words[0] == "aws"
        service, operation = words[1].removesuffix("api"), words[2]
        options = dict(zip(words[3::2], words[4::2], strict=True))
        query, output = options.pop("--query", "@"), options.pop("--output", "json")
        client = self.client.aws(service)
        method = operation.replace("-", "_")
        shape = client.meta.service_model.operation_model(
            client.meta.method_to_api_mapping[method]
        ).input_shape
        names = {f"--{xform_name(member, '-')}": member for member in shape.members}
        answer = getattr(client, method)(**{names[option]: value for option, value in options.items()})
        found = jmespath.search(query, answer) if output == "text" else ()
        return "\n".join("\t".join(row) for row in found or ())


@pytest.fixture(scope="module")
def operator(client: Client) -> Iterator[Operator]:
    """Restore the items of the table at the end, whatever happens."""
    operator = Operator(client)
    before = operator.items()
    yield operator
    for image_id in before.keys() - operator.items().keys():
        operator.dynamodb.put_item(TableName=TABLE, Item=before[image_id])


def drop(client: Client, name: str, content: bytes) -> str:
    """Upload a file to the inbox and return the id of its image."""
    etag = client.s3.put_object(Bucket=BUCKET, Key=f"{FOLDER}/{name}", Body=content)["ETag"].strip('"')
    return inbox.InboxObject(BUCKET, f"{FOLDER}/{name}", etag, len(content)).id


def result_of(client: Client, image_id: str) -> Any:
    """Wait for the result of an image that may not be registered yet."""

    def found() -> Any:
        answer = client.api("GET", f"/api/results/{image_id}")
        return answer.json if answer.status == 200 and answer.json["status"] != "received" else None

    return wait_for(found)


def finished(items: Items) -> Items:
    return {image_id: item for image_id, item in items.items() if item["status"]["S"] != "received"}


SWEEP = """
from datetime import UTC, datetime, timedelta
from chalicelib import dependencies
dependencies.sweeper().run(datetime.now(UTC) + timedelta(minutes=11))
"""
CURSOR = "sweep/inbox.json"


def sweep(client: Client) -> None:
    """Run the sweep as if eleven minutes had passed and the last look at the inbox was an hour ago."""
    settings = json.loads((ROOT / ".chalice" / "config.json").read_text())["stages"]["local"]
    client.s3.delete_object(Bucket=BUCKET, Key=CURSOR)
    subprocess.run(
        [sys.executable, "-c", SWEEP],
        cwd=ROOT,
        env=aws_environment(client.stack.aws_url) | settings["environment_variables"],
        capture_output=True,
        check=True,
    )
    client.s3.delete_object(Bucket=BUCKET, Key=CURSOR)  # which names a time that is yet to come


def forget_event(client: Client, name: str) -> bool:
    """Remove the event of a file from the queue, as SQS does after 14 days. Return whether there was one."""
    sqs = client.aws("sqs")
    url = sqs.get_queue_url(QueueName=LOST_EVENTS)["QueueUrl"]
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", ())
    found = False
    for message in messages:
        receipt = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
        if name in message["Body"]:
            sqs.delete_message(**receipt)
            found = True
        else:
            sqs.change_message_visibility(**receipt, VisibilityTimeout=0)
    return found


def documents(client: Client) -> set[str]:
    """The ids of all documents."""
    return {key.rpartition("/")[2].removesuffix(".json") for key in client.keys("results/")}


def test_lost_table_and_lost_events_are_restored(client: Client, operator: Operator) -> None:
    classified = drop(client, "known.png", grey_file(height=301))
    quarantined = drop(client, "known.txt", b"Dear colleague,")
    assert result_of(client, quarantined)["status"] == "quarantined"
    label = result_of(client, classified)["label"]
    body = json.dumps({"label": label, "comment": "Seen."}).encode()
    review = f"/api/results/{classified}/review"
    assert client.api("PUT", review, body, Content_Type="application/json").status == 200
    before = finished(operator.items())
    operator.empty_queue()

    operator.dynamodb.delete_table(TableName=TABLE)
    image = drop(client, "lost.png", grey_file(height=302))
    letter = drop(client, "lost.txt", b"Dear patient,")
    silent = drop(client, "silent.png", grey_file(height=303))
    assert client.api("GET", "/api/results").json["code"] == "InternalError"
    wait_for(lambda: operator.lost_events() >= 3)
    wait_for(lambda: forget_event(client, "silent.png"))

    restoring = operator.start("restore")
    during = [drop(client, f"during-{rows}.png", grey_file(height=rows)) for rows in range(310, 315)]
    said, _ = restoring.communicate()
    assert restoring.returncode == 0, said
    assert f"{TABLE}: was missing, created" in said
    assert {name: item for name, item in operator.items().items() if name in before} == before
    assert client.api("GET", f"/api/results/{classified}").json["review"]["comment"] == "Seen."

    for expected in (r"[23456789] events sent again", "The queue is empty"):
        redriven = operator.run("redrive")
        assert redriven.returncode == 0, redriven.stderr
        assert re.search(expected, redriven.stdout)
        results = [result_of(client, image_id) for image_id in (image, letter, *during)]
        assert [result["status"] for result in results] == ["classified", "quarantined", *["classified"] * 5]
    assert operator.lost_events() == 0
    assert client.api("GET", f"/api/results/{silent}").status == 404
    sweep(client)
    assert result_of(client, silent)["status"] == "classified"

    wait_for(lambda: f"{FOLDER}/lost.txt" not in client.keys(f"{FOLDER}/"))
    after = operator.items()
    assert documents(client) >= {image, letter, silent, *during}
    again = operator.run("restore")
    assert "0 results written into the table, 0 documents written from the table" in again.stdout
    assert operator.items() == after


def test_deleted_objects_are_restored_from_their_versions(client: Client, operator: Operator) -> None:
    image, letter = drop(client, "x.png", grey_file(height=320)), drop(client, "x.txt", b"Dear doctor,")
    for image_id in (image, letter):
        result_of(client, image_id)
    preview = f"/api/results/{image}/preview"
    for key in (
        f"results/{TASK}/{image}.json",
        f"prepared/{TASK}/{image}.npy",
        f"{FOLDER}/x.png",
        f"quarantine/{TASK}/{letter}/recovery/x.txt",
    ):
        content = client.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        client.s3.delete_object(Bucket=BUCKET, Key=key)
        assert key not in client.keys(key)
        assert client.api("GET", preview).status == (409 if key.startswith("prepared/") else 200)

        operator.bring_back(key)

        assert client.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == content
        assert client.api("GET", preview).status == 200
