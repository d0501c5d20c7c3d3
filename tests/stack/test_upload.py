"""Uploads through the presigned form, as from the page."""

import pytest

from tests.images import grey_file
from tests.stack.client import Client, send


def test_uploaded_image_gets_the_announced_result(client: Client) -> None:
    content = grey_file("PNG", 120, 80)
    upload = client.open_upload(content)

    stored = client.post_form(upload["upload"], content)

    assert stored.status == 204, stored.body
    assert stored.headers["Access-Control-Allow-Origin"] == client.stack.url

    result = client.result(upload["id"])
    assert (result["id"], result["status"], result["arrival"]) == (upload["id"], "classified", "upload")


@pytest.mark.parametrize(
    ("changed", "content", "status"),
    [
        ({"key": "inbox/mammography-views/elsewhere.png"}, None, 403),
        ({"Content-Type": "text/html"}, None, 403),
        ({"x-amz-meta-note": "more"}, None, 403),
        ({"x-amz-signature": "0" * 64}, None, 403),
        ({}, b"", 400),
        ({}, b"a byte too many", 400),
    ],
)
def test_tampered_form_is_refused(
    client: Client, changed: dict[str, str], content: bytes | None, status: int
) -> None:
    promised = b"14 bytes of it"
    form = client.open_upload(promised)["upload"]

    answer = client.post_form(form, promised if content is None else content, **changed)

    assert answer.status == status


def test_form_of_another_stage_is_refused(client: Client) -> None:
    content = grey_file()
    form, other = client.open_upload(content)["upload"], "negatoscope-other-data-000000000000"
    client.s3.create_bucket(Bucket=other)
    moved = form | {"url": form["url"].replace("negatoscope-local-data-000000000000", other)}
    assert moved != form

    assert client.post_form(moved, content).status == 403
    assert client.s3.list_objects_v2(Bucket=other)["KeyCount"] == 0
    client.s3.delete_bucket(Bucket=other)


def test_cors_allows_uploads_only_from_the_page(client: Client) -> None:
    form = client.open_upload(b"x")["upload"]
    path = form["url"].split("/", 3)[3]

    def preflight(origin: str) -> str | None:
        answer = send(
            client.stack.emulator_port,
            "OPTIONS",
            f"/{path}",
            Origin=origin,
            Access_Control_Request_Method="POST",
            Access_Control_Request_Headers="content-type",
        )
        return answer.headers["Access-Control-Allow-Origin"]

    assert preflight(client.stack.url) == client.stack.url
    assert preflight("https://elsewhere.example") is None


def test_bucket_cannot_be_read_without_credentials(client: Client) -> None:
    for path in ("?list-type=2", "/inbox/x"):
        answer = send(client.stack.emulator_port, "GET", f"/negatoscope-local-data-000000000000{path}")
        assert answer.status == 403


def test_pages_of_other_sites_cannot_use_the_services(client: Client) -> None:
    port = client.stack.emulator_port

    foreign = send(port, "OPTIONS", "/2015-03-31/functions", Origin="https://elsewhere.example")
    rebound = send(port, "GET", "/_ministack/health", Host="elsewhere.example")
    # Only a distribution that this emulator serves has a page of ours.
    unknown = send(port, "OPTIONS", "/2015-03-31/functions", Origin="https://d111111abcdef8.cloudfront.net")

    assert (foreign.status, rebound.status, unknown.status) == (403, 403, 403)
