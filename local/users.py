"""The users of `make run LOGIN=1`: one of each group."""

from dataclasses import dataclass

from chalicelib.resource_names import stack_name
from local.account import root_client

STACK = stack_name("local", "foundation")


@dataclass(frozen=True)
class User:
    """A user in the user pool. The password is public: only this machine can reach the login page."""

    group: str

    @property
    def name(self) -> str:
        """The user name: an e-mail address, as the user pool requires."""
        return f"{self.group}@negatoscope.example"

    @property
    def password(self) -> str:
        """A password that satisfies the policy of the pool."""
        return f"{self.group.capitalize()}-of-this-machine-1"


USERS = tuple(User(group) for group in ("reader", "reviewer", "admin"))


def seed(aws_url: str) -> None:
    """Create missing users in the pool of the stage `local`, and set every user's password and group."""
    stacks = root_client("cloudformation", aws_url)
    outputs = stacks.describe_stacks(StackName=STACK)["Stacks"][0]["Outputs"]
    pool = next(output["OutputValue"] for output in outputs if output["OutputKey"] == "UserPoolId")
    cognito = root_client("cognito-idp", aws_url)
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
