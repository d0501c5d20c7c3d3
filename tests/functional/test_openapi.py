"""The API description, held against the routes, the errors and real answers."""

import json
import re
from dataclasses import fields
from http import HTTPStatus
from typing import Any
from unittest.mock import Mock

import pytest
from chalice.test import Client
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

import app
from chalicelib import dependencies, errors
from chalicelib.api import http
from chalicelib.hyperparameters import Hyperparameters
from chalicelib.limits import IMAGE_TYPES
from deploy import openapi
from tests import images
from tests.functional.conftest import Call
from tests.models import TASK
from tests.stage import ROOT

DOCUMENT: dict[str, Any] = json.loads((ROOT / "chalicelib/openapi.json").read_text())
OPERATIONS = {
    (path, method.upper()): operation
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}


def test_description_is_valid_openapi() -> None:
    validate(DOCUMENT)


def test_description_is_generated_from_the_routes() -> None:
    rendered = openapi.render(http.api.routes)
    assert openapi.OPENAPI.read_text() == rendered, "run .venv/bin/python -m deploy.openapi"


def test_description_has_exactly_the_routes() -> None:
    routes = {(path, method) for path, methods in app.app.routes.items() for method in methods}
    assert OPERATIONS.keys() == routes


def test_description_has_the_content_types_of_the_routes() -> None:
    for (path, method), operation in OPERATIONS.items():
        accepted = app.app.routes[path][method].content_types
        described = operation.get("requestBody", {"content": {"application/json": {}}})["content"]
        assert list(described) == accepted
    assert set(IMAGE_TYPES) <= set(app.app.api.binary_types)


def test_description_has_the_path_parameters_of_the_routes() -> None:
    for (path, _), operation in OPERATIONS.items():
        parameters = operation.get("parameters", ())
        described = {parameter["name"] for parameter in parameters if parameter["in"] == "path"}
        assert described == set(re.findall(r"\{(\w+)\}", path))


def test_description_has_the_status_of_every_error() -> None:
    described = {int(status) for status in DOCUMENT["components"]["responses"]}
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.NegatoscopeError)
    ]
    assert {HTTPStatus(kind.status).value for kind in kinds} <= described


def test_description_of_hyperparameters_has_limits_and_help() -> None:
    described = DOCUMENT["components"]["schemas"]["Hyperparameters"]["properties"]
    assert list(described) == [spec.name for spec in fields(Hyperparameters)]
    assert described["epochs"] == {
        "type": "integer",
        "description": "passes over the training images",
        "minimum": 1,
        "maximum": 1000,
    }
    assert described["stem_stride"]["enum"] == [4, 2]


def test_description_documents_every_schema_and_operation() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert [name for name, schema in schemas.items() if not schema.get("description")] == []
    operations = OPERATIONS.values()
    assert all(one["summary"] and not one["summary"].endswith(".") for one in operations)


def test_description_closes_objects_except_stored_records() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    objects = {name: schema for name, schema in schemas.items() if "properties" in schema}
    is_open = {name for name, schema in objects.items() if schema.get("additionalProperties") is not False}
    assert is_open == {"ListedResult", "Result", "ModelVersion", "RetrainingRecord", "FollowedRetraining"}


def test_description_keeps_docstrings_of_inherited_members() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    for name, base in (("Result", "ListedResult"), ("FollowedRetraining", "RetrainingRecord")):
        assert schemas[name]["properties"].items() >= schemas[base]["properties"].items()


def test_description_names_the_codes_of_each_status() -> None:
    responses = OPERATIONS["/tasks/{task}/rollback", "POST"]["responses"]
    assert responses["404"] == {
        "$ref": "#/components/responses/404",
        "description": (
            "There is no such task, result, model, retraining, batch or file. "
            "Codes: UnknownModel, UnknownTask."
        ),
    }
    classify = OPERATIONS["/tasks/{task}/classify", "POST"]["responses"]
    assert classify["413"]["description"].endswith(" Code: ImageTooLarge.")


def test_undeclared_error_is_reported(
    client: Client, call: Call, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    reported: list[str] = []
    monkeypatch.setattr(http, "report_undeclared", lambda route, error: reported.append(error.code))
    monkeypatch.setattr(type(dependencies.table()), "get", Mock(side_effect=errors.NothingToApprove("No.")))

    assert call("GET", f"/results/{'0' * 32}").json_body["code"] == "NothingToApprove"
    assert reported == ["NothingToApprove"]


def schema(path: str, method: str, status: int) -> Draft202012Validator:
    response = OPERATIONS[path, method]["responses"][str(status)]
    if "$ref" in response:
        response = DOCUMENT["components"]["responses"][str(status)]
    return Draft202012Validator(
        response["content"]["application/json"]["schema"] | {"components": DOCUMENT["components"]}
    )


def test_answers_fit_the_description(call: Call) -> None:
    image = images.grey_file()

    def fits(method: str, template: str, status: int, path: str | None = None, **request: Any) -> Any:
        response = call(method, path or template, **request)
        assert response.status_code == status
        schema(template, method, status).validate(response.json_body)
        return response.json_body

    fits("GET", "/health", 200)
    fits("GET", "/stage", 200)
    fits("GET", "/openapi.json", 200)
    fits("GET", "/tasks", 200)
    classify = "/tasks/{task}/classify"
    result = fits("POST", classify, 200, f"/tasks/{TASK}/classify", body=image, Content_Type="image/png")
    fits("POST", classify, 404, "/tasks/feet/classify", body=image, Content_Type="image/png")
    fits("POST", classify, 409, "/tasks/chest-xray/classify", body=image, Content_Type="image/png")
    fits("POST", classify, 422, f"/tasks/{TASK}/classify", body=b"", Content_Type="image/png")
    fits("POST", classify, 415, f"/tasks/{TASK}/classify", body=image, Content_Type="text/plain")
    upload = fits("POST", "/uploads", 201, json={"task": TASK, "size": 9, "content_type": "image/png"})
    fits("GET", "/results/{id}", 200, f"/results/{upload['id']}")
    fits("GET", "/results/{id}", 200, f"/results/{result['id']}")
    fits("GET", "/results/{id}", 404, f"/results/{'0' * 32}")
    label = result["label"]
    fits(
        "PUT",
        "/results/{id}/review",
        200,
        f"/results/{result['id']}/review",
        json={"label": label, "comment": "ok"},
    )
    fits("GET", "/results/{id}/heatmap", 200, f"/results/{result['id']}/heatmap?label={label}")
    fits("DELETE", "/results/{id}/review", 200, f"/results/{result['id']}/review")
    fits("DELETE", "/results/{id}/review", 409, f"/results/{upload['id']}/review")
    fits("PUT", "/results/{id}/review", 400, f"/results/{result['id']}/review", json={})
    fits("GET", "/results", 200)
    fits("GET", "/results", 400, "/results?limit=0")
    fits("GET", "/tasks/{task}/drift", 200, f"/tasks/{TASK}/drift")
    fits("GET", "/tasks/{task}/drift", 404, "/tasks/feet/drift")


def test_description_is_served(call: Call) -> None:
    assert call("GET", "/openapi.json").json_body == DOCUMENT


def test_chalice_configuration_names_every_function() -> None:
    config = json.loads((ROOT / ".chalice/config.json").read_text())
    triggered = {source.name for source in app.app.event_sources}
    plain = {function.name for function in app.app.pure_lambda_functions}
    assert config["lambda_functions"].keys() == {"api_handler"} | triggered | plain
