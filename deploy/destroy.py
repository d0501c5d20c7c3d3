"""Destroy one stage: `python -m deploy.destroy STAGE [--images delete --confirm STAGE]`.

Safe to repeat; after a failure the same command continues. Images, results and models are deleted only on
double confirmation.
"""

import argparse
import sys

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import EndpointNotChanged
from deploy import alarms, application, foundation, models, retraining, stacks, stages, website
from deploy.endpoints import EndpointCommandFailed
from deploy.progress import say, step
from deploy.stacks import DeployError


def main() -> None:
    """Run every step in order; exit with a message if one fails."""
    arguments = parse_arguments()
    try:
        destroy(arguments.stage, images=arguments.images == "delete", confirmed=arguments.confirm)
    except (DeployError, EndpointCommandFailed, EndpointNotChanged, ClientError, BotoCoreError) as error:
        sys.exit(f"Not destroyed. {error}\nThe same command continues from here.")


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
    if images and confirmed != stage:
        raise DeployError(
            f"This would delete all images, results and models of the stage {stage}, and nothing could bring "
            f"them back. To confirm, add CONFIRM={stage}."
        )
    step("Alarms")
    alarms.delete(stage)
    step("Page and CloudFront (some minutes)")
    website.delete(stage)
    step("State machine for retraining")
    retraining.delete(stage)
    step("Endpoints and models on SageMaker")
    models.delete(stage)
    step("Code")
    application.delete(stage)
    step("Roles, logs and users")
    foundation.reduce(stage)
    if images:
        step("Images, results and models")
        foundation.delete(stage)
    step("Done")
    print_retained_resources(stage)


def print_retained_resources(stage: str) -> None:
    """Print which resources remain, and what they cost."""
    kept = stacks.resources(foundation.stack_name(stage))
    if not kept:
        say("No resources of the stage remain.")
        return
    say(f"Kept: s3://{kept['DataBucket']} with images, results and models,")
    say(f"the tables {kept['ResultsTable']} and {kept['RetrainingsTable']},")
    say(f"and their encryption key, {kept['DataKey']}.")
    say("They cost about $0.023 per GB and month in S3, $0.25 in DynamoDB ($0.20 more for its backups),")
    say("and $1 a month for the key. `make deploy` finds them again;")
    say(f"`make destroy STAGE={stage} IMAGES=delete CONFIRM={stage}` deletes them.")


if __name__ == "__main__":
    main()
