"""Every limit in the API's description, driven to its edge and one step beyond it; and odd JSON."""

import base64
import json
import math
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from werkzeug.test import Client as WebClient

from chalicelib import limits
from chalicelib.exports import service
from tests.functional import gateway
from tests.functional.conftest import REAL, Call
from tests.functional.test_openapi import DOCUMENT, OPERATIONS
from tests.models import TASK

pytestmark = pytest.mark.usefixtures("stocked")

SCHEMAS = DOCUMENT["components"]["schemas"]
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("/uploads", "POST"): {"task": TASK, "filename": "a", "size": 10, "content_type": "image/png"},
    ("/results/{id}/review", "PUT"): {"label": "left-cc", "comment": "seen"},
    ("/tasks/{task}/labelled-images", "POST"): {
        "images": [{"label": "left-cc", "sha256": "0" * 64, "size": 10, "content_type": "image/png"}]
    },
    ("/tasks/{task}/review-rule", "PUT"): {"version": "v", "min_probability": 0.5},
    ("/retrainings", "POST"): {"task": TASK},
    ("/retrainings/{name}/approval", "POST"): {"approved": True},
    ("/batches", "POST"): {"task": TASK, "source": "archive/2019/", "dry_run": True},
}
"""A good body of every operation that takes JSON."""
JSON = "application/json"


def test_bodies_has_every_operation_with_a_json_body() -> None:
    bodies = {key: one["requestBody"]["content"] for key, one in OPERATIONS.items() if "requestBody" in one}
    assert {key for key, content in bodies.items() if JSON in content} == BODIES.keys()


class Caller:
    """Calls operations with real path parameters and good bodies, except for what is to be tried."""

    def __init__(self) -> None:
        self._client = WebClient(gateway.application)

    def __call__(
        self,
        operation: tuple[str, str],
        path: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
        body: dict[str, Any] | bytes | None = None,
    ) -> Any:
        template, method = operation
        named = {name: quote(value, safe="") for name, value in (REAL | (path or {})).items()}
        needed = {"label": "left-cc"} if template.endswith("/heatmap") else {}
        query = needed | (query or {})
        address = template.format(**named) + (f"?{urlencode(query)}" if query else "")
        good = BODIES.get(operation, {})
        given = body if isinstance(body, bytes) else json.dumps(good | (body or {})).encode()
        kinds = list(OPERATIONS[operation].get("requestBody", {"content": {JSON: {}}})["content"])
        answer = self._client.open(f"/api{address}", method=method, data=given, content_type=kinds[0])
        assert answer.status_code < 500, (operation, path, query, body, answer.data)
        return answer


@pytest.fixture
def ask() -> Caller:
    return Caller()


def is_refused(answer: Any, name: str) -> bool:
    """Whether a request was refused because of that very member or parameter."""
    if answer.status_code < 400:
        return False
    error = answer.json
    assert error.keys() == {"code", "message", "request_id"}
    if "is not from this list" in error["message"]:
        return False  # of the right length, but no cursor
    return answer.status_code == 413 or (answer.status_code in (400, 415) and name in error["message"])


def deref(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = SCHEMAS[schema["$ref"].rpartition("/")[2]]
    return schema


def edges(schema: dict[str, Any]) -> Iterator[tuple[Any, bool]]:
    """Values on both sides of each limit of a schema, and whether they lie within."""
    for one in schema.get("anyOf", ()):
        yield from edges(deref(one))
    if "maxLength" in schema and "enum" not in schema:
        yield "x" * schema["maxLength"], True
        yield "x" * (schema["maxLength"] + 1), False
    if "minLength" in schema:
        yield "x" * schema["minLength"], True
        yield "x" * (schema["minLength"] - 1), False
    if "pattern" in schema and "maxLength" in schema:
        yield "a\x00b", False
        yield "a\x9fb", False
    step = 1 if schema.get("type") == "integer" else 0.0
    for limit, away in (("minimum", -1), ("maximum", 1)):
        if limit in schema:
            yield schema[limit], True
            # The nearest number to 0 has a magnitude that no JSON body may have.
            beyond = math.nextafter(schema[limit], away * math.inf) if schema[limit] else away * 1e-9
            yield schema[limit] + away if step else beyond, False
    for choice in schema.get("enum", ()):
        yield choice, True
        yield f"{choice}x", False


PARAMETERS = [
    (operation, parameter["in"], parameter["name"], deref(parameter["schema"]))
    for operation, described in OPERATIONS.items()
    for parameter in described.get("parameters", ())
]


def body_schema(operation: tuple[str, str]) -> dict[str, Any]:
    return deref(OPERATIONS[operation]["requestBody"]["content"][JSON]["schema"])


MEMBERS = [
    (operation, name, deref(schema))
    for operation in BODIES
    for name, schema in body_schema(operation)["properties"].items()
]


def test_parameters_are_accepted_up_to_their_limits(ask: Caller) -> None:
    tried = 0
    for operation, where, name, schema in PARAMETERS:
        if schema.get("enum") or name in ("from", "to"):
            continue  # see below
        schema = schema if name != "id" else {"maxLength": 32, "pattern": "."}
        assert {"maxLength", "maximum"} & schema.keys(), (operation, name)
        for value, within in edges(schema):
            answer = ask(operation, **{where: {name: str(value)}})
            if name == "label" and within:
                within = operation[0] != "/results/{id}/heatmap"  # where it has to be a class
            if name == "cursor" and within:
                assert "not from this list" in answer.data.decode(), (operation, answer.data)
                continue
            assert is_refused(answer, f"'{name}'") != within, (operation, name, value, answer.data)
            tried += 1
    assert tried > 100


def test_enum_parameters_accept_their_values_only(ask: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MAX_RUNNING", 99)
    # The body of `classify` is no image.
    usual = {("/tasks/{task}/classify", "POST"): 415, ("/exports", "POST"): 201}
    for operation, where, name, schema in PARAMETERS:
        # An order by probability needs a task.
        others = {"task": TASK} if name == "order" else {}
        for choice in schema.get("enum", ()):
            answer = ask(operation, **{where: {name: choice, **others}})
            assert answer.status_code == usual.get(operation, 200)
            assert is_refused(ask(operation, **{where: {name: f"{choice}x"}}), f"'{name}'")


GOOD_TIMES = (
    *("1970-01-01T00:00:00Z", "2999-12-31T23:59:59.999999Z", "2026-02-28T12:00:00+01:00"),
    *("2026-11-21T00:00:00.5-11:30", "2028-02-29T00:00:00Z"),
)
BAD_TIMES = (
    *("0001-01-01T00:00:00Z", "9999-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59"),
    *("3000-01-01T00:00:00Z", "1970-01-01T00:00:00+00:01", "2999-12-31T23:59:59-00:01"),
    *("1969-12-31T23:59:59Z", "2026-11-21T25:00:00Z", "٢٠٢٦-11-21T00:00:00Z"),
    *("", "now", "2026-11-21", "2026-11-21T00:00:00", "2026-11-21 00:00:00Z", "20261121T000000Z"),
    *("2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-11-21T00:00:00.1234567Z"),
    *("2026-11-21T00:00:00+99:00", "2026-W47-6T00:00:00Z", "2026-11-21T00:00:00Z\x00"),
)


@pytest.mark.parametrize("operation", [("/results", "GET"), ("/results.csv", "GET")])
def test_time_parameters_accept_rfc_3339_only(ask: Caller, operation: tuple[str, str]) -> None:
    for name in ("from", "to"):
        for good in GOOD_TIMES:
            assert ask(operation, query={name: good}).status_code == 200, good
        for bad in BAD_TIMES:
            assert is_refused(ask(operation, query={name: bad}), f"'{name}'"), bad


def test_body_members_are_accepted_up_to_their_limits(ask: Caller) -> None:
    tried = 0
    for operation, name, schema in MEMBERS:
        for value, within in edges(schema):
            if name in ("task", "label", "source") and within:
                continue  # names of what there is; others are refused whatever their length
            answer = ask(operation, body={name: value})
            assert is_refused(answer, name) != within, (operation, name, value, answer.data)
            tried += 1
        assert is_refused(ask(operation, body={name: ["seven"]}), name), (operation, name)
    assert tried > 20


def test_hyperparameters_are_accepted_up_to_their_limits(ask: Caller) -> None:
    for name, schema in SCHEMAS["Hyperparameters"]["properties"].items():
        for value, within in edges(schema):
            answer = ask(("/retrainings", "POST"), body={"hyperparameters": {name: value}})
            assert (answer.status_code == 201) == within, (name, value, answer.data)
            assert within or answer.status_code == 400


@pytest.mark.parametrize("operation", BODIES)
def test_bodies_refuse_missing_and_unknown_members(ask: Caller, operation: tuple[str, str]) -> None:
    schema = body_schema(operation)
    for name in schema["required"]:
        without = {key: value for key, value in BODIES[operation].items() if key != name}
        assert is_refused(ask(operation, body=json.dumps(without).encode()), f"'{name}'")
    assert schema["additionalProperties"] is False
    assert is_refused(ask(operation, body={"coment": "x"}), "'coment'")


DEEPEST = b'{"a":' * limits.MAX_DEPTH + b"1" + b"}" * limits.MAX_DEPTH
BROKEN = {
    "nested 200,000 deep, arrays": b"[" * 200_000,
    "nested deep, closed": b"[" * 30_000 + b"]" * 30_000,
    "nested deep, objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "nested one too deep": b'{"b":' + DEEPEST + b"}",
    "too long": b'{"comment": "' + b"x" * limits.MAX_JSON_BODY + b'"}',
    "NaN": b'{"size": NaN}',
    "infinity": b'{"size": -Infinity}',
    "overflow": b'{"size": 1e999}',
    "underflow": b'{"size": 1e-200}',
    "huge whole number": b'{"size": ' + b"9" * 400 + b"}",
    "whole number of more digits than Python reads": b'{"size": ' + b"9" * 5000 + b"}",
    "half a surrogate pair": b'{"comment": "\\ud800"}',
    "the other half": b'{"reason": "a\\udfffb"}',
    "half a pair as a name": b'{"\\ud800": 1}',
    "half a pair within": b'{"hyperparameters": {"seed": ["\\udc00"]}}',
    "the same name twice": b'{"label": "left-cc", "label": "right-cc"}',
    "the same name twice within": b'{"hyperparameters": {"seed": 1, "seed": 2}}',
    "not UTF-8": b'{"comment": "\xff"}',
    "a surrogate in UTF-8": b'{"comment": "\xed\xa0\x80"}',
    "UTF-16": '{"task": "x"}'.encode("utf-16"),
    "a literal control character": b'{"comment": "\x00"}',
    "two documents": b"{}{}",
    "single quotes": b"{'a': 1}",
    "null": b"null",
    "nothing": b"",
}


@pytest.mark.parametrize("operation", BODIES)
def test_bodies_refuse_broken_json(ask: Caller, operation: tuple[str, str]) -> None:
    for why, body in BROKEN.items():
        answer = ask(operation, body=body)
        assert (answer.status_code, answer.json["code"]) == (400, "InvalidRequest"), (why, answer.data)


def test_bodies_accept_unusual_valid_json(ask: Caller) -> None:
    operation = ("/results/{id}/review", "PUT")
    comment = "μ \U0001f600\ttab\r\nline"
    for body in (
        json.dumps({"label": "left-cc", "comment": comment}).encode(),
        json.dumps({"label": "left-cc", "comment": comment}, ensure_ascii=False).encode(),
        json.dumps({"label": "left-cc", "comment": comment}).encode("utf-8-sig"),
    ):
        assert ask(operation, body=body).json["review"]["comment"] == comment
    for blank in ("", " \n", None):
        assert ask(operation, body={"comment": blank}).json["review"]["comment"] is None
    for nothing in ("[]", "{}", "false", "0"):
        assert is_refused(ask(operation, body={"comment": json.loads(nothing)}), "'comment'")
    whole = f'{{"task": "{TASK}", "size": 1e1, "content_type": "image/png"}}'
    assert ask(("/uploads", "POST"), body=whole.encode()).status_code == 201


def test_content_types_may_have_parameters(call: Call) -> None:
    body = json.dumps({"label": "left-cc"}).encode()
    for content_type in ("application/json; charset=utf-8", "Application/JSON", "application/json;v=1"):
        answer = call("PUT", f"/results/{REAL['id']}/review", body, Content_Type=content_type)
        assert answer.status_code == 200, content_type


KEYS: tuple[Any, ...] = (
    *({}, [], None, 1, {"id": 1}, {"id": "", "created_at": "2026", "listing": "all"}),
    {"id": "0" * 32, "created_at": "", "listing": "all"},
    {"id": "\ud800", "created_at": "2026", "listing": "all"},
    {"id": "\x00", "created_at": "2026", "listing": "all"},
    {"id": "0" * 32, "created_at": "2026", "listing": "other"},
    {"id": "0" * 32, "created_at": "2026", "task": TASK},
    {"id": "0" * 32, "created_at": "z", "listing": "all"},
    {"name": "", "listing": "all", "started_at": "2026"},
    {"name": "run", "listing": "all", "started_at": ""},
    {"name": "run", "listing": "all", "started_at": "2026", "more": "x"},
    {"name": {"a": "b"}, "listing": "all", "started_at": "2026"},
)
CURSORS = (
    *("x", "=", "ÿ", "e30=", "bnVsbA==", "W10=", "MQ==", "A" * 1000, "WyI", "8J+YgA=="),
    *("[" * 700, '{"id": 1' + "0" * 600 + "}", *map(json.dumps, KEYS)),
)


@pytest.mark.parametrize("operation", [("/results", "GET"), ("/retrainings", "GET")])
def test_cursors_of_other_lists_are_refused(ask: Caller, operation: tuple[str, str]) -> None:
    for cursor in CURSORS:
        for written in (cursor, base64.urlsafe_b64encode(cursor.encode()).decode()):
            answer = ask(operation, query={"cursor": written})
            assert answer.status_code == 400, (written, answer.data)
            assert "'cursor'" in answer.json["message"]


def test_integer_parameters_refuse_other_notations(ask: Caller) -> None:
    for limit in ("٥", "1" * 5000, "1.0", "1e1", "+1", " 1", "0x1", "", "-0", "1\x00", "１"):
        for operation in (("/results", "GET"), ("/retrainings", "GET")):
            assert is_refused(ask(operation, query={"limit": limit}), "'limit'"), (operation, limit)


def test_classify_refuses_images_over_the_limit(ask: Caller) -> None:
    for size in (limits.MAX_IMAGE_BODY, limits.MAX_IMAGE_BODY + 1):
        answer = ask(("/tasks/{task}/classify", "POST"), body=bytes(size))
        assert (answer.json["code"] == "ImageTooLarge") == (size > limits.MAX_IMAGE_BODY)


LONG_OR_ODD = (
    *("x" * 2049, "x" * 100_000, "é" * 30, "a b", "\x00", "%", "\U0001f600", "..", "a/../b"),
    f"lock/{TASK}",  # how the table of retrainings names a lock
)


def test_path_parameters_refuse_names_that_do_not_exist(ask: Caller) -> None:
    for operation, where, name, _ in PARAMETERS:
        if where != "path":
            continue
        for value in LONG_OR_ODD:
            answer = ask(operation, path={name: value})
            assert answer.status_code in (400, 404), (operation, name, value[:20], answer.data)
            assert len(value) < 200 or answer.status_code == 400
