"""Answers, errors and bodies of requests."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
from chalice.app import Chalice, Request

from chalicelib import errors
from chalicelib.api.http import Answer, Api, body_bytes, json_body
from chalicelib.api.parameters import PATH_PARAMETERS


def event(
    body: str | None = None,
    is_base64: bool = False,
    path: str = "/",
    parameters: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    return {
        "multiValueQueryStringParameters": None,
        "headers": {"content-type": "application/json"},
        "pathParameters": dict(parameters or {}),
        "requestContext": {"httpMethod": "GET", "resourcePath": path, "requestId": "r-1"},
        "body": body,
        "stageVariables": None,
        "isBase64Encoded": is_base64,
    }


def answer_to(view: Any, path: str = "/", **parameters: str) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Status, JSON and headers of the answer of an app whose only route is `view`."""
    app = Chalice("test")
    api = Api()
    api.get(path)(view)
    api.serve(app, None)
    answer = app(event(path=path, parameters=parameters), None)
    return answer["statusCode"], json.loads(answer["body"]), answer["headers"]


def test_view_answers_with_compact_json() -> None:
    answer = Answer.of({"a": [1, None]}, 201)
    assert (answer.body, answer.status_code) == ('{"a":[1,null]}', 201)


def test_only_bytes_are_encoded_in_base64() -> None:
    for body, is_encoded in ((b"\x89PNG", True), ("text", False)):
        answer = Answer(body, {"Content-Type": "image/png"}).to_dict(["*/*"])
        assert answer.get("isBase64Encoded", False) == is_encoded
        assert answer["body"] == (base64.b64encode(b"\x89PNG").decode() if is_encoded else "text")


def test_error_is_answered_with_its_code_and_the_request_id() -> None:
    def view() -> None:
        raise errors.UnsupportedMediaType("Send something else.")

    status, body, headers = answer_to(view)
    assert status == 415
    assert body == {"code": "UnsupportedMediaType", "message": "Send something else.", "request_id": "r-1"}
    assert "Retry-After" not in headers


def test_endpoint_that_is_not_ready_says_when_to_retry(capsys: pytest.CaptureFixture[str]) -> None:
    def view() -> None:
        raise errors.EndpointMissing("It is starting.")

    status, body, headers = answer_to(view)
    assert (status, body["code"], headers["Retry-After"]) == (503, "EndpointMissing", "60")
    assert "EndpointErrors" in capsys.readouterr().out


def test_unexpected_error_tells_nothing_and_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    def view() -> None:
        raise RuntimeError("Doe^Jane")

    status, body, _ = answer_to(view)
    assert (status, body["code"], body["request_id"]) == (500, "InternalError", "r-1")
    assert "Doe" not in body["message"]
    assert "InternalErrors" in capsys.readouterr().out


def test_undeclared_error_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def view() -> None:
        raise errors.NotClassified("Not yet.")

    status, body, _ = answer_to(view)
    assert (status, body["code"]) == (409, "NotClassified")
    assert "undeclared error" in caplog.messages


def test_path_parameter_is_checked_before_the_view_runs() -> None:
    def view(task: str) -> None:
        pytest.fail(f"called for {task}")

    assert "task" in PATH_PARAMETERS
    status, body, _ = answer_to(view, "/tasks/{task}", task="a b")
    assert (status, body["code"]) == (400, "InvalidRequest")


@pytest.mark.parametrize(
    ("body", "is_base64", "found"),
    [
        (None, False, b""),
        ("é", False, "é".encode()),
        (base64.b64encode(b"\xff\x00").decode(), True, b"\xff\x00"),
    ],
)
def test_body_is_read_as_it_was_sent(body: str | None, is_base64: bool, found: bytes) -> None:
    assert body_bytes(Request(event(body, is_base64))) == found


def test_body_that_is_not_base64_is_refused() -> None:
    with pytest.raises(errors.InvalidRequest, match="cannot be decoded"):
        body_bytes(Request(event("a", is_base64=True)))


def test_json_body_must_be_an_object() -> None:
    assert json_body(Request(event('{"a": 1}'))) == {"a": 1}
    with pytest.raises(errors.InvalidRequest, match="must be a JSON object"):
        json_body(Request(event("[]")))
