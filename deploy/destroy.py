"""Destroy one stage: `python -m deploy.destroy STAGE [--images delete --confirm STAGE]`.

Safe to repeat; after a failure the same command continues. Images, results and models are deleted only on
double confirmation.
"""

import argparse
import signal
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress

import boto3

from chalicelib import resource_names
from chalicelib.errors import EndpointNotChanged
from deploy import (
    alarms,
    application,
    batches,
    failures,
    foundation,
    gateway,
    models,
    network,
    retraining,
    stacks,
    stage_lock,
    stages,
    website,
)
from deploy.endpoints import EndpointCommandFailed
from deploy.progress import say, step
from deploy.stacks import DeployError


def main() -> None:
    """Run every step in order; exit with a message if one fails."""
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with failures.reported(
        *("Not destroyed.", EndpointCommandFailed, EndpointNotChanged),
        rest=lambda: ["The same command continues from here."],
    ):
        destroy(arguments.stage, images=arguments.images == "delete", confirmed=arguments.confirm)


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description="Destroy one stage of Negatoscope.")
    parser.add_argument("stage", help="name of the installation, for example prod")
    parser.add_argument(
        "--images", choices=("keep", "delete"), default="keep", help="with results and models"
    )
    parser.add_argument("--confirm", metavar="STAGE", help="the stage's name again, to delete images")
    return parser.parse_args()


def destroy(stage: str, *, images: bool, confirmed: str | None) -> None:
    """Destroy the stage, in the reverse order of its deployment.

    Args:
        stage: its name.
        images: whether images, results and models are deleted, too.
        confirmed: the name that the user repeated to confirm that.

    Raises:
        DeployError: if `images` is not confirmed.
    """
    stages.check(stage)
    stages.check_account(stage)
    if images and confirmed != stage:
        raise DeployError(
            f"This would delete all images, results and models of the stage {stage}, and nothing could bring "
            f"them back. To confirm, add CONFIRM={stage}."
        )
    bucket = foundation.data_bucket(stage)
    with stage_lock.held(stage, bucket, "make destroy") if bucket else nullcontext() as lock:
        destroy_application(stage, lock)
    if images:
        # The lock is in the bucket.
        step("Images, results and models")
        foundation.delete(stage)
        if stage != "local":  # its settings belong to the repository
            stages.forget(stage)
    step("Done")
    print_retained_resources(stage)


def destroy_application(stage: str, lock: stage_lock.StageLock | None) -> None:
    """Destroy everything except what holds data; stop if somebody has broken the lock."""
    steps: tuple[tuple[str, Callable[[str], None]], ...] = (
        ("Alarms", alarms.delete),
        ("Page and CloudFront (some minutes)", website.delete),
        ("State machine for retraining", retraining.delete),
        ("State machine for batches", batches.delete),
        ("Endpoints and models on SageMaker", models.delete),
        ("Code", delete_code),
        ("Roles, logs and users", foundation.reduce),
    )
    for title, act in steps:
        if lock:
            lock.check()
        step(title)
        act(stage)


def delete_code(stage: str) -> None:
    """Delete the Lambdas, their network and the API."""
    application.delete(stage)
    network.remove(stage, "off")
    gateway.delete(stage)


def print_retained_resources(stage: str) -> None:
    """Print which resources remain, and what they cost."""
    for command in own_stacks(stage):
        say(f"A stack that you created for this stage remains and costs money. To delete it: {command}")
    kept = stacks.resources(foundation.stack_name(stage))
    if not kept:
        say("No resources of the stage remain.")
        return
    say(f"Kept: s3://{kept['DataBucket']} with images, results and models,")
    say(f"the tables {kept['ResultsTable']} and {kept['RetrainingsTable']},")
    say(f"and their encryption key, {kept['DataKey']}.")
    if "AccessLogs" in kept:
        say(f"Also kept: the log group {kept['AccessLogs']}, which records who called the API.")
    say("They cost about $0.023 per GB and month in S3, $0.25 in DynamoDB ($0.20 more for its backups),")
    say("and $1 a month for the key. `make deploy` finds them again;")
    say(f"`make destroy STAGE={stage} IMAGES=delete CONFIRM={stage}` deletes them.")


def own_stacks(stage: str) -> Iterator[str]:
    """Commands that delete the optional stacks of docs/deployment.md, which only their users create."""
    for part, region in (("firewall", "us-east-1"), ("data-events", None)):
        client = boto3.client("cloudformation", region_name=region)
        name = resource_names.stack_name(stage, part)
        with suppress(client.exceptions.ClientError):
            client.describe_stacks(StackName=name)
            yield f"aws cloudformation delete-stack --region {client.meta.region_name} --stack-name {name}"


if __name__ == "__main__":
    main()
