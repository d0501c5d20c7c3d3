"""Deploy Negatoscope to one stage: `python -m deploy.deploy STAGE`.

Safe to repeat: every step creates what is missing, changes what differs and leaves the rest; after a failure
the same command goes on. The same code deploys to AWS and, where AWS_ENDPOINT_URL names it, to an emulator.
"""

import argparse
import sys

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import InvalidModelPackage
from chalicelib.storage.errors import StorageFailed
from deploy import alarms, application, foundation, models, retraining, stages, website
from deploy.progress import say, step
from deploy.stacks import DeployError


def main() -> None:
    """Run every step in order, or end with a sentence that says what went wrong."""
    arguments = parse_arguments()
    try:
        deploy(arguments)
    except (DeployError, ClientError, BotoCoreError, InvalidModelPackage, StorageFailed) as error:
        sys.exit(f"Not deployed. {error}\nThe same command goes on from here.")


def parse_arguments() -> argparse.Namespace:
    """What the command line asks for; what it leaves out stays as it was deployed before."""
    parser = argparse.ArgumentParser(description="Deploy Negatoscope to one stage.")
    parser.add_argument(
        "stage", help="name of the installation, for example prod; part of every resource's name"
    )
    parser.add_argument("--alarm-email", help="address that alarms are sent to, once it has agreed")
    parser.add_argument("--domain", help="domain of the page, if it has one of its own")
    parser.add_argument("--certificate", help="ARN of the domain's certificate in us-east-1")
    parser.add_argument(
        "--site-origin", help="origin of a page that something else serves; no site is deployed then"
    )
    parser.add_argument("--local-login", action="store_true", help="people sign in at the stage `local` too")
    arguments = parser.parse_args()
    if bool(arguments.domain) != bool(arguments.certificate):
        parser.error("a domain needs a certificate, and a certificate its domain")
    return arguments


def deploy(wanted: argparse.Namespace) -> None:
    """Deploy what is wanted."""
    stage: str = wanted.stage
    stages.check(stage)
    step(f"Foundation stack of stage {stage}")
    outputs = foundation.deploy(stage, wanted.site_origin, wanted.alarm_email, local_login=wanted.local_login)
    step("Stage settings in .chalice/config.json")
    stages.record(stage, outputs)
    step("Code, with `chalice deploy`")
    api_id = application.deploy(stage, outputs["LostEventsArn"])
    step("Models that come with the application")
    models.register(outputs["DataBucket"])
    step("State machine of the retraining")
    retraining.deploy(stage, outputs)
    page = wanted.site_origin
    if page is None:
        step("Page, with CloudFront (some minutes the first time)")
        login = stages.login_origin(outputs)
        page = website.deploy(
            stage, api_id, outputs["DataBucket"], login, domain=wanted.domain, certificate=wanted.certificate
        )
        step("Leave for the page to upload images")
        foundation.deploy(stage, page)
    step("Alarms")
    alarms.deploy(stage, outputs)
    step("Done")
    say(f"Page: {page}/")
    say(f"API: {application.api_url(api_id)}")


if __name__ == "__main__":
    main()
