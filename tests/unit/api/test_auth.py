"""The signed-in user, their groups and what they may do."""

from typing import Any

import pytest
from chalice.app import Request

from chalicelib.api.auth import (
    GROUPS,
    Group,
    check,
    check_task,
    groups,
    has_role,
    name,
    role,
    strongest_role,
    tasks,
    user,
)
from chalicelib.errors import NotAllowed


def request(context: dict[str, Any]) -> Request:
    event = {
        "multiValueQueryStringParameters": None,
        "headers": {},
        "pathParameters": {},
        "requestContext": {"httpMethod": "GET", "resourcePath": "/", **context},
        "body": None,
        "stageVariables": None,
        "isBase64Encoded": False,
    }
    return Request(event)


def signed_in(**claims: Any) -> Request:
    return request({"authorizer": {"claims": {"sub": "4711", **claims}}})


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("admin", ["admin"]),
        ("admin,reader", ["admin", "reader"]),
        ("admin, reader", ["admin", "reader"]),
        ("[admin reader]", ["admin", "reader"]),
        ("[admin]", ["admin"]),
        (["admin", "reader"], ["admin", "reader"]),
        ("not-admin", ["not-admin"]),
        ("administrators admins", ["administrators", "admins"]),
        ("", []),
        ("[]", []),
        ([], []),
        (None, []),
    ],
)
def test_groups_accepts_every_notation_of_the_claim(claim: Any, expected: list[str]) -> None:
    assert groups(signed_in(**{"cognito:groups": claim})) == expected


@pytest.mark.parametrize("context", [{}, {"authorizer": None}, {"authorizer": {}}])
def test_groups_is_empty_without_login(context: dict[str, Any]) -> None:
    assert groups(request(context)) == []
    assert user(request(context)) == "local"


def test_user_is_the_id_in_the_user_pool() -> None:
    assert user(signed_in()) == "4711"
    assert groups(signed_in()) == []


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        (["reader"], "reader"),
        (["admin", "reader"], "admin"),
        (["reviewer", "others"], "reviewer"),
        (["others", "Admin"], None),
        ([], None),
    ],
)
def test_role_is_the_group_with_the_most_permissions(groups: list[str], expected: str | None) -> None:
    assert role(groups) == expected


@pytest.mark.parametrize("own", GROUPS)
@pytest.mark.parametrize("least", GROUPS)
def test_check_lets_groups_do_what_lower_groups_may(own: str, least: Group) -> None:
    if GROUPS.index(own) >= GROUPS.index(least):
        check([own], least)
    else:
        with pytest.raises(NotAllowed):
            check([own], least)


def test_check_names_the_allowed_groups_and_whom_to_ask() -> None:
    with pytest.raises(
        NotAllowed, match=r"^Only members of the group 'reviewer' or 'admin' may do this\. Ask"
    ):
        check(["reader"], "reviewer")
    with pytest.raises(NotAllowed, match=r"in none of the groups 'reader', 'reviewer' and 'admin'\. Ask"):
        check(["others"], "reader")


@pytest.mark.parametrize(
    ("groups", "everywhere", "of_chest", "strongest", "seen"),
    [
        (["reader"], "reader", "reader", "reader", None),
        (["reader:chest-xray"], None, "reader", "reader", ("chest-xray",)),
        (["reader", "reviewer:chest-xray"], "reader", "reviewer", "reviewer", None),
        (["reviewer", "reader:chest-xray"], "reviewer", "reviewer", "reviewer", None),
        (["reader:feet", "reviewer:feet"], None, None, "reviewer", ("feet",)),
        (
            ["admin:chest-xray", "reader:", ":chest-xray", "reader:chest-xray:x"],
            None,
            None,
            "reader",
            ("chest-xray:x",),
        ),
        ([], None, None, None, ()),
    ],
)
def test_groups_of_tasks_count_for_their_task_only(
    groups: list[str],
    everywhere: str | None,
    of_chest: str | None,
    strongest: str | None,
    seen: tuple[str, ...] | None,
) -> None:
    assert role(groups) == everywhere
    assert role(groups, "chest-xray") == of_chest
    assert strongest_role(groups) == strongest
    assert tasks(groups) == seen


def test_check_task_names_the_allowed_groups() -> None:
    groups = ["reader:chest-xray", "reviewer:feet"]
    check(groups, "reviewer")
    check_task(groups, "reviewer", "feet")
    assert not has_role(groups, "reader")
    with pytest.raises(NotAllowed, match=r"the group 'reviewer', 'reviewer:chest-xray' or 'admin' may"):
        check_task(groups, "reviewer", "chest-xray")


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"email": "Ada.Lovelace@example.org"}, "ada.lovelace"),
        ({"email": "a" * 200}, "a" * 100),
        ({"email": ""}, None),
        ({}, None),
    ],
)
def test_name_is_the_address_up_to_the_at(claims: dict[str, str], expected: str | None) -> None:
    assert name(signed_in(**claims)) == expected
