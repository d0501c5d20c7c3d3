"""The API description, held against the routes, the errors and real answers."""

import json
import re
from dataclasses import fields
from http import HTTPStatus
from typing import Any

from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

import app
from chalicelib import VERSION, errors
from chalicelib.limits import IMAGE_TYPES
from chalicelib.retraining.hyperparameters import Hyperparameters
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
    assert DOCUMENT["info"]["version"] == VERSION


def test_description_and_routes_are_the_same() -> None:
    routes = {(path, method) for path, methods in app.app.routes.items() for method in methods}
    assert OPERATIONS.keys() == routes


def test_content_types_are_those_of_the_routes() -> None:
    for (path, method), operation in OPERATIONS.items():
        accepted = app.app.routes[path][method].content_types
        described = operation.get("requestBody", {"content": {"application/json": {}}})["content"]
        assert list(described) == accepted
    assert set(IMAGE_TYPES) <= set(app.app.api.binary_types)


def resolved(parameter: dict[str, Any]) -> dict[str, Any]:
    """A parameter that may stand among the components."""
    name = parameter.get("$ref", "").removeprefix("#/components/parameters/")
    found: dict[str, Any] = DOCUMENT["components"]["parameters"][name] if name else parameter
    return found


def test_path_parameters_are_those_of_the_routes() -> None:
    for (path, _), operation in OPERATIONS.items():
        parameters = [resolved(parameter) for parameter in operation.get("parameters", ())]
        described = {parameter["name"] for parameter in parameters if parameter["in"] == "path"}
        assert described == set(re.findall(r"\{(\w+)\}", path))


def test_status_of_every_error_is_described() -> None:
    described = {int(status) for status in DOCUMENT["components"]["responses"]}
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.NegatoscopeError)
    ]
    assert {HTTPStatus(kind.status).value for kind in kinds} <= described


def test_hyperparameters_are_those_of_training() -> None:
    kinds: dict[Any, str] = {int: "integer", float: "number", str: "string"}
    described = DOCUMENT["components"]["schemas"]["Hyperparameters"]["properties"]
    assert list(described) == [spec.name for spec in fields(Hyperparameters)]
    for spec in fields(Hyperparameters):
        known = spec.metadata
        if "choices" in known:
            bounds: dict[str, Any] = {"enum": list(known["choices"])}
        else:
            bounds = {"minimum": known["low"], "maximum": known["high"]}
        assert described[spec.name] == {"type": kinds[spec.type], "description": known["help"], **bounds}


def schema(path: str, method: str, status: int) -> Draft202012Validator:
    response = OPERATIONS[path, method]["responses"][str(status)]
    if "$ref" in response:
        response = DOCUMENT["components"]["responses"][str(status)]
    return Draft202012Validator(
        response["content"]["application/json"]["schema"] | {"components": DOCUMENT["components"]}
    )


def test_real_answers_fit_the_description(call: Call) -> None:
    image = images.grey_file()

    def fits(method: str, template: str, status: int, path: str | None = None, **request: Any) -> Any:
        response = call(method, path or template, **request)
        assert response.status_code == status
        schema(template, method, status).validate(response.json_body)
        return response.json_body

    fits("GET", "/health", 200)
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


def test_configuration_and_functions_are_the_same() -> None:
    config = json.loads((ROOT / ".chalice/config.json").read_text())
    triggered = {source.name for source in app.app.event_sources}
    plain = {function.name for function in app.app.pure_lambda_functions}
    assert config["lambda_functions"].keys() == {"api_handler"} | triggered | plain
