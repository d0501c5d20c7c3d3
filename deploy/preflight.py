"""Check an AWS account before a deployment: `python -m deploy.preflight STAGE`. It changes nothing."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import version

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoRegionError, UnknownRegionError

from chalicelib import resource_names
from deploy import (
    account_budget,
    application,
    costs,
    failures,
    foundation,
    options,
    quotas,
    retraining,
    stages,
)
from deploy.finding import Finding, attempt
from deploy.progress import say, step
from deploy.stacks import DeployError, stack_status

SERVICES = ("apigateway", "cognito-idp", "sagemaker", "scheduler", "stepfunctions")
"""Services that some regions or partitions lack, by boto3's names."""
ACTIONS = (
    "apigateway:POST",
    "cloudformation:CreateStack",
    "cloudformation:UpdateStack",
    "cloudfront:CreateDistribution",
    "cloudwatch:PutMetricAlarm",
    "cognito-idp:CreateUserPool",
    "dynamodb:CreateTable",
    "events:PutRule",
    "iam:CreateRole",
    "iam:PassRole",
    "iam:PutRolePolicy",
    "kms:CreateKey",
    "lambda:CreateFunction",
    "lambda:PublishLayerVersion",
    "logs:CreateLogGroup",
    "s3:CreateBucket",
    "s3:PutObject",
    "sns:CreateTopic",
    "sqs:CreateQueue",
    "states:CreateStateMachine",
)
"""Some of what a deployment does: one action of each service."""


def main() -> None:
    """Run the command; exit with 1 if the stage cannot be deployed."""
    wanted = options.parse_arguments("Check an AWS account before a deployment.")
    with failures.reported("Not ready."):
        step(f"Checks before a deployment of the stage {wanted.stage}")
        report(wanted)


def report(wanted: argparse.Namespace) -> None:
    """Print what was found for the options of a deployment.

    Raises:
        DeployError: if the stage cannot be deployed.
    """
    stages.check(wanted.stage)
    errors = 0
    for finding in findings(wanted):
        say(f"{finding.level:8}{finding.text}")
        errors += finding.level == "error"
    if errors:
        raise DeployError(f"{errors} of the checks above failed; each says what to do.")


def findings(wanted: argparse.Namespace) -> Iterator[Finding]:
    """All findings for the options of a deployment, whose stage has a valid name.

    Without credentials or a region, boto3 raises its error.
    """
    yield attempt("Python", application.check_python, sys.version_info[:2])
    yield attempt("pip", application.check_pip, version("pip"))
    region = boto3.session.Session().region_name
    if region is None:
        raise NoRegionError
    caller = boto3.client("sts").get_caller_identity()
    yield Finding("ok", f"Credentials for account {caller['Account']}, region {region}")
    yield attempt("The stage is not in another account or region", stages.check_account, wanted.stage)
    if stages.emulator():
        return
    yield _services(region)
    yield attempt(f"Images that train and serve in {region}", retraining.image_account)
    if wanted.site_origin is None:
        yield _partition(caller["Arn"])
        yield _distributions()
    if wanted.certificate:
        yield _certificate(wanted.certificate, wanted.domain)
    yield from _names(wanted.stage, caller["Account"])
    if wanted.budget:
        yield attempt("AWS Budgets", account_budget.check_partition)
    yield _permissions(caller["Arn"], (*ACTIONS, *(("budgets:ModifyBudget",) if wanted.budget else ())))
    yield from quotas.findings(wanted)
    idle = costs.table(costs.PriceList(), costs.Workload(0, 0))["sum"]["embedded"] or 0.0
    yield Finding("ok", f"Idle, the stage costs about ${idle:.0f} a month; `make cost` estimates the rest")


def _services(region: str) -> Finding:
    session = boto3.session.Session()
    try:
        partition = session.get_partition_for_region(region)
    except UnknownRegionError:
        return Finding("error", f"AWS has no region {region}. Name another one with AWS_DEFAULT_REGION.")
    known = {name: session.get_available_regions(name, partition) for name in SERVICES}
    if lacking := [name for name, regions in known.items() if region not in regions]:
        return Finding(
            # The list of regions is as old as boto3, that of partitions changes hardly ever.
            "warning" if all(known.values()) else "error",
            f"{region} seems to lack services that a stage needs: {', '.join(lacking)}. If so, choose "
            "another region, for example with AWS_DEFAULT_REGION.",
        )
    return Finding("ok", f"Services in {region}")


def _partition(arn: str) -> Finding:
    partition = arn.split(":")[1]
    if partition == "aws-us-gov":
        return Finding(
            "error",
            "GovCloud has no CloudFront, which serves the page. Serve the page elsewhere, and give its "
            "origin: python -m deploy.deploy STAGE --site-origin https://...",
        )
    return Finding("ok", f"Partition {partition}")


def _distributions() -> Finding:
    """Nothing tells whether an account is verified, except that it has a distribution already."""
    try:
        found = boto3.client("cloudfront").list_distributions(MaxItems="1")["DistributionList"]["Quantity"]
    except ClientError as error:
        return Finding("warning", f"Whether this account may use CloudFront is unknown: {error}")
    if found:
        return Finding("ok", "The account uses CloudFront already")
    return Finding(
        "warning",
        "The account has no CloudFront distribution yet. AWS verifies new accounts before they may have one: "
        "if the command cannot deploy the page for this reason, open a case with AWS Support, and repeat it.",
    )


def _certificate(arn: str, domain: str) -> Finding:
    try:
        found = boto3.client("acm", region_name="us-east-1").describe_certificate(CertificateArn=arn)
    except ClientError as error:
        return Finding("error", f"The certificate cannot be read: {error}. Name one of this account.")
    certificate = found["Certificate"]
    names = {certificate["DomainName"], *certificate.get("SubjectAlternativeNames", ())}
    if certificate["Status"] != "ISSUED":
        return Finding(
            "error",
            f"The certificate is {certificate['Status']}. Create the DNS records that ACM asks for, and wait "
            "until it is ISSUED.",
        )
    if not names & {domain, f"*.{domain.partition('.')[2]}"}:
        return Finding("error", f"The certificate is for {', '.join(sorted(names))}, not for {domain}.")
    return Finding("ok", f"Certificate of {domain}")


def _names(stage: str, account: str) -> Iterator[Finding]:
    """Names of roles hold for the whole account, those of buckets and login pages for more."""
    if stack_status(foundation.stack_name(stage)):
        yield Finding("ok", f"The stage {stage} exists, and will be updated")
        return
    found = [*_role(stage), *_buckets(stage, account), *_login_page(stage, account)]
    yield from found or [Finding("ok", f"The stage {stage} is new, and its names are free")]


def _role(stage: str) -> Iterator[Finding]:
    iam, role = boto3.client("iam"), resource_names.resource_name(stage, "api")
    try:
        iam.get_role(RoleName=role)
    except iam.exceptions.NoSuchEntityException:
        return
    except ClientError as error:
        yield Finding("warning", f"Whether the name {stage} is free is unknown: {error}")
        return
    yield Finding(
        "error",
        f"The account has a role {role}, but no stage {stage} in this region. It is probably in another "
        "region: go there, or choose another name with STAGE=.",
    )


def _buckets(stage: str, account: str) -> Iterator[Finding]:
    for kind in ("data", "site"):
        name = resource_names.resource_name(stage, kind, account)
        try:
            boto3.client("s3").head_bucket(Bucket=name)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchBucket"):
                continue
        yield Finding(
            "error",
            f"The bucket {name} exists already, but no stack of the stage does. Empty and delete it after "
            "keeping what is needed, or choose another name with STAGE=.",
        )


def _login_page(stage: str, account: str) -> Iterator[Finding]:
    name = resource_names.resource_name(stage, account)
    try:
        found = boto3.client("cognito-idp").describe_user_pool_domain(Domain=name)["DomainDescription"]
    except (ClientError, BotoCoreError) as error:
        yield Finding("warning", f"Whether the address of the login page is free is unknown: {error}")
        return
    if pool := found.get("UserPoolId"):
        yield Finding(
            "error",
            f"The user pool {pool} has the domain {name}, but no stage {stage} exists. Delete the domain, or "
            "choose another name with STAGE=.",
        )


def _permissions(arn: str, actions: Sequence[str]) -> Finding:
    try:
        denied = sorted(_denied(_principal(arn), actions))
    except ClientError as error:
        return Finding("warning", f"The permissions of these credentials could not be checked: {error}")
    if denied:
        return Finding(
            "error",
            f"These credentials may not do {', '.join(denied)}. Use those of an administrator.",
        )
    return Finding("ok", "Permissions, as far as one action of each service tells")


def _denied(principal: str, actions: Sequence[str]) -> Iterator[str]:
    pages = boto3.client("iam").get_paginator("simulate_principal_policy")
    for page in pages.paginate(PolicySourceArn=principal, ActionNames=list(actions)):
        for result in page["EvaluationResults"]:
            if result["EvalDecision"] != "allowed":
                yield str(result["EvalActionName"])


def _principal(arn: str) -> str:
    """The ARN of the user or role behind a caller's ARN; that of a session is no principal with policies."""
    head, kind, name = arn.partition(":assumed-role/")
    return f"{head.replace(':sts:', ':iam:')}:role/{name.partition('/')[0]}" if kind else arn


if __name__ == "__main__":
    main()
