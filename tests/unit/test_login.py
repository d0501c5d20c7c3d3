"""Who is signed in."""

from typing import Any

import pytest
from chalice.app import Request

from chalicelib.login import groups, user


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
def test_groups_are_read_however_they_are_written(claim: Any, expected: list[str]) -> None:
    assert groups(signed_in(**{"cognito:groups": claim})) == expected


@pytest.mark.parametrize("context", [{}, {"authorizer": None}, {"authorizer": {}}])
def test_without_login_there_are_none(context: dict[str, Any]) -> None:
    assert groups(request(context)) == []
    assert user(request(context)) == "local"


def test_user_is_the_id_of_the_pool() -> None:
    assert user(signed_in()) == "4711"
    assert groups(signed_in()) == []
