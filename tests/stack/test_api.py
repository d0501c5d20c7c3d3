"""The deployed API behind its gateway."""

import gzip
import json
import os

import pytest

from tests.images import grey_file
from tests.stack.client import TASK, Client


def test_health(client: Client) -> None:
    answer = client.api("GET", "/api/health")

    assert (answer.status, answer.json) == (200, {"status": "ok", "login": None})
    stage = client.api("GET", "/api/stage").json
    assert (stage["stage"], stage["data_bucket"]) == ("local", "negatoscope-local-data-000000000000")


def test_classify_answers_with_the_result(client: Client) -> None:
    answer = client.api("POST", f"/api/tasks/{TASK}/classify", grey_file(), Content_Type="image/png")

    assert answer.status == 200, answer.body
    assert answer.json["status"] == "classified"
    assert answer.json == client.api("GET", f"/api/results/{answer.json['id']}").json


def test_preview_is_an_image_for_every_accept_header(client: Client) -> None:
    image = client.api("POST", f"/api/tasks/{TASK}/classify", grey_file(), Content_Type="image/png").json
    path = f"/api/results/{image['id']}"
    browser = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"

    for accept in ("", "image/png", "*/*", "application/json", browser):
        headers = {"Accept": accept} if accept else {}
        answer = client.api("GET", f"{path}/preview", None, **headers)

        assert answer.headers["Content-Type"] == "image/png", accept
        assert answer.body.startswith(b"\x89PNG"), accept
        assert client.api("GET", path, None, **headers).json == image


@pytest.mark.parametrize(
    ("method", "path", "size", "status", "code"),
    [
        ("GET", "/api/no-such-route", 0, 404, "NotFound"),
        ("DELETE", "/api/health", 0, 404, "NotFound"),
        ("POST", f"/api/tasks/{TASK}/classify", 5_000_000, 413, "ImageTooLarge"),
        ("POST", f"/api/tasks/{TASK}/classify", 12_000_000, 413, "ImageTooLarge"),
        ("GET", "/api/results/0", 0, 404, "UnknownResult"),
        # Refused by the Lambdas `administration` and `decode`.
        ("POST", f"/api/tasks/{TASK}/rollback", 0, 409, "NothingToRollBackTo"),
        ("POST", "/api/retrainings/none/stop", 0, 404, "UnknownRetraining"),
        ("POST", f"/api/tasks/{TASK}/classify", 100, 415, "NotAnImage"),
    ],
)
def test_errors_of_gateway_and_app_have_one_shape(
    client: Client, method: str, path: str, size: int, status: int, code: str
) -> None:
    answer = client.api(
        method, path, os.urandom(size), Content_Type="image/png" if size else "application/json"
    )

    assert answer.status == status
    assert answer.json.keys() == {"code", "message", "request_id"}
    assert answer.json["code"] == code


def test_large_responses_are_compressed_for_clients_that_accept_gzip(client: Client) -> None:
    plain = client.api("GET", "/api/tasks")
    packed = client.api("GET", "/api/tasks", Accept_Encoding="gzip")
    small = client.api("GET", "/api/health", Accept_Encoding="gzip")

    assert plain.headers["Content-Encoding"] is None
    assert packed.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(packed.body)) == plain.json
    assert len(packed.body) < len(plain.body) / 2
    assert small.headers["Content-Encoding"] is None
