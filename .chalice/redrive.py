"""Send the events that Lambda gave up through again: `python .chalice/redrive.py STAGE`.

Safe to repeat: an event leaves the queue only after its function has accepted it, and every function copes
with events that come twice. An event that fails again returns to the queue and is left there.
"""

import argparse
import json
import sys
import time
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from progress import say, step

HIDDEN_SECONDS = 120
"""How long a message that could not be sent stays out of sight of this run and of others."""


def main() -> None:
    """Send everything through again, or end with a sentence that says what went wrong."""
    parser = argparse.ArgumentParser(description="Send the events that Lambda gave up through again.")
    parser.add_argument("stage", help="name of the installation, for example prod")
    stage = parser.parse_args().stage
    try:
        sent, kept = redrive(f"negatoscope-{stage}-lost-events")
    except (ClientError, BotoCoreError) as error:
        sys.exit(f"Stopped: {error}\nNothing is lost; the same command goes on from here.")
    if kept:
        sys.exit(f"{sent} sent through again; {kept} stay in the queue for the reasons above.")
    step(f"{sent} sent through again" if sent else "The queue is empty: there is nothing to send again")


def redrive(queue: str) -> tuple[int, int]:
    """Send the messages that lie in `queue` now through again: how many were sent, and how many were kept."""
    sqs, functions = boto3.client("sqs"), boto3.client("lambda")
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    started = time.time() * 1000
    sent = kept = 0
    while True:
        messages = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=HIDDEN_SECONDS,
            WaitTimeSeconds=1,
            MessageSystemAttributeNames=["SentTimestamp"],
        ).get("Messages", ())
        older = [one for one in messages if int(one["Attributes"]["SentTimestamp"]) < started]
        if not older:  # nothing is left but what has failed again since
            return sent, kept
        for message in older:
            if send(functions, message):
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                sent += 1
            else:
                kept += 1
        say(f"{sent} sent, {kept} kept")


def send(functions: Any, message: dict[str, Any]) -> bool:
    """Hand an event to the function that gave it up; False, with the reason said, if that cannot be done."""
    try:
        record = json.loads(message["Body"])
        function = record["requestContext"]["functionArn"].removesuffix(":$LATEST")
        payload = json.dumps(record["requestPayload"])
    except (ValueError, KeyError, TypeError, AttributeError):
        say(f"Message {message['MessageId']} is not one that Lambda wrote")
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
