"""Lambdas and API: Chalice deploys them, and this module adds what Chalice cannot configure."""

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from threading import Timer
from typing import Any
from zipfile import BadZipFile, ZipFile

import boto3

from chalicelib import resource_names
from deploy import stages
from deploy.progress import say
from deploy.stacks import DeployError

PROJECT = Path(__file__).resolve().parent.parent
PACKAGES = PROJECT / ".chalice" / "deployments"
DEPLOYED = PROJECT / ".chalice" / "deployed"

ASYNCHRONOUS = ("prepare", "classify", "sweep", "drift-monitor")
"""Lambdas that are invoked asynchronously."""
LAMBDA_PACKAGES = {
    "PIP_NO_DEPS": "1",
    "PIP_ONLY_BINARY": ":all:",
    "PIP_PLATFORM": " ".join(
        [*(f"manylinux_2_{glibc}_x86_64" for glibc in range(17, 35)), "manylinux2014_x86_64"]
    ),
    "PIP_REQUIRE_HASHES": "1",
}
"""Settings of the pip that Chalice runs: the locked packages for Lambda, whatever this machine is.

Chalice would otherwise fetch what this machine itself cannot use by name, without hashes. Lambda's Linux has
glibc 2.34.
"""
UPLOAD_SECONDS = 600
"""How long Chalice waits for the answer to an upload."""
MAX_SECONDS = 3600
"""How long `chalice deploy` may take altogether."""
MAX_RETRIES = 2
"""Retries of an asynchronous invocation. This is Lambda's default, set here so that it stays."""


def deploy(stage: str, lost_events: str) -> str:
    """Deploy the code, and return the id of the API; `lost_events` is the ARN of a queue."""
    record_api(stage)
    run_chalice(stage)
    api_id = deployed_api(stage)
    assert api_id is not None
    queue_lost_events(stage, lost_events)
    return api_id


def check_python(running: tuple[int, int]) -> None:
    """Raise DeployError if Lambdas with this version of Python could not read compressed DICOM.

    Chalice gives Lambdas the version that it runs on itself.
    """
    if running >= (3, 14) and not stages.emulator():
        raise DeployError(
            "Deploy with Python 3.12 or 3.13: the Lambdas get the version that deploys them, and the decoder "
            "of compressed DICOM has no package for a newer one. Delete .venv, then add PYTHON=python3.12 to "
            "the command."
        )


def check_pip(installed: str) -> None:
    """Raise DeployError if Chalice does not work with this version of pip."""
    if tuple(map(int, installed.split(".")[:2])) >= (26, 3):
        raise DeployError(f"Chalice cannot work with pip {installed}. Run `pip install 'pip<26.3'` first.")


def run_chalice(stage: str) -> None:
    """Package and deploy the code with Chalice, and print its output."""
    # Chalice adds to the layer what lies in vendor/, where earlier versions of this put packages.
    shutil.rmtree(PROJECT / "vendor", ignore_errors=True)
    # Chalice packs every file of chalicelib/. With bytecode, the same code would never be the same package.
    for folder in (PROJECT / "chalicelib").rglob("__pycache__"):
        shutil.rmtree(folder, ignore_errors=True)
    discard_unreadable_packages()
    command = [sys.executable, "-m", "deploy.bytecode", "deploy", "--stage", stage]
    # A slow uplink needs minutes for the packages of the Lambdas.
    command += ["--connection-timeout", str(UPLOAD_SECONDS)]
    with subprocess.Popen(
        command,
        cwd=PROJECT,
        env={**os.environ, **LAMBDA_PACKAGES, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        incomplete = False
        stuck = Timer(MAX_SECONDS, process.kill)
        stuck.daemon = True  # it does not outlive the command
        stuck.start()
        for line in process.stdout:
            say(line.rstrip("\n"))
            incomplete = incomplete or "Could not install dependencies" in line
        stuck.cancel()
    if incomplete:
        # Chalice deploys anyway, and would take the incomplete package from its cache next time.
        for package in PACKAGES.glob("*.zip"):
            package.unlink()
        raise DeployError(
            "Chalice left out the dependencies named above, so the deployed code cannot work. Give each a "
            "version in .chalice/requirements.in that has a wheel for Lambda's Python, and run `make lock`."
        )
    if process.returncode:
        raise DeployError(
            f"`chalice deploy` ended with code {process.returncode}. Its output above says why."
        )


def discard_unreadable_packages() -> None:
    """Delete the packages in Chalice's cache that Lambda could not read.

    They are cut off, or an earlier version packed them, which kept the modes of a strict umask.
    """
    for package in PACKAGES.glob("*.zip"):
        if not _readable(package):
            package.unlink()


def _readable(package: Path) -> bool:
    try:
        with ZipFile(package) as archive:
            return all(entry.external_attr >> 16 & stat.S_IROTH for entry in archive.infolist())
    except BadZipFile:
        return False


def queue_lost_events(stage: str, queue: str) -> None:
    """Send events on which Lambda gives up to a queue; otherwise they would be lost."""
    names = stages.functions(stage)
    for function in ASYNCHRONOUS:
        boto3.client("lambda").put_function_event_invoke_config(
            FunctionName=names[function],
            MaximumRetryAttempts=MAX_RETRIES,
            DestinationConfig={"OnFailure": {"Destination": queue}},
        )


def check_code(stage: str) -> None:
    """Make sure that the deployed code starts and answers: all Lambdas have the same.

    Raises:
        DeployError: if it does not.
    """
    name, functions = stages.functions(stage)["api_handler"], boto3.client("lambda")
    # Until an update is complete, Lambda runs the code before.
    functions.get_waiter("function_updated_v2").wait(FunctionName=name)
    answer = functions.invoke(FunctionName=name, Payload=json.dumps(health_request()))
    payload = json.loads(answer["Payload"].read())
    if "FunctionError" in answer or payload.get("statusCode") != HTTPStatus.OK:
        said = payload.get("errorMessage") or payload.get("body") or payload
        raise DeployError(f"The new code is deployed, but {name} does not answer: {said}")
    say(f"{name} answers")


def health_request() -> dict[str, Any]:
    """API Gateway's event for `GET /health`."""
    return {
        "requestContext": {"resourcePath": "/health", "httpMethod": "GET", "requestId": "deployment"},
        "headers": {},
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "body": None,
        "isBase64Encoded": False,
    }


# -------------------------------------------------------------------------------------------- the API


def deployed_api(stage: str) -> str | None:
    """The id of the REST API, as Chalice recorded it; None before the first successful deployment."""
    record = DEPLOYED / f"{stage}.json"
    try:
        resources = json.loads(record.read_text())["resources"] if record.exists() else ()
    except ValueError as error:
        raise DeployError(f"{record} cannot be read: {error}. Delete it, and repeat the command.") from None
    for resource in resources:
        if resource["resource_type"] == "rest_api":
            return str(resource["rest_api_id"])
    return None


def record_api(stage: str) -> None:
    """Record the stage's API if Chalice has not, because Chalice creates a second one otherwise.

    Chalice records the API at the end of a deployment. The record is missing if the deployment failed, or ran
    on another machine.
    """
    if deployed_api(stage) is not None:
        return
    for api_id in apis(stage):
        api = {"name": "rest_api", "resource_type": "rest_api", "rest_api_id": api_id}
        record = {"schema_version": "2.0", "backend": "api", "resources": [api]}
        DEPLOYED.mkdir(exist_ok=True)
        (DEPLOYED / f"{stage}.json").write_text(json.dumps(record, indent=2) + "\n")
        say(f"API {api_id} exists already; recorded")


def apis(stage: str) -> Iterator[str]:
    """Ids of the REST APIs that call the stage's Lambda. A name alone is not unique."""
    gateway = boto3.client("apigateway")
    handler = f":function:{stages.functions(stage)['api_handler']}/invocations"
    for page in gateway.get_paginator("get_rest_apis").paginate():
        for api in page["items"]:
            if api["name"] == resource_names.resource_name(stage) and handler in integrations(api["id"]):
                yield api["id"]


def integrations(api_id: str) -> str:
    """The integrations of an API's methods, as JSON."""
    pages = boto3.client("apigateway").get_paginator("get_resources")
    return json.dumps([page["items"] for page in pages.paginate(restApiId=api_id, embed=["methods"])])


def api_url(api_id: str) -> str:
    """URL of the API: its public name on AWS, or an address of the emulator."""
    if endpoint := stages.emulator():
        scheme, _, host = endpoint.rstrip("/").partition("://")
        port = host.partition(":")[2]
        return f"{scheme}://{api_id}.execute-api.localhost:{port}/{stages.api_stage()}/"
    session = boto3.session.Session()
    region = session.region_name
    suffix = session.client("apigateway").meta.endpoint_url.partition(f".{region}.")[2]
    return f"https://{api_id}.execute-api.{region}.{suffix}/{stages.api_stage()}/"


# --------------------------------------------------------------------------------------------- deleting


def delete(stage: str) -> None:
    """Delete what Chalice created, found by name.

    `chalice delete` knows only what a successful deployment recorded on this machine.
    """
    delete_rules(stage)
    for api_id in list(apis(stage)):
        boto3.client("apigateway").delete_rest_api(restApiId=api_id)
        say(f"API {api_id}: deleted")
    delete_functions(stage)
    (DEPLOYED / f"{stage}.json").unlink(missing_ok=True)


def delete_rules(stage: str) -> None:
    """Delete what invokes Lambdas: schedules, and the notifications of the bucket."""
    events = boto3.client("events")
    pages = events.get_paginator("list_rules").paginate(NamePrefix=resource_names.prefix(stage))
    for rule in [rule["Name"] for page in pages for rule in page["Rules"]]:
        pages = events.get_paginator("list_targets_by_rule").paginate(Rule=rule)
        targets = [target["Id"] for page in pages for target in page["Targets"]]
        if targets:
            events.remove_targets(Rule=rule, Ids=targets)
        events.delete_rule(Name=rule)
    s3 = boto3.client("s3")
    if bucket := stages.variables(stage).get("DATA_BUCKET"):
        with suppress(s3.exceptions.NoSuchBucket):
            s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})


def delete_functions(stage: str) -> None:
    """Delete the Lambdas, and the layer with their packages."""
    functions = boto3.client("lambda")
    for name in stages.functions(stage).values():
        try:
            functions.delete_function(FunctionName=name)
        except functions.exceptions.ResourceNotFoundException:
            continue
        say(f"{name}: deleted")
    layer = resource_names.resource_name(stage, "managed-layer")
    with suppress(functions.exceptions.ResourceNotFoundException):
        for page in functions.get_paginator("list_layer_versions").paginate(LayerName=layer):
            for one in page["LayerVersions"]:
                functions.delete_layer_version(LayerName=layer, VersionNumber=one["Version"])
