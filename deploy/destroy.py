"""Take one stage away: `python -m deploy.destroy STAGE [--images delete --confirm STAGE]`.

Safe to repeat; after a failure the same command goes on. Images, results and models stay unless told twice.
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
    """Run every step in order, or end with a sentence that says what went wrong."""
    arguments = parse_arguments()
    try:
        destroy(arguments.stage, images=arguments.images == "delete", confirmed=arguments.confirm)
    except (DeployError, EndpointCommandFailed, EndpointNotChanged, ClientError, BotoCoreError) as error:
        sys.exit(f"Not destroyed. {error}\nThe same command goes on from here.")


def parse_arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description="Take one stage of Negatoscope away.")
    parser.add_argument("stage", help="name of the installation, for example prod")
    parser.add_argument(
        "--images", choices=("keep", "delete"), default="keep", help="with results and models"
    )
    parser.add_argument("--confirm", metavar="STAGE", help="the stage's name again, to delete images")
    return parser.parse_args()


def destroy(stage: str, *, images: bool, confirmed: str | None) -> None:
    """Take the stage away, in the reverse order of its deployment; `images` says whether its data go, too."""
    stages.check(stage)
    if images and confirmed != stage:
        raise DeployError(
            f"All images, results and models of the stage {stage} would be deleted, and nobody could bring "
            f"them back. If that is what you want, add CONFIRM={stage}."
        )
    step("Alarms")
    alarms.delete(stage)
    step("Page and CloudFront (some minutes)")
    website.delete(stage)
    step("State machine of the retraining")
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
    """Say what is still there, and what it costs."""
    kept = stacks.resources(foundation.stack_name(stage))
    if not kept:
        say("Nothing of the stage is left.")
        return
    say(f"Kept: s3://{kept['DataBucket']} with images, results and models,")
    say(f"the tables {kept['ResultsTable']} and {kept['RetrainingsTable']},")
    say(f"and the key that they are encrypted with, {kept['DataKey']}.")
    say("They cost about $0.023 per GB and month in S3, $0.25 in DynamoDB ($0.20 more for its backups),")
    say("and $1 a month for the key. `make deploy` finds them again;")
    say(f"`make destroy STAGE={stage} IMAGES=delete CONFIRM={stage}` deletes them.")


if __name__ == "__main__":
    main()
