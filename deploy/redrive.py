"""Reprocess the events that Lambda gave up on: `python -m deploy.redrive STAGE`.

Safe to repeat: an event leaves the queue only after its function has accepted it, and every function handles
duplicate events. An event that fails again returns to the queue.
"""

import argparse
import json
import sys
import time
from typing import Any

import boto3
from botocore.exceptions import ClientError

from chalicelib import resource_names
from deploy import failures, stages
from deploy.progress import say, step
from deploy.stacks import DeployError

HIDDEN_SECONDS = 120
"""How long a message that could not be sent stays invisible to this run and others."""
WAIT_SECONDS = 1
"""Long polling asks all servers of SQS. Without it, a queue can seem empty that is not."""


def main() -> None:
    """Run the command; exit with a message if it fails."""
    parser = argparse.ArgumentParser(description="Reprocess the events that Lambda gave up on.")
    parser.add_argument("stage", help="name of the installation, for example prod")
    stage = parser.parse_args().stage
    nothing_lost = "Nothing is lost; the same command continues from here."
    with failures.reported("Not done.", rest=lambda: [nothing_lost]):
        stages.check(stage)
        sqs = boto3.client("sqs")
        sent, kept = redrive(sqs, boto3.client("lambda"), queue_url(sqs, stage))
    if kept:
        sys.exit(f"{sent} events sent again; {kept} stay in the queue for the reasons above.")
    step(f"{sent} events sent again" if sent else "The queue is empty")


def queue_url(sqs: Any, stage: str) -> str:
    """The URL of a stage's queue of lost events.

    Raises:
        DeployError: if there is none.
    """
    name = resource_names.lost_events_queue(stage)
    try:
        return str(sqs.get_queue_url(QueueName=name)["QueueUrl"])
    except sqs.exceptions.QueueDoesNotExist:
        raise DeployError(
            f"The stage {stage} does not exist in this account and region: there is no queue {name}."
        ) from None


def redrive(sqs: Any, functions: Any, url: str) -> tuple[int, int]:
    """Send the messages that are in a queue now to their functions; return how many were sent and kept.

    Args:
        sqs: boto3 client.
        functions: boto3 client of Lambda.
        url: of the queue.
    """
    started = time.time() * 1000
    sent, kept = 0, set[str]()
    while True:
        messages = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=HIDDEN_SECONDS,
            WaitTimeSeconds=WAIT_SECONDS,
            MessageSystemAttributeNames=["SentTimestamp"],
        ).get("Messages", ())
        # Events that have failed again since the start stay. Unsent ones become visible again after a while.
        due = [one for one in messages if is_older(one, started) and one["MessageId"] not in kept]
        if not due:
            return sent, len(kept)
        for message in due:
            if send(functions, message):
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                sent += 1
            else:
                kept.add(message["MessageId"])
        say(f"{sent} sent, {len(kept)} kept")


def is_older(message: dict[str, Any], moment: float) -> bool:
    """Whether a message was in the queue before `moment`, in milliseconds since 1970."""
    return int(message["Attributes"]["SentTimestamp"]) < moment


def send(functions: Any, message: dict[str, Any]) -> bool:
    """Invoke the function that failed on an event; print the reason and return False if that fails."""
    try:
        record = json.loads(message["Body"])
        function = record["requestContext"]["functionArn"].removesuffix(":$LATEST")
        payload = json.dumps(record["requestPayload"])
    except (ValueError, KeyError, TypeError, AttributeError):
        say(f"Message {message['MessageId']} was not written by Lambda")
        return False
    try:
        functions.invoke(FunctionName=function, InvocationType="Event", Payload=payload)
    except ClientError as error:
        # The error's text may quote the payload, which may name a patient.
        say(f"{function.rsplit(':', 1)[-1]}: {error.response['Error']['Code']}")
        return False
    return True


if __name__ == "__main__":
    main()
