"""People of this machine who may sign in when `make run LOGIN=1` asks them to: one of each group."""

from dataclasses import dataclass

import boto3

from chalicelib.resource_names import stack_name

STACK = stack_name("local", "foundation")


@dataclass(frozen=True)
class User:
    """Somebody of the user pool. The password is no secret: only this machine can reach the login page."""

    group: str

    @property
    def name(self) -> str:
        """An address, as user pools of this application ask for."""
        return f"{self.group}@negatoscope.example"

    @property
    def password(self) -> str:
        """As strong as the pool's policy asks for."""
        return f"{self.group.capitalize()}-of-this-machine-1"


USERS = tuple(User(group) for group in ("reader", "reviewer", "admin"))


def seed(aws_url: str) -> None:
    """Have every user in the pool of the stage `local`, in their group and with their password."""
    credentials = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    stacks = boto3.client("cloudformation", endpoint_url=aws_url, **credentials)
    outputs = stacks.describe_stacks(StackName=STACK)["Stacks"][0]["Outputs"]
    pool = next(output["OutputValue"] for output in outputs if output["OutputKey"] == "UserPoolId")
    cognito = boto3.client("cognito-idp", endpoint_url=aws_url, **credentials)
    known = {
        attribute["Value"]
        for user in cognito.list_users(UserPoolId=pool)["Users"]
        for attribute in user["Attributes"]
        if attribute["Name"] == "email"
    }
    for user in USERS:
        who = {"UserPoolId": pool, "Username": user.name}
        if user.name not in known:
            attributes = [
                {"Name": "email", "Value": user.name},
                {"Name": "email_verified", "Value": "true"},
            ]
            cognito.admin_create_user(
                **who,
                TemporaryPassword=user.password,
                UserAttributes=attributes,
                MessageAction="SUPPRESS",
            )
        cognito.admin_set_user_password(**who, Password=user.password, Permanent=True)
        cognito.admin_add_user_to_group(**who, GroupName=user.group)
