"""Deploy Negatoscope to one stage: `python -m deploy.deploy STAGE`.

Safe to repeat: every step creates what is missing, changes what differs and leaves the rest. After a failure
the same command continues. It deploys to AWS or, if AWS_ENDPOINT_URL is set, to an emulator.
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
    """Run every step in order; exit with a message if one fails."""
    arguments = parse_arguments()
    try:
        deploy(arguments)
    except (DeployError, ClientError, BotoCoreError, InvalidModelPackage, StorageFailed) as error:
        sys.exit(f"Not deployed. {error}\nThe same command continues from here.")


def parse_arguments() -> argparse.Namespace:
    """Parse the command line. Options that it omits keep the values of the deployment before."""
    parser = argparse.ArgumentParser(description="Deploy Negatoscope to one stage.")
    parser.add_argument(
        "stage", help="name of the installation, for example prod; part of every resource's name"
    )
    parser.add_argument("--alarm-email", help="address that alarms are sent to, after it has confirmed")
    parser.add_argument("--domain", help="custom domain of the page")
    parser.add_argument("--certificate", help="ARN of the domain's certificate in us-east-1")
    parser.add_argument(
        "--site-origin", help="origin of a page that is served elsewhere; no site is deployed then"
    )
    parser.add_argument("--local-login", action="store_true", help="the stage `local` requires login, too")
    arguments = parser.parse_args()
    if bool(arguments.domain) != bool(arguments.certificate):
        parser.error("a domain needs a certificate, and a certificate its domain")
    return arguments


def deploy(wanted: argparse.Namespace) -> None:
    """Deploy what the command line asks for."""
    stage: str = wanted.stage
    stages.check(stage)
    application.check_python(sys.version_info[:2])
    step(f"Foundation stack of stage {stage}")
    outputs = foundation.deploy(stage, wanted.site_origin, wanted.alarm_email, local_login=wanted.local_login)
    step("Stage settings in .chalice/config.json")
    stages.record(stage, outputs)
    step("Code, with `chalice deploy`")
    api_id = application.deploy(stage, outputs["LostEventsArn"])
    step("Bundled models")
    models.register(outputs["DataBucket"])
    step("State machine for retraining")
    retraining.deploy(stage, outputs)
    page = wanted.site_origin
    if page is None:
        step("Page, with CloudFront (some minutes the first time)")
        login = stages.login_origin(outputs)
        page = website.deploy(
            stage, api_id, outputs["DataBucket"], login, domain=wanted.domain, certificate=wanted.certificate
        )
        step("Permission for the page to upload images")
        foundation.deploy(stage, page)
    step("Alarms")
    alarms.deploy(stage, outputs)
    step("Done")
    say(f"Page: {page}/")
    say(f"API: {application.api_url(api_id)}")


if __name__ == "__main__":
    main()
