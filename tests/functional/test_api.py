"""Every route, from request to answer."""

import base64
import csv
import json
from datetime import datetime, timedelta, timezone
from io import BytesIO, StringIO
from typing import Any
from urllib.parse import quote, urlsplit

import boto3
import numpy as np
import pytest
from chalice.local import LambdaContext
from chalice.test import Client, HTTPResponse
from PIL import Image

import app
from chalicelib import DISCLAIMER, VERSION, dependencies, limits
from chalicelib.api import export
from chalicelib.errors import EndpointNotReady, ModelFailed
from chalicelib.results.table import ResultsTable
from chalicelib.storage import bucket, inbox
from chalicelib.tasks import load_task, load_tasks
from tests import images
from tests.functional.conftest import Call
from tests.models import TASK
from tests.stage import BUCKET

CLASSIFY = f"/tasks/{TASK}/classify"


def classify(call: Call, data: bytes | None = None, content_type: str = "image/png") -> HTTPResponse:
    return call("POST", CLASSIFY, images.grey_file() if data is None else data, Content_Type=content_type)


def test_health_tells_strangers_nothing(call: Call) -> None:
    assert call("GET", "/health").json_body == {"status": "ok", "login": None}


def test_stage_is_described(call: Call) -> None:
    assert call("GET", "/stage").json_body == {
        "stage": "local",
        "version": VERSION,
        "data_bucket": BUCKET,
        "max_image_bytes": limits.MAX_IMAGE_BODY,
        "disclaimer": DISCLAIMER,
    }


def test_list_tasks_shows_tasks_with_and_without_model(call: Call) -> None:
    answer = call("GET", "/tasks").json_body
    tasks = {task["name"]: task for task in answer["tasks"]}
    assert list(tasks) == list(load_tasks())
    assert tasks[TASK]["model"]["version"] == "2026.01.01-tiny"
    assert tasks[TASK]["model"]["metrics"]["accuracy"]["value"] == 0.99
    assert tasks["chest-xray"]["model"] is None
    assert answer["disclaimer"] == DISCLAIMER


@pytest.mark.parametrize(
    ("data", "content_type", "kind"),
    [
        (images.grey_file("JPEG"), "image/jpeg", "JPEG"),
        (images.grey_file("PNG"), "image/png", "PNG"),
        (images.grey_file("TIFF"), "image/tiff", "TIFF"),
        (images.dicom(images.gradient(high=4095).astype(np.uint16)), "application/dicom", "DICOM"),
        (images.grey_file("PNG"), "image/jpeg", "PNG"),
        (images.grey_file("JPEG"), "image/jpg", "JPEG"),
        (images.grey_file("PNG"), "image/png; name=x", "PNG"),
        (images.grey_file("PNG"), "IMAGE/PNG", "PNG"),
        (images.grey_file("PNG"), "application/octet-stream", "PNG"),
    ],
)
def test_classify_detects_the_format_whatever_the_content_type(
    call: Call, data: bytes, content_type: str, kind: str
) -> None:
    response = classify(call, data, content_type)
    assert response.status_code == 200
    result = response.json_body
    assert result["status"] == "classified"
    assert result["label"] == max(result["probabilities"], key=result["probabilities"].get)
    assert list(result["probabilities"]) == list(load_task(TASK).class_names)
    assert result["source"]["format"] == kind
    heat = result["heatmap"]
    assert len(heat["values"]) == heat["width"] * heat["height"]
    assert result["model"]["backend"] == "embedded"
    assert result["disclaimer"] == DISCLAIMER
    assert call("GET", f"/results/{result['id']}").json_body == result


def test_classify_without_storing_answers_and_keeps_nothing(call: Call) -> None:
    response = call("POST", f"{CLASSIFY}?store=false", images.grey_file(), Content_Type="image/png")
    assert response.status_code == 200
    assert response.json_body["status"] == "classified"
    assert call("GET", "/results").json_body == {"results": [], "cursor": None}
    assert call("GET", f"/results/{response.json_body['id']}").status_code == 404
    bad = call("POST", f"{CLASSIFY}?store=perhaps", images.grey_file(), Content_Type="image/png")
    assert_error(bad, 400, "InvalidRequest")


def assert_error(response: HTTPResponse, status: int, code: str) -> str:
    assert response.status_code == status
    body = response.json_body
    assert body.keys() == {"code", "message", "request_id"}
    assert body["code"] == code
    assert "Traceback" not in response.body.decode()
    message: str = body["message"]
    assert message.endswith(".")
    return message


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 422, "EmptyImage"),
        (b"just text", 415, "NotAnImage"),
        (images.grey_file("JPEG")[:-200], 422, "DamagedImage"),
        (images.grey_file(height=1, width=1), 422, "ImageTooSmall"),
        (images.png_bomb(), 413, "ImageTooLarge"),
        (images.structured_report(), 422, "NoPixels"),
        (images.grey_file() + bytes(limits.MAX_IMAGE_BODY), 413, "ImageTooLarge"),
    ],
)
def test_classify_refuses_unusable_images(call: Call, data: bytes, status: int, code: str) -> None:
    assert_error(classify(call, data), status, code)
    assert call("GET", "/results").json_body == {"results": [], "cursor": None}


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"]
)
def test_classify_names_the_accepted_content_types(call: Call, content_type: str) -> None:
    message = assert_error(classify(call, content_type=content_type), 415, "UnsupportedMediaType")
    assert "image/jpeg" in message


@pytest.mark.parametrize("path", ["/health", "/tasks", "/results"])
def test_every_route_refuses_other_content_types(call: Call, path: str) -> None:
    assert_error(call("GET", path, Content_Type="text/plain"), 415, "UnsupportedMediaType")


def test_classify_names_the_known_tasks(call: Call) -> None:
    message = assert_error(
        call("POST", "/tasks/feet/classify", b"x", Content_Type="image/png"), 404, "UnknownTask"
    )
    assert TASK in message


def test_classify_says_how_to_get_a_model(call: Call) -> None:
    response = call("POST", "/tasks/chest-xray/classify", images.grey_file(), Content_Type="image/png")
    assert "make train" in assert_error(response, 409, "TaskHasNoModel")


@pytest.mark.parametrize(
    ("error", "status"), [(EndpointNotReady("Try again."), 503), (ModelFailed("It failed."), 502)]
)
def test_classify_reports_errors_of_the_model(call: Call, error: Exception, status: int) -> None:
    class Broken:
        def run(self, _images: Any) -> Any:
            raise error

    dependencies.classifier()._backends[TASK] = Broken()
    response = classify(call)
    assert_error(response, status, type(error).__name__)
    assert ("Retry-After" in response.headers) == (status == 503)


def test_unexpected_error_is_logged_but_not_shown(
    call: Call, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(type(dependencies.table()), "get", fail)
    response = call("GET", f"/results/{'0' * 32}")
    message = assert_error(response, 500, "InternalError")
    assert "secret detail" not in message
    assert "secret detail" in caplog.text


def test_upload_form_pins_key_size_and_type(call: Call) -> None:
    body = {"task": TASK, "filename": "Jane Doe.dcm", "size": 123456, "content_type": "application/dicom"}
    response = call("POST", "/uploads", json=body)
    assert response.status_code == 201
    answer = response.json_body
    fields = answer["upload"]["fields"]
    (original,) = inbox.event_objects(inbox.event_for(inbox.InboxObject(BUCKET, fields["key"], "e", 1)))
    assert (original.id, original.task_name, original.channel) == (answer["id"], TASK, "upload")
    policy = json.loads(base64.b64decode(fields["policy"]))
    assert ["content-length-range", 123456, 123456] in policy["conditions"]
    assert {"key": fields["key"]} in policy["conditions"]
    assert {"Content-Type": "application/dicom"} in policy["conditions"]
    assert "Jane" not in response.body.decode()
    assert call("GET", f"/results/{answer['id']}").json_body["status"] == "received"


GOOD_UPLOAD = {"task": TASK, "size": 10, "content_type": "image/png"}


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"task": "feet"}, 404, "UnknownTask"),
        ({"task": None}, 400, "InvalidRequest"),
        ({"task": "chest-xray"}, 409, "TaskHasNoModel"),
        ({"size": 0}, 400, "InvalidRequest"),
        ({"size": "10"}, 400, "InvalidRequest"),
        ({"size": True}, 400, "InvalidRequest"),
        ({"size": limits.MAX_FILE_BYTES + 1}, 413, "ImageTooLarge"),
        ({"content_type": "text/html"}, 415, "UnsupportedMediaType"),
        ({"content_type": 7}, 400, "InvalidRequest"),
    ],
)
def test_create_upload_refuses_invalid_requests(
    call: Call, change: dict[str, Any], status: int, code: str
) -> None:
    assert_error(call("POST", "/uploads", json=GOOD_UPLOAD | change), status, code)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"\xff\xfe"])
def test_create_upload_refuses_bodies_that_are_not_json_objects(call: Call, body: bytes) -> None:
    assert_error(call("POST", "/uploads", body, Content_Type="application/json"), 400, "InvalidRequest")


def test_list_results_pages_and_filters(call: Call) -> None:
    ids = [classify(call, images.grey_file(height=100 + number)).json_body["id"] for number in range(5)]
    first = call("GET", "/results?limit=3").json_body
    rest = call("GET", f"/results?limit=3&cursor={first['cursor']}").json_body
    assert [result["id"] for result in first["results"] + rest["results"]] == ids[::-1]
    assert rest["cursor"] is None
    assert "heatmap" not in first["results"][0]
    label = first["results"][0]["label"]
    assert len(call("GET", f"/results?task={TASK}&label={label}").json_body["results"]) == 5
    assert call("GET", "/results?task=chest-xray").json_body["results"] == []
    shown = len(call("GET", "/results?needs_review=true").json_body["results"])
    hidden = len(call("GET", "/results?needs_review=false").json_body["results"])
    assert shown + hidden == 5


@pytest.mark.parametrize(
    "query",
    [
        *("needs_review=yes", "limit=0", "limit=201", "limit=ten", "limit=-1", "cursor=x"),
        *("reviewed=1", "status=new", "order=best"),
        *("from=yesterday", "to=2026-11-21", "from=2026-11-21T00:00:00", "from=0001-01-01T00:00:00%2B23:00"),
        "from=2026-11-21T00:00:00Z&to=2026-11-21T00:00:00Z",
    ],
)
def test_list_results_refuses_invalid_queries(call: Call, query: str) -> None:
    assert_error(call("GET", f"/results?{query}"), 400, "InvalidRequest")


def listed(call: Call, query: str) -> list[str]:
    return [result["id"] for result in call("GET", f"/results?{query}").json_body["results"]]


def test_list_and_export_hold_the_selected_results(call: Call) -> None:
    first, second, third = (
        classify(call, images.grey_file(height=100 + number)).json_body for number in range(3)
    )
    call("PUT", f"/results/{second['id']}/review", json={"label": second["label"]})
    waiting = call("POST", "/uploads", json=GOOD_UPLOAD).json_body["id"]
    assert listed(call, "reviewed=true") == [second["id"]]
    assert listed(call, "reviewed=false&status=classified") == [third["id"], first["id"]]
    assert listed(call, "status=received") == [waiting]
    assert listed(call, "order=oldest&status=classified") == [one["id"] for one in (first, second, third)]
    since, until = second["created_at"], third["created_at"]
    assert listed(call, f"from={since}&to={until}") == [second["id"]]
    hour_east = datetime.fromisoformat(since).astimezone(timezone(timedelta(hours=1))).isoformat()
    assert listed(call, f"task={TASK}&from={quote(hour_east)}&to={until}") == [second["id"]]
    exported = table_rows(call("GET", f"/results.csv?task={TASK}&reviewed=true"))
    assert [row["id"] for row in exported] == [second["id"]]
    assert_error(call("GET", "/results.csv?reviewed=1"), 400, "InvalidRequest")


def test_list_and_export_refuse_unknown_tasks(call: Call) -> None:
    assert_error(call("GET", "/results?task=feet"), 404, "UnknownTask")
    assert_error(call("GET", "/results.csv?task=feet"), 404, "UnknownTask")


@pytest.mark.parametrize("view", ["", "/preview", "/picture", "/heatmap?label=x"])
def test_unknown_result_is_not_found(call: Call, view: str) -> None:
    assert_error(call("GET", f"/results/{'0' * 32}{view}"), 404, "UnknownResult")


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "*/*",
        "image/png",
        "image/*",
        "application/json",
        "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",  # Chrome, of an <img>
        "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5",  # Firefox
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",  # opened by itself
    ],
)
def test_preview_is_a_png_whatever_the_accept_header(call: Call, accept: str | None) -> None:
    result = classify(call).json_body
    headers = {"Accept": accept} if accept else {}
    response = call("GET", f"/results/{result['id']}/preview", **headers)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "image/png")
    assert response.body.startswith(b"\x89PNG")
    assert call("GET", "/results", **headers).json_body["results"]
    assert call("GET", "/results.csv", **headers).body.startswith(b"id,")


def test_answers_use_base64_for_bytes_only(call: Call, client: Client) -> None:
    """API Gateway decodes what is marked, as all types are binary to it; JSON would only grow."""
    result = classify(call).json_body
    for path, is_binary in ((f"/results/{result['id']}/preview", True), ("/results.csv", False)):
        event = client.http._local_gateway.event_converter.create_lambda_event("GET", path, {})
        answer = app.app(event, LambdaContext("api_handler", 2048))
        assert answer.get("isBase64Encoded", False) == is_binary
        assert "*/*" in app.app.api.binary_types


def test_preview_shows_the_image_without_padding(call: Call) -> None:
    result = classify(call, images.grey_file(height=100, width=100)).json_body
    response = call("GET", f"/results/{result['id']}/preview", Accept="image/png")
    assert response.headers["Content-Type"] == "image/png"
    with Image.open(BytesIO(response.body)) as preview:
        assert preview.size == (112, 112)  # a square in a frame of 112 x 224: the padding is gone


def test_picture_is_reached_by_a_link(call: Call) -> None:
    result = classify(call).json_body
    response = call("GET", f"/results/{result['id']}/picture")
    assert response.status_code == 303
    key = urlsplit(response.headers["Location"]).path.rpartition("pictures/")[2]
    assert key == f"{result['task']}/{result['id']}.{result['picture']['sha256']}"


def test_heatmap_exists_for_every_class(call: Call) -> None:
    result = classify(call).json_body
    for label in result["probabilities"]:
        heat = call("GET", f"/results/{result['id']}/heatmap?label={label}").json_body
        assert (heat["width"], heat["height"]) == (result["heatmap"]["width"], result["heatmap"]["height"])
    assert (
        call("GET", f"/results/{result['id']}/heatmap?label={result['label']}").json_body == result["heatmap"]
    )


def test_heatmap_requires_a_known_class(call: Call) -> None:
    result = classify(call).json_body
    assert_error(call("GET", f"/results/{result['id']}/heatmap"), 400, "InvalidRequest")
    message = assert_error(call("GET", f"/results/{result['id']}/heatmap?label=cat"), 400, "InvalidRequest")
    assert "left-cc" in message


def test_heatmap_refuses_answers_of_earlier_models(call: Call) -> None:
    result = classify(call).json_body
    older = result | {"model": result["model"] | {"sha256": "0" * 64}}
    dependencies.decisions().change(result["id"], lambda _: older)
    message = assert_error(
        call("GET", f"/results/{result['id']}/heatmap?label={result['label']}"), 409, "NotClassified"
    )
    assert "no longer used" in message


def test_preview_requires_a_classification(call: Call) -> None:
    image_id = call("POST", "/uploads", json=GOOD_UPLOAD).json_body["id"]
    for view in ("preview", "picture"):
        assert_error(call("GET", f"/results/{image_id}/{view}"), 409, "NotClassified")


def test_preview_says_that_the_image_is_not_there_yet(call: Call) -> None:
    result = classify(call).json_body
    boto3.client("s3").delete_object(Bucket=BUCKET, Key=inbox.prepared_key(TASK, result["id"]))
    assert_error(call("GET", f"/results/{result['id']}/preview"), 409, "NotClassified")


def test_review_is_stored_in_table_and_bucket(call: Call) -> None:
    result = classify(call).json_body
    label = load_task(TASK).class_names[2]
    response = call("PUT", f"/results/{result['id']}/review", json={"label": label, "comment": "seen"})
    assert response.status_code == 200
    review = response.json_body["review"]
    assert (review["label"], review["comment"], review["reviewer"]) == (label, "seen", "local")
    stored = (
        boto3.client("s3").get_object(Bucket=BUCKET, Key=f"results/{TASK}/{result['id']}.json")["Body"].read()
    )
    assert json.loads(stored)["review"] == review
    assert call("GET", f"/results/{result['id']}").json_body["review"] == review


def test_review_can_be_withdrawn(call: Call) -> None:
    result = classify(call).json_body
    call("PUT", f"/results/{result['id']}/review", json={"label": "left-cc"})
    response = call("DELETE", f"/results/{result['id']}/review")
    assert response.status_code == 200
    withdrawn = response.json_body
    assert withdrawn | {"readings": []} == result
    assert [reading["label"] for reading in withdrawn["readings"]] == ["left-cc"]
    assert call("GET", f"/results/{result['id']}").json_body == withdrawn
    stored = boto3.client("s3").get_object(Bucket=BUCKET, Key=f"results/{TASK}/{result['id']}.json")
    assert json.loads(stored["Body"].read()) == withdrawn
    assert_error(call("DELETE", f"/results/{'0' * 32}/review"), 404, "UnknownResult")


def test_review_that_another_person_has_changed_is_kept(call: Call) -> None:
    result = classify(call).json_body
    place = f"/results/{result['id']}/review"
    first = call("PUT", f"{place}?seen=none", json={"label": "left-cc"}).json_body["review"]

    assert_error(call("PUT", f"{place}?seen=none", json={"label": "right-cc"}), 409, "ReviewChanged")
    assert_error(call("DELETE", f"{place}?seen=2026-01-01T00:00:00.000000Z"), 409, "ReviewChanged")
    assert call("GET", f"/results/{result['id']}").json_body["review"] == first

    second = call("PUT", f"{place}?second=true", json={"label": "right-cc"}).json_body
    assert second["review"] == first
    assert [reading["label"] for reading in second["readings"]] == ["left-cc", "right-cc"]
    replaced = call("PUT", f"{place}?seen={first['reviewed_at']}", json={"label": "right-mlo"}).json_body
    assert replaced["review"]["label"] == "right-mlo"
    gone = call("DELETE", f"{place}?seen={replaced['review']['reviewed_at']}").json_body
    assert gone["review"] is None
    assert [reading["label"] for reading in gone["readings"]] == ["left-cc", "right-cc", "right-mlo"]


@pytest.mark.parametrize(
    "body",
    [{}, {"label": "cat"}, {"label": 1}, {"label": "normal"}, {"label": "left-cc", "comment": "x" * 1001}],
)
def test_review_refuses_invalid_requests(call: Call, body: dict[str, Any]) -> None:
    result = classify(call).json_body
    assert_error(call("PUT", f"/results/{result['id']}/review", json=body), 400, "InvalidRequest")


def test_own_reading_beside_the_review_is_blind_and_can_be_withdrawn(call: Call) -> None:
    result = classify(call).json_body
    place = f"/results/{result['id']}/review"
    read = call("PUT", f"{place}?second=true", json={"label": "left-cc", "blind": True}).json_body
    assert read["review"]["blind"] is True
    assert listed(call, "read_by=local&min_readers=1")[0] == result["id"]
    withdrawn = call("DELETE", f"{place}?reading={read['review']['reviewed_at']}").json_body
    assert (withdrawn["review"], withdrawn["readers"]) == (None, [])
    assert listed(call, "not_read_by=local&disagreement=false")[0] == result["id"]
    body = {"label": "left-cc", "adjudication": True}
    assert_error(call("PUT", place, json=body), 400, "InvalidRequest")


def test_review_requires_a_classification(call: Call) -> None:
    image_id = call("POST", "/uploads", json=GOOD_UPLOAD).json_body["id"]
    assert_error(call("PUT", f"/results/{image_id}/review", json={"label": "left-cc"}), 409, "NotClassified")


def test_review_of_an_image_that_is_classified_meanwhile_needs_one_of_its_classes(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = classify(call).json_body
    monkeypatch.setattr(ResultsTable, "get", lambda *_: result | {"status": "received"})
    place = f"/results/{result['id']}/review"
    assert_error(call("PUT", place, json={"label": "cat"}), 400, "InvalidRequest")
    assert call("PUT", place, json={"label": "left-cc"}).status_code == 200


def table_rows(response: HTTPResponse) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(response.body.decode())))


def test_export_holds_every_result_and_no_formulas(call: Call) -> None:
    ids = {classify(call, images.grey_file(height=100 + number)).json_body["id"] for number in range(3)}
    one = ids.copy().pop()
    call("PUT", f"/results/{one}/review", json={"label": "left-cc", "comment": '=HYPERLINK("x")'})
    response = call("GET", "/results.csv")
    assert response.headers["Content-Type"].startswith("text/csv")
    rows = {row["id"]: row for row in table_rows(response)}
    assert rows.keys() == ids
    assert rows[one]["reviewed_label"] == "left-cc"
    assert rows[one]["comment"].startswith("'=")
    assert rows[one]["format"] == "PNG"
    assert table_rows(call("GET", "/results.csv?task=chest-xray")) == []


def test_export_redirects_to_large_tables(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    classify(call)
    inline = call("GET", "/results.csv").body
    monkeypatch.setattr(export, "MAX_INLINE_BYTES", 10)
    response = call("GET", "/results.csv")
    assert response.status_code == 303
    assert str(bucket.UPLOAD_SECONDS) in response.headers["Location"]
    (key,) = (
        entry["Key"]
        for entry in boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="exports/")["Contents"]
    )
    assert boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read() == inline


def test_wrong_method_is_answered_like_every_error(client: Client) -> None:
    request = {
        "httpMethod": "DELETE",
        "requestContext": {"resourcePath": "/results", "httpMethod": "DELETE", "requestId": "r-1"},
        "headers": {},
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "body": None,
        "stageVariables": None,
        "isBase64Encoded": False,
    }
    response = app.app(request, LambdaContext("api_handler", 2048))
    assert response["statusCode"] == 405
    assert json.loads(response["body"]) == {
        "code": "MethodNotAllowedError",
        "message": "Unsupported method: DELETE.",
        "request_id": "r-1",
    }
