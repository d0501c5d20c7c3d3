"""Rights of every group on every route."""

import pytest
from chalice.app import Chalice, CognitoUserPoolAuthorizer

import app
from chalicelib.api.auth import GROUPS
from chalicelib.api.http import Api
from chalicelib.storage import request_count
from tests.functional.conftest import as_member
from tests.functional.test_openapi import DOCUMENT, OPERATIONS, schema

POOL = "arn:aws:cognito-idp:eu-central-1:000000000000:userpool/eu-central-1_x"

PUBLIC, SIGNED_IN = "public", "signed in"

LEAST = {
    ("GET", "/health"): PUBLIC,
    ("GET", "/openapi.json"): PUBLIC,
    ("GET", "/me"): SIGNED_IN,
    ("GET", "/stage"): "reader",
    ("GET", "/tasks"): "reader",
    ("POST", "/tasks/{task}/classify"): "reviewer",
    ("GET", "/tasks/{task}/models"): "reader",
    ("GET", "/tasks/{task}/models/{version}/{file}"): "reader",
    ("POST", "/tasks/{task}/rollback"): "admin",
    ("GET", "/tasks/{task}/drift"): "reader",
    ("GET", "/tasks/{task}/review-statistics"): "reader",
    ("GET", "/tasks/{task}/agreement"): "reviewer",
    ("GET", "/tasks/{task}/review-rule"): "reader",
    ("PUT", "/tasks/{task}/review-rule"): "admin",
    ("GET", "/tasks/{task}/training-data"): "reader",
    ("GET", "/tasks/{task}/labelled-images"): "admin",
    ("POST", "/tasks/{task}/labelled-images"): "admin",
    ("POST", "/uploads"): "reviewer",
    ("DELETE", "/uploads/{id}"): "reviewer",
    ("GET", "/results"): "reader",
    ("GET", "/results.csv"): "reader",
    ("POST", "/exports"): "reader",
    ("GET", "/exports"): "reader",
    ("GET", "/exports/{export}"): "reader",
    ("POST", "/exports/{export}/stop"): "reader",
    ("GET", "/results/{id}"): "reader",
    ("GET", "/results/{id}/preview"): "reader",
    ("GET", "/results/{id}/picture"): "reader",
    ("GET", "/results/{id}/frames"): "reader",
    ("GET", "/results/{id}/heatmap"): "reader",
    ("PUT", "/results/{id}/review"): "reviewer",
    ("DELETE", "/results/{id}/review"): "reviewer",
    ("DELETE", "/results/{id}"): "admin",
    ("PUT", "/results/{id}/hidden"): "admin",
    ("DELETE", "/results/{id}/hidden"): "admin",
    ("POST", "/retrainings"): "admin",
    ("GET", "/retrainings"): "reader",
    ("GET", "/retrainings/{name}"): "reader",
    ("GET", "/retrainings/{name}/files/{file}"): "reader",
    ("POST", "/retrainings/{name}/approval"): "admin",
    ("POST", "/batches"): "admin",
    ("GET", "/batches"): "admin",
    ("GET", "/batches/{batch}"): "admin",
    ("POST", "/batches/{batch}/stop"): "admin",
    ("POST", "/batches/{batch}/continue"): "admin",
    ("GET", "/audit"): "admin",
    ("GET", "/access-log"): "admin",
    ("POST", "/retrainings/{name}/stop"): "admin",
}
"""The lowest group that may call each route."""

PARAMETERS = {
    "task": "feet",
    "version": "v",
    "file": "card.md",
    "id": "0" * 32,
    "name": "run",
    "batch": "run",
    "export": "x",
}
"""Path parameters of things that do not exist, so that allowed requests get an error of another kind."""


def test_every_route_has_a_group() -> None:
    routes = {(method, path) for path, methods in app.app.routes.items() for method in methods}
    assert routes == LEAST.keys()


def test_description_names_the_group() -> None:
    for (path, method), operation in OPERATIONS.items():
        least = LEAST[method, path]
        described = operation.get("security", DOCUMENT["security"])
        assert described == {PUBLIC: [], SIGNED_IN: [{"users": []}]}.get(least, [{"users": [least]}]), path
        assert ("403" in operation["responses"]) == (least in GROUPS), path


@pytest.mark.parametrize("group", ["", *GROUPS])
@pytest.mark.usefixtures("_login", "client")
def test_groups_have_the_rights_in_the_table(group: str) -> None:
    for (method, path), least in LEAST.items():
        allowed = least in (PUBLIC, SIGNED_IN) or (group and GROUPS.index(group) >= GROUPS.index(least))
        named = {name: value for name, value in PARAMETERS.items() if f"{{{name}}}" in path}

        status, answer = as_member(group, method, path, **named)

        if allowed:
            assert status in (200, 201, 400, 404), (method, path, answer)
        else:
            assert (status, answer["code"]) == (403, "NotAllowed"), (method, path)
            assert "Ask an administrator of this installation" in answer["message"]
            schema(path, method, 403).validate(answer)


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        ("reader,reviewer", "reviewer"),
        ("[admin reader]", "admin"),
        ("others", None),
        ("", None),
    ],
)
@pytest.mark.usefixtures("_login", "client")
def test_me_returns_user_and_groups(groups: str, role: str | None) -> None:
    status, answer = as_member(groups, "GET", "/me")

    assert status == 200
    schema("/me", "GET", 200).validate(answer)
    assert (answer["login"], answer["user"], answer["role"]) == (True, "4711", role)


@pytest.mark.usefixtures("client", "_login")
def test_costly_requests_of_a_user_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_count, "LIMIT", 2)
    costly = [
        path
        for path, methods in app.app.routes.items()
        if "429" in DOCUMENT["paths"][path].get("get", {}).get("responses", {})
    ]
    assert costly == ["/tasks/{task}/review-statistics", "/tasks/{task}/agreement", "/results.csv"]

    statuses = [as_member("reader", "GET", "/results.csv")[0] for _ in range(3)]

    assert statuses == [200, 200, 429]
    status, answer = as_member("reader", "GET", "/results.csv")
    schema("/results.csv", "GET", 429).validate(answer)
    assert (status, answer["code"]) == (429, "TooManyRequests")
    assert as_member("reader", "GET", "/results")[0] == 200


def test_api_gateway_requires_login_and_key() -> None:
    chalice = Chalice("x")
    api = Api()
    api.get("/open", public=True)(dict)
    api.get("/closed")(dict)
    api.get("/me", group=None)(dict)
    api.serve(chalice, POOL, key_required=True)

    assert all(methods["GET"].api_key_required for methods in chalice.routes.values())
    authorizers = {path: methods["GET"].authorizer for path, methods in chalice.routes.items()}
    assert authorizers.pop("/open") is None
    for authorizer in authorizers.values():
        assert isinstance(authorizer, CognitoUserPoolAuthorizer)
        assert authorizer.to_swagger()["x-amazon-apigateway-authorizer"]["providerARNs"] == [POOL]
