"""Deploy Negatoscope to one stage: `python .chalice/deploy.py STAGE [--site-origin URL]`.

Safe to repeat: every step creates what is missing, changes what differs and leaves the rest. The same code
deploys to AWS and, where AWS_ENDPOINT_URL names it, to an emulator.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))  # a script's own folder is all that Python puts there

import retraining  # noqa: E402
import stacks  # noqa: E402
from stacks import DeployError  # noqa: E402

from chalicelib.errors import InvalidModelPackage  # noqa: E402
from chalicelib.package import bundled_package  # noqa: E402
from chalicelib.registry import Registry  # noqa: E402
from chalicelib.settings import SettingsError, read_endpoints  # noqa: E402
from chalicelib.storage import DataBucket, StorageFailed  # noqa: E402
from chalicelib.tasks import TaskFileError, load_tasks  # noqa: E402

TEMPLATE = PROJECT / ".chalice" / "foundation.yaml"
CONFIG = PROJECT / ".chalice" / "config.json"
PACKAGES = PROJECT / ".chalice" / "deployments"
VENDORED = PROJECT / ".chalice" / "vendor.txt"
GATEWAY_ERRORS = PROJECT / ".chalice" / "gateway-errors.json"

# Chalice's name of each Lambda -> the stack output that holds its role.
ROLES = {
    "api_handler": "ApiRoleArn",
    "prepare": "PrepareRoleArn",
    "classify": "ClassifyRoleArn",
    "retraining": "RetrainingRoleArn",
    "sweep": "SweepRoleArn",
    "watch": "WatchRoleArn",
}


def main() -> None:
    """Run every step in order, or end with a sentence that says what went wrong."""
    arguments = parse_arguments()
    try:
        deploy(arguments.stage, arguments.site_origin, local_login=arguments.local_login)
    except (DeployError, ClientError, BotoCoreError, InvalidModelPackage, StorageFailed) as error:
        sys.exit(f"Not deployed. {error}")


def parse_arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description="Deploy Negatoscope to one stage.")
    parser.add_argument(
        "stage", help="name of the installation, for example prod; part of every resource's name"
    )
    parser.add_argument("--site-origin", help="origin of the page, for example https://d111.cloudfront.net")
    parser.add_argument("--local-login", action="store_true", help="people sign in at the stage `local` too")
    return parser.parse_args()


def deploy(stage: str, site_origin: str | None, *, local_login: bool = False) -> None:
    """Deploy `stage`; `site_origin` None keeps the origin deployed before."""
    if stage == "local" and not os.environ.get("AWS_ENDPOINT_URL"):
        raise DeployError("The stage `local` belongs on an emulator: `make run` deploys it.")
    step(f"Foundation stack of stage {stage}")
    outputs = deploy_foundation(stage, site_origin, local_login)
    step("Stage settings in .chalice/config.json")
    record_stage(stage, outputs)
    step("Code, with `chalice deploy`")
    check_pip(version("pip"))
    vendor()
    run_chalice(stage)
    step("Errors of API Gateway in the shape of the API's own")
    api_id = deployed_api(stage)
    put_gateway_errors(api_id)
    step("Models that come with the application")
    seed_models(outputs["DataBucket"])
    step("State machine of the retraining")
    retraining.deploy(stage, outputs)
    step("Done")
    print(f"    API: {api_url(api_id)}")


_STARTED = time.monotonic()


def step(text: str) -> None:
    """Print what comes next, and when."""
    print(f"[{time.monotonic() - _STARTED:6.1f} s] {text}", flush=True)


# ------------------------------------------------------------------------------------------- foundation


def deploy_foundation(stage: str, site_origin: str | None, local_login: bool) -> dict[str, str]:
    """Create or update the stack of all that holds data or grants access, and return its outputs."""
    parameters = {
        "Stage": stage,
        "SiteOrigin": site_origin,
        "OtherEndpoints": ",".join(other_endpoints(stage)),
        "LocalLogin": "true" if local_login else "false",
    }
    name = f"negatoscope-{stage}-foundation"
    return stacks.put_stack(name, TEMPLATE, parameters, protected=stage != "local")


def other_endpoints(stage: str) -> list[str]:
    """ARNs of the endpoints that tasks name and the stage's roles may not call by their own name."""
    config = json.loads(CONFIG.read_text())
    settings = config["stages"].get(stage, {})
    variables = config.get("environment_variables", {}) | settings.get("environment_variables", {})
    try:
        named = {endpoint.name for endpoint in read_endpoints(variables.get("ENDPOINTS") or "{}").values()}
    except (SettingsError, TaskFileError) as error:
        raise DeployError(f"{error}.") from error
    others = {name for name in named if not name.startswith(f"negatoscope-{stage}-")}
    if not others:
        return []
    caller = boto3.client("sts").get_caller_identity()
    partition, region = caller["Arn"].split(":")[1], boto3.session.Session().region_name
    prefix = f"arn:{partition}:sagemaker:{region}:{caller['Account']}:endpoint/"
    # SageMaker may write a name into its ARN in lower case, and IAM tells the two apart.
    return sorted({prefix + spelling for name in others for spelling in (name, name.lower())})


# ------------------------------------------------------------------------------------------------ config


def record_stage(stage: str, outputs: dict[str, str]) -> None:
    """Write what the stack made into the stage of config.json; what else stands there stays."""
    config = json.loads(CONFIG.read_text())
    settings = config["stages"].setdefault(stage, {})
    settings.setdefault("environment_variables", {}).update(stage_environment(stage, outputs))
    functions = settings.setdefault("lambda_functions", {})
    for function, output in ROLES.items():
        functions.setdefault(function, {})["iam_role_arn"] = outputs[output]
    text = json.dumps(config, indent=2) + "\n"
    if text == CONFIG.read_text():
        print("    as before")
    else:
        CONFIG.write_text(text)
        print("    recorded; commit it")


def stage_environment(stage: str, outputs: dict[str, str]) -> dict[str, str]:
    """The variables of the Lambdas that differ between stages."""
    environment = {
        "DATA_BUCKET": outputs["DataBucket"],
        "RESULTS_TABLE": outputs["ResultsTable"],
        "RETRAININGS_TABLE": outputs["RetrainingsTable"],
        "RETRAINING_ARN": outputs["RetrainingArn"],
        "STAGE": stage,
    }
    if "UserPoolArn" in outputs:
        environment["USER_POOL_ARN"] = outputs["UserPoolArn"]
        environment["LOGIN_CLIENT_ID"] = outputs["UserPoolClientId"]
        # An emulator serves the login page under its own address.
        environment["LOGIN_ORIGIN"] = os.environ.get("AWS_ENDPOINT_URL") or outputs["LoginOrigin"]
    return environment


# ------------------------------------------------------------------------------------------------ code


def check_pip(installed: str) -> None:
    """Chalice calls pip in a way that newer versions have given up."""
    if tuple(map(int, installed.split(".")[:2])) >= (26, 3):
        raise DeployError(f"Chalice cannot work with pip {installed}. Run `pip install 'pip<26.3'` first.")


def vendor() -> None:
    """Fetch the packages of vendor.txt for Lambda into vendor/, which Chalice packs along."""
    fetched = PACKAGES / VENDORED.name
    if fetched.exists() and fetched.read_text() == VENDORED.read_text() and (PROJECT / "vendor").exists():
        return
    shutil.rmtree(PROJECT / "vendor", ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    platforms = ["--platform=manylinux2014_x86_64", "--platform=manylinux_2_28_x86_64", "--only-binary=:all:"]
    command = [*pip, *platforms, "--target", str(PROJECT / "vendor"), "--requirement", str(VENDORED)]
    if subprocess.run(command, check=False).returncode:
        raise DeployError(
            "pip could not fetch the packages of .chalice/vendor.txt. Its own message stands above."
        )
    PACKAGES.mkdir(exist_ok=True)
    fetched.write_text(VENDORED.read_text())


def run_chalice(stage: str) -> None:
    """Package and deploy the code, showing what Chalice says while it works."""
    command = [str(Path(sys.executable).with_name("chalice")), "deploy", "--stage", stage]
    with subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        incomplete = False
        for line in process.stdout:
            print(f"    {line}", end="", flush=True)
            incomplete = incomplete or "Could not install dependencies" in line
    if incomplete:
        # Chalice deploys anyway, and would take the incomplete package from its cache next time.
        for package in PACKAGES.glob("*.zip"):
            package.unlink()
        raise DeployError(
            "Chalice left out the dependencies named above, so the deployed code cannot work. Give each a "
            "version in requirements.txt that has a wheel for Lambda's Python."
        )
    if process.returncode:
        raise DeployError(
            f"`chalice deploy` ended with code {process.returncode}. Its own message stands above."
        )


def deployed_api(stage: str) -> str:
    """The id of the REST API that Chalice deployed."""
    deployed = json.loads((PROJECT / ".chalice" / "deployed" / f"{stage}.json").read_text())
    for resource in deployed["resources"]:
        if resource["resource_type"] == "rest_api":
            return str(resource["rest_api_id"])
    raise DeployError("Chalice deployed no REST API: does app.py still have routes?")


def put_gateway_errors(api_id: str) -> None:
    """Give what API Gateway answers without asking the app the body {"code", "message", "request_id"}.

    Chalice replaces the API's definition on every deployment, so this has to follow each one.
    """
    gateway = boto3.client("apigateway")
    for response_type, error in json.loads(GATEWAY_ERRORS.read_text()).items():
        body = {"code": error["code"], "message": error["message"], "request_id": "$context.requestId"}
        gateway.put_gateway_response(
            restApiId=api_id,
            responseType=response_type,
            responseTemplates={"application/json": json.dumps(body)},
            **({"statusCode": error["status"]} if "status" in error else {}),
        )
    gateway.create_deployment(restApiId=api_id, stageName=api_stage(), description="with its own errors")


def seed_models(bucket: str) -> None:
    """Register the bundled models; each classifies unless something else has been deployed for its task."""
    registry = Registry(DataBucket(boto3.client("s3"), bucket))
    for task in load_tasks():
        if package := bundled_package(task):
            print(f"    {task}: {registry.seed(task, package).version} classifies", flush=True)


def api_stage() -> str:
    """The first part of every path of the API."""
    return str(json.loads(CONFIG.read_text())["api_gateway_stage"])


def api_url(api_id: str) -> str:
    """Where the API answers: on AWS under its public name, on an emulator under the emulator's address."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        scheme, _, host = endpoint.rstrip("/").partition("://")
        port = host.partition(":")[2]
        return f"{scheme}://{api_id}.execute-api.localhost:{port}/{api_stage()}/"
    region = boto3.session.Session().region_name
    return f"https://{api_id}.execute-api.{region}.amazonaws.com/{api_stage()}/"


if __name__ == "__main__":
    main()
