"""Add a user to one stage, or to other groups: `python -m deploy.users STAGE EMAIL GROUP...`.

Safe to repeat. Cognito sends a new user the first password by e-mail.
"""

import argparse
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import boto3

from chalicelib.api.auth import GROUPS, OF_TASKS
from chalicelib.storage.audit import Audit
from chalicelib.storage.bucket import DataBucket
from chalicelib.tasks import load_tasks
from deploy import failures, foundation, stages
from deploy.progress import say
from deploy.stacks import DeployError, resources


def main() -> None:
    """Run the command; exit with a message if it fails."""
    parser = argparse.ArgumentParser(description="Add a user to one stage, or to other groups.")
    parser.add_argument("stage", help="name of the installation, for example prod")
    parser.add_argument("email", help="address of the user, which is also the name to sign in with")
    parser.add_argument(
        "groups",
        nargs="+",
        metavar="group",
        help=f"what the user may do: {', '.join(GROUPS)}; or, for one task only, as in reader:chest-xray, "
        f"{' or '.join(OF_TASKS)}",
    )
    arguments = parser.parse_args()
    with failures.reported("Not done."):
        check(arguments.groups)
        bucket = stages.deployed(arguments.stage)["DATA_BUCKET"]
        stages.check_account(arguments.stage)
        cognito, pool = boto3.client("cognito-idp"), user_pool(arguments.stage)
        user = put(cognito, pool, arguments.email)
        record(bucket, user, arguments.groups)
        put_groups(cognito, pool, arguments.email, arguments.groups)


def check(groups: Sequence[str]) -> None:
    """Raise DeployError if a group means nothing."""
    known = [*GROUPS, *(f"{group}:{task}" for group in OF_TASKS for task in load_tasks())]
    if unknown := [group for group in groups if group not in known]:
        raise DeployError(f"There is no group {', '.join(unknown)}. The groups are {', '.join(known)}.")


def user_pool(stage: str) -> str:
    """The id of the stage's user pool.

    Raises:
        DeployError: if there is none.
    """
    pool = resources(foundation.stack_name(stage)).get("UserPool")
    if pool is None:
        raise DeployError(f"The stage {stage} has no login in this account and region. Deploy it first.")
    return pool


def put(cognito: Any, pool: str, email: str) -> str:
    """Create the user in no group if it does not exist; return its id in the pool, by which results name it.

    Args:
        cognito: a boto3 `cognito-idp` client.
        pool: id of the user pool.
        email: of the user.
    """
    user = {"UserPoolId": pool, "Username": email}
    try:
        # Without a verified address, Cognito could not send a new password to a user who forgot it.
        attributes = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
        cognito.admin_create_user(**user, UserAttributes=attributes, DesiredDeliveryMediums=["EMAIL"])
        say(f"{email}: created; the first password comes by e-mail")
    except cognito.exceptions.UsernameExistsException:
        say(f"{email}: exists already")
    attributes = cognito.admin_get_user(**user)["UserAttributes"]
    return str(next(one["Value"] for one in attributes if one["Name"] == "sub"))


def record(bucket: str, user: str, groups: Sequence[str]) -> None:
    """Write into the audit record which groups the user with this id will get, and from whom."""
    caller = boto3.client("sts").get_caller_identity()["Arn"]
    Audit(DataBucket(boto3.client("s3"), bucket)).record(caller, "change-user", user, groups=" ".join(groups))


def put_groups(cognito: Any, pool: str, email: str, groups: Sequence[str]) -> None:
    """Make `groups`, checked names, the only groups of a user. Those of tasks are created when needed."""
    user = {"UserPoolId": pool, "Username": email}
    for group in groups:
        if group not in GROUPS:
            with suppress(cognito.exceptions.GroupExistsException):
                cognito.create_group(UserPoolId=pool, GroupName=group)
        cognito.admin_add_user_to_group(**user, GroupName=group)
        say(f"{email}: in the group {group}")
    pages = cognito.get_paginator("admin_list_groups_for_user").paginate(**user)
    before = {group["GroupName"] for page in pages for group in page["Groups"]}
    for other in sorted(before - set(groups)):
        cognito.admin_remove_user_from_group(**user, GroupName=other)
        say(f"{email}: no longer in the group {other}")


if __name__ == "__main__":
    main()
