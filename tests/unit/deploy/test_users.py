"""The command that adds users."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from chalicelib.api.auth import GROUPS
from chalicelib.storage.audit import Audit
from chalicelib.storage.bucket import DataBucket
from deploy import users
from deploy.stacks import DeployError
from tests.stage import BUCKET

EMAIL = "user@example.org"


class UserPool:
    """Keeps users with their attributes and groups."""

    class exceptions:  # noqa: N801
        """As on clients of boto3."""

        class UsernameExistsException(Exception):
            """The user is there already."""

        class GroupExistsException(Exception):
            """The group is there already."""

    def __init__(self) -> None:
        self.attributes: dict[str, dict[str, str]] = {}
        self.groups: dict[str, set[str]] = {}
        self.known: set[str] = set(GROUPS)

    def create_group(self, GroupName: str, **_: Any) -> None:  # noqa: N803
        if GroupName in self.known:
            raise self.exceptions.GroupExistsException
        self.known.add(GroupName)

    def admin_create_user(self, Username: str, UserAttributes: list[dict[str, str]], **_: Any) -> None:  # noqa: N803
        if Username in self.attributes:
            raise self.exceptions.UsernameExistsException
        self.attributes[Username] = {one["Name"]: one["Value"] for one in UserAttributes}

    def admin_get_user(self, Username: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        pairs = {"sub": "4711", **self.attributes[Username]}
        return {"UserAttributes": [{"Name": name, "Value": value} for name, value in pairs.items()]}

    def admin_add_user_to_group(self, Username: str, GroupName: str, **_: Any) -> None:  # noqa: N803
        assert GroupName in self.known
        self.groups.setdefault(Username, set()).add(GroupName)

    def admin_remove_user_from_group(self, Username: str, GroupName: str, **_: Any) -> None:  # noqa: N803
        self.groups[Username].remove(GroupName)

    def get_paginator(self, _operation: str) -> "UserPool":
        return self

    def paginate(self, Username: str, **_: Any) -> Iterator[dict[str, Any]]:  # noqa: N803
        for name in sorted(self.groups[Username]):
            yield {"Groups": [{"GroupName": name}]}


def test_new_user_can_recover_the_password() -> None:
    pool = UserPool()
    for _ in range(2):
        assert users.put(pool, "pool", EMAIL) == "4711"
    assert pool.attributes[EMAIL] == {"email": EMAIL, "email_verified": "true"}


def test_groups_of_tasks_are_created_when_they_are_needed() -> None:
    pool, groups = UserPool(), ["reader:chest-xray", "reviewer:retinal-oct"]
    for _ in range(2):
        users.put_groups(pool, "pool", EMAIL, groups)
    assert pool.groups[EMAIL] == set(groups)


@pytest.mark.usefixtures("cloud")
def test_change_of_groups_is_in_the_audit_record() -> None:
    users.record(BUCKET, "4711", ["reader:chest-xray", "reviewer"])

    ((entry,), _) = Audit(DataBucket(boto3.client("s3"), BUCKET)).page(2, None)
    assert (entry["act"], entry["subject"]) == ("change-user", "4711")
    assert entry["user"].startswith("arn:aws:")
    assert entry["details"] == {"groups": "reader:chest-xray reviewer"}


@pytest.mark.parametrize("group", ["owner", "admin:chest-xray", "reader:feet", "reader:"])
def test_groups_that_mean_nothing_are_refused(group: str) -> None:
    users.check(["admin", "reader:chest-xray", "reviewer:chest-xray"])
    with pytest.raises(
        DeployError, match=f"no group {group}. The groups are reader, reviewer, admin, reader:"
    ):
        users.check(["reader", group])


def test_other_groups_replace_the_earlier_ones() -> None:
    pool = UserPool()
    users.put_groups(pool, "pool", EMAIL, ["admin", "reader:chest-xray"])
    users.put_groups(pool, "pool", EMAIL, ["reader"])
    assert pool.groups[EMAIL] == {"reader"}


def test_stage_without_login_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "resources", lambda _stack: {})
    with pytest.raises(DeployError, match="The stage prod has no login"):
        users.user_pool("prod")
