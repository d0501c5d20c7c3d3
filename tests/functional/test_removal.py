"""Hiding and deleting results through the API."""

from typing import Any

import pytest

from chalicelib import dependencies
from chalicelib.models.classifier import Classifier
from chalicelib.pipeline import prepared
from tests.functional.conftest import IMAGE, Call, as_member
from tests.functional.test_openapi import schema
from tests.models import TASK

ONE, HIDDEN = "/results/{id}", "/results/{id}/hidden"


@pytest.fixture
def image_id(client: Any, call: Call) -> str:
    answer = call("POST", f"/tasks/{TASK}/classify", IMAGE, Content_Type="image/png")
    return str(answer.json_body["id"])


def listed(call: Call, query: str = "") -> list[str]:
    answer = call("GET", f"/results{query}")
    schema("/results", "GET", 200).validate(answer.json_body)
    return [result["id"] for result in answer.json_body["results"]]


def test_hidden_result_is_listed_and_exported_only_on_request(call: Call, image_id: str) -> None:
    answer = call("PUT", f"/results/{image_id}/hidden")
    schema(HIDDEN, "PUT", 200).validate(answer.json_body)

    assert listed(call) == listed(call, f"?task={TASK}") == listed(call, "?hidden=false") == []
    assert listed(call, "?hidden=true") == listed(call, f"?hidden=true&task={TASK}&limit=1") == [image_id]
    assert image_id not in call("GET", "/results.csv").body.decode()
    assert image_id in call("GET", "/results.csv?hidden=true").body.decode()
    assert call("GET", f"/results/{image_id}").json_body["hidden"]["by"] == "local"

    answer = call("DELETE", f"/results/{image_id}/hidden")
    schema(HIDDEN, "DELETE", 200).validate(answer.json_body)
    assert listed(call) == [image_id]


def test_deleted_result_is_gone(call: Call, image_id: str) -> None:
    answer = call("DELETE", f"/results/{image_id}")
    schema(ONE, "DELETE", 200).validate(answer.json_body)

    for method, path in (("GET", ""), ("GET", "/preview"), ("PUT", "/hidden"), ("DELETE", "/review")):
        gone = call(method, f"/results/{image_id}{path}")
        assert (gone.status_code, gone.json_body["code"]) == (410, "ResultDeleted"), (method, path)
        schema(f"{ONE}{path}", method, 410).validate(gone.json_body)
    assert listed(call) == listed(call, "?hidden=true") == []
    assert call("DELETE", f"/results/{image_id}").status_code == 200

    again = call("POST", f"/tasks/{TASK}/classify", IMAGE, Content_Type="image/png")
    assert (again.status_code, again.json_body["status"]) == (200, "classified")
    assert listed(call) == [image_id]


def test_image_whose_result_is_deleted_while_it_is_classified_again_is_gone(
    call: Call, image_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Classifier, "is_current", lambda *_: False)
    monkeypatch.setattr(prepared, "store", lambda *_: dependencies.removal().delete(image_id, "local"))
    gone = call("POST", f"/tasks/{TASK}/classify", IMAGE, Content_Type="image/png")
    assert (gone.status_code, gone.json_body["code"]) == (410, "ResultDeleted")
    schema("/tasks/{task}/classify", "POST", 410).validate(gone.json_body)


@pytest.mark.usefixtures("_login", "client")
def test_only_admins_list_hidden_results(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.api.http.Api.query", {"hidden": "true"})

    assert as_member("reviewer", "GET", "/results")[0] == 403
    assert as_member("reviewer", "GET", "/results.csv")[0] == 403
    assert as_member("admin", "GET", "/results")[0] == 200
