"""A client of a running system: it calls the API, uploads images and fills the drop folder."""

import http.client
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from local.account import root_client
from local.stack import BUCKET, LocalStack

TASK = "mammography-views"
PATIENCE = 300.0
"""Seconds to wait for something. Only a failing test waits that long, on a busy machine, too."""


@dataclass(frozen=True)
class Answer:
    """An HTTP response."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


def send(port: int, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
    """Send one HTTP request to this machine; `Content_Type="..."` sets the header Content-Type."""
    connection = http.client.HTTPConnection("localhost", port, timeout=PATIENCE)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


def wait_for[T](what: Callable[[], T | None], patience: float = PATIENCE, pause: float = 0.1) -> T:
    """Call `what` every `pause` seconds until its result is true, and return that."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        found = what()
        if found:
            return found
        time.sleep(pause)
    raise AssertionError(f"nothing within {patience} seconds")


@contextmanager
def asking[T](ask: Callable[[], T]) -> Iterator[set[T]]:
    """Call `ask` repeatedly in a thread and collect its results. All calls must succeed."""
    heard: set[T] = set()
    failures: list[BaseException] = []
    over = threading.Event()

    def ask_on() -> None:
        while not over.wait(0.2):
            try:
                heard.add(ask())
            except BaseException as error:
                failures.append(error)
                return

    thread = threading.Thread(target=ask_on)
    thread.start()
    try:
        yield heard
    finally:
        over.set()
        thread.join()
    assert failures == []


class Client:
    """A client of the system that `stack` runs."""

    def __init__(self, stack: LocalStack):
        self.stack = stack

    def aws(self, service: str, **options: Any) -> Any:
        """A boto3 client with the permissions of the root user."""
        return root_client(service, self.stack.aws_url, **options)

    @cached_property
    def s3(self) -> Any:
        """Amazon S3."""
        return self.aws("s3")

    @cached_property
    def functions(self) -> Any:
        """AWS Lambda."""
        return self.aws("lambda")

    def api(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """Send one request to the page or the API."""
        return send(self.stack.port, method, path, body, **headers)

    def drop(self, key: str, content: bytes) -> None:
        """Put a file into the drop folder."""
        self.s3.put_object(Bucket=BUCKET, Key=f"inbox/{key}", Body=content)

    def keys(self, prefix: str) -> list[str]:
        """Every key under `prefix`."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", ())]

    def open_upload(self, content: bytes, content_type: str = "image/png") -> Any:
        """Request an upload form and return the response."""
        request = {"task": TASK, "size": len(content), "content_type": content_type}
        answer = self.api(
            "POST", "/api/uploads", json.dumps(request).encode(), Content_Type="application/json"
        )
        assert answer.status == 201, answer.body
        return answer.json

    def post_form(self, form: dict[str, Any], content: bytes, **changed: str) -> Answer:
        """Submit an upload form as a browser does, with some fields changed."""
        boundary = uuid.uuid4().hex
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in (form["fields"] | changed).items()
        ]
        file = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="Jane Doe.png"\r\n\r\n'
        body = ("".join(parts) + file).encode() + content + f"\r\n--{boundary}--\r\n".encode()
        url = urlsplit(form["url"])
        assert url.port is not None
        multipart = f"multipart/form-data; boundary={boundary}"
        return send(url.port, "POST", url.path, body, Content_Type=multipart, Origin=self.stack.url)

    def pages(self) -> Iterator[list[Any]]:
        """The pages of the API's list of results, newest first."""
        cursor = ""
        while True:
            page = self.api("GET", f"/api/results?limit=100{cursor}").json
            yield page["results"]
            if page["cursor"] is None:
                return
            cursor = f"&cursor={page['cursor']}"

    def results(self) -> list[Any]:
        """All results that the API lists."""
        return [result for page in self.pages() for result in page]

    def new_results(self, known: Set[str]) -> list[Any]:
        """The results whose ids are not in `known`. Reads no more pages than needed."""
        found: list[Any] = []
        for page in self.pages():
            new = [result for result in page if result["id"] not in known]
            if not new:
                break
            found += new
        return found

    def result(self, image_id: str) -> Any:
        """Wait until the result of one image is finished, and return it."""

        def finished() -> Any:
            result = self.api("GET", f"/api/results/{image_id}").json
            return None if result["status"] == "received" else result

        return wait_for(finished)

    def finished(self, count: int, known: Iterable[str] = ()) -> list[Any]:
        """Wait for `count` finished results whose ids are not in `known`."""
        old = set(known)

        def new() -> list[Any] | None:
            done = [result for result in self.new_results(old) if result["status"] != "received"]
            return done if len(done) >= count else None

        # Listing many results slows the Lambdas down.
        return wait_for(new, pause=max(0.1, count / 100))

    def ids(self) -> set[str]:
        """The ids of all results."""
        return {result["id"] for result in self.results()}
