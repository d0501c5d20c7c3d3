"""The Lambda `decode`: what it reads and stores, and how it refuses."""

import base64
import json
from collections.abc import Iterator
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import quote

import boto3
import pytest
import urllib3

from chalicelib.errors import FileRemoved
from chalicelib.pipeline import decoding, stored_pictures
from chalicelib.pipeline.decoding import Request
from chalicelib.pipeline.pictures import IN_THE_BACKGROUND
from chalicelib.storage.bucket import DataBucket, Link
from chalicelib.storage.errors import StorageFailed
from tests import images
from tests.models import TASK
from tests.stage import BUCKET
from tests.unit.pipeline.steps import stored_keys

PATIENCE = asdict(IN_THE_BACKGROUND)
KEY = f"/inbox/{TASK}/{quote(images.PATIENT)}.png"


@pytest.fixture
def bucket(cloud: None) -> DataBucket:
    return DataBucket(boto3.client("s3"), BUCKET)


def request(file: bytes, patience: dict[str, float] | None = PATIENCE) -> Request:
    encoded = base64.b64encode(file).decode()
    return {"task": TASK, "id": "0" * 32, "patience": patience, "file": encoded, "links": []}


def decode(wanted: Request, bucket: DataBucket) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(json.dumps(decoding.answer(wanted, bucket)))
    return answer


def test_picture_is_stored_only_if_wanted(bucket: DataBucket) -> None:
    for _ in range(2):  # a repeated request stores it once
        answer = decode(request(images.grey_file()), bucket)
        assert stored_keys() == [f"pictures/{TASK}/{'0' * 32}.{answer['picture']['sha256']}"]
    assert decode(request(images.grey_file(), patience=None), bucket) == answer | {"picture": None}


def test_picture_in_the_bucket_is_never_replaced(bucket: DataBucket) -> None:
    decode(request(images.grey_file()), bucket)
    (key,) = stored_keys()
    bucket.write(key, b"another", "image/png")
    decode(request(images.grey_file()), bucket)
    assert bucket.read(key).body == b"another"


@pytest.mark.parametrize(
    ("file", "code"),
    [(b"", "EmptyImage"), (b"Dear colleague,", "NotAnImage"), (images.png_bomb(), "ImageTooLarge")],
)
def test_unusable_file_is_refused_with_the_reason(bucket: DataBucket, file: bytes, code: str) -> None:
    answer = decode(request(file), bucket)
    assert answer["code"] == code
    assert answer["message"]
    assert stored_keys() == []


def test_storage_that_fails_is_not_the_fault_of_the_image(
    bucket: DataBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise StorageFailed("PutObject: 503")

    monkeypatch.setattr(stored_pictures, "add", fail)
    assert decode(request(images.grey_file()), bucket)["code"] == "DecodingFailed"


# ------------------------------------------------------------------------------------------- links


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """A server, and the status that it answers each path with; 200 only if the headers came along."""
    statuses: dict[str, int] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status = statuses[self.path]
            self.send_response(status if self.headers["If-Match"] == '"e"' else 412)
            self.end_headers()
            self.wfile.write(self.path.encode())

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(decoding, "_connections", urllib3.PoolManager(retries=urllib3.Retry(0)))
        statuses["port"] = server.server_port
        yield statuses
        server.shutdown()


def links(served: dict[str, int], **statuses: int) -> list[Link]:
    served |= {f"/{name}": status for name, status in statuses.items()}
    return [
        {"url": f"http://127.0.0.1:{served['port']}/{name}", "headers": {"If-Match": '"e"'}}
        for name in statuses
    ]


def test_first_link_that_leads_to_a_file_counts(served: dict[str, int]) -> None:
    assert decoding.download(links(served, gone=404, replaced=412, there=200, other=200)) == b"/there"


def test_file_without_a_link_is_removed(served: dict[str, int]) -> None:
    with pytest.raises(FileRemoved):
        decoding.download(links(served, gone=404, replaced=412))


def test_errors_of_links_do_not_quote_the_key(served: dict[str, int]) -> None:
    served[KEY] = 403
    denied: Link = {"url": f"http://127.0.0.1:{served['port']}{KEY}", "headers": {"If-Match": '"e"'}}
    closed: Link = {"url": f"http://127.0.0.1:1{KEY}", "headers": {}}
    for link, reason in ((denied, "GetObject: 403"), (closed, "MaxRetryError")):
        with pytest.raises(StorageFailed, match=reason) as failure:
            decoding.download([link])
        assert KEY not in str(failure.value)
        assert failure.value.__cause__ is None


def test_repeated_requests_do_not_log_the_key(caplog: pytest.LogCaptureFixture) -> None:
    """Nor the signature, with which anybody could download the file."""
    asked = []

    class BreaksOnce(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            if len(asked) > 1:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"file")

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), BreaksOnce) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        link: Link = {"url": f"http://127.0.0.1:{server.server_port}{KEY}?X-Amz-Signature=abc", "headers": {}}
        assert decoding.download([link]) == b"file"
        server.shutdown()

    assert len(asked) == 2
    assert caplog.text == ""
