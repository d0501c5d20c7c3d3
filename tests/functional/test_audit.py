"""What people do, in the audit record."""

from collections.abc import Callable

import pytest

from chalicelib.storage import inbox
from chalicelib.tasks import load_task
from tests import images
from tests.functional.conftest import IMAGE, REAL, Call
from tests.functional.test_openapi import schema
from tests.models import TASK

Acts = Callable[[], list[tuple[str, str, dict[str, str]]]]
RESULT = f"/results/{REAL['id']}"
ONE, OTHER, *_ = load_task(TASK).class_names


@pytest.fixture
def acts(call: Call) -> Acts:
    """Act, subject and details of every entry since the last call, oldest first."""
    known = 0

    def read() -> list[tuple[str, str, dict[str, str]]]:
        nonlocal known
        entries = call("GET", "/audit").json_body["entries"][::-1]
        new, known = entries[known:], len(entries)
        assert {entry["user"] for entry in new} <= {"local"}
        return [(entry["act"], entry["subject"], entry["details"]) for entry in new]

    return read


def test_images_that_people_send_are_recorded(call: Call, acts: Acts) -> None:
    call("POST", f"/tasks/{TASK}/classify", IMAGE, Content_Type="image/png")
    call("POST", f"/tasks/{TASK}/classify?store=false", images.grey_file(height=99), Content_Type="image/png")
    form = call("POST", "/uploads", json={"task": TASK, "size": 9, "content_type": "image/png"}).json_body
    image = {"label": ONE, "sha256": "0f" * 32, "size": 7, "content_type": "image/png"}
    call("POST", f"/tasks/{TASK}/labelled-images", json={"images": [image, image]})

    assert acts() == [
        ("classify-image", inbox.new_id("api", TASK, IMAGE), {"task": TASK}),
        # Nothing is kept of it, so its id, which follows from its content, is not recorded either.
        ("try-image", TASK, {}),
        ("upload-image", form["id"], {"task": TASK}),
        ("upload-labelled-images", TASK, {"images": "2"}),
    ]


@pytest.mark.usefixtures("stocked")
def test_every_version_of_a_review_is_recorded(call: Call, acts: Acts) -> None:
    acts()
    for body in ({"label": ONE}, {"label": ONE}, {"label": OTHER, "comment": "motion"}):
        call("PUT", f"{RESULT}/review", json=body)
    first, _ = call("GET", RESULT).json_body["readings"]
    call("DELETE", f"{RESULT}/review?restore={first['reviewed_at']}")
    call("DELETE", f"{RESULT}/review")

    assert acts() == [
        ("review-result", REAL["id"], {"task": TASK, "label": ONE}),
        ("review-result", REAL["id"], {"task": TASK, "label": OTHER}),
        ("withdraw-review", REAL["id"], {"task": TASK, "label": ONE, "restored_reviewer": "local"}),
        ("withdraw-review", REAL["id"], {"task": TASK}),
    ]


@pytest.mark.usefixtures("stocked")
def test_reviews_that_are_refused_are_not_recorded(call: Call, acts: Acts) -> None:
    acts()
    call("PUT", f"{RESULT}/review", json={"label": "no-such-class"})
    refused = call("PUT", f"{RESULT}/review?seen=2026-01-01T00:00:00Z", json={"label": ONE})

    assert refused.status_code == 409
    assert acts() == []


@pytest.mark.usefixtures("stocked")
def test_exports_are_recorded_and_looking_is_not(call: Call, acts: Acts) -> None:
    acts()
    for path in ("/results.csv", f"/results.csv?task={TASK}&search=Doe"):
        assert call("GET", path).status_code == 200
    for path in ("/results", RESULT, f"{RESULT}/preview", "/tasks"):
        assert call("GET", path).status_code == 200

    assert acts() == [("export-results", "all", {}), ("export-results", TASK, {})]


@pytest.mark.usefixtures("stocked")
def test_record_is_filtered(call: Call) -> None:
    call("PUT", f"{RESULT}/review", json={"label": ONE})

    def found(query: str) -> list[str]:
        answer = call("GET", f"/audit?{query}")
        schema("/audit", "GET", 200).validate(answer.json_body)
        return [entry["act"] for entry in answer.json_body["entries"]]

    assert found("") == ["review-result", "classify-image"]
    assert found(f"subject={REAL['id']}&act=classify-image&user=local") == ["classify-image"]
    assert found("user=4711") == found("to=2026-01-01T00:00:00Z") == found("subject=all") == []
    assert len(found("from=2026-01-01T00:00:00%2B01:00")) == 2


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("act=look", "'act' must be one of upload-image"),
        ("from=yesterday", "'from' must be a time"),
        ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "'to' must be later"),
        ("user=", "'user'"),
        (f"subject={'x' * 101}", "'subject'"),
    ],
)
def test_wrong_filters_are_refused(call: Call, query: str, named: str) -> None:
    answer = call("GET", f"/audit?{query}")

    assert (answer.status_code, answer.json_body["code"]) == (400, "InvalidRequest")
    assert named in answer.json_body["message"]
