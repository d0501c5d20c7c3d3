"""A fake API whose answers the tests determine."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from chalicelib.tasks import Task


@dataclass
class Reply:
    """A response of the fake."""

    body: Any
    """Sent as JSON unless it is bytes."""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class FakeApi:
    """Address, recorded requests and answers of the fake."""

    url: str
    classify: Callable[[bytes], Reply]
    tasks: Reply
    requests: list[tuple[str, str, str | None, bytes]] = field(default_factory=list)
    """Method, path, token and body."""


def classification(task: Task, label: int = 0, *reasons: str) -> Reply:
    """A valid answer of the application."""
    rest = 0.1 / (len(task.classes) - 1)
    return Reply(
        {
            "status": "classified",
            "probabilities": {
                name: 0.9 if index == label else round(rest, 6) for index, name in enumerate(task.class_names)
            },
            "needs_review": bool(reasons),
            "reasons": [{"code": code, "message": "..."} for code in reasons],
            "model": {"version": "v1", "sha256": "ab", "backend": "embedded"},
        }
    )


def task_list(*tasks: Task) -> Reply:
    return Reply(
        {
            "tasks": [
                {"name": task.name, "classes": [{"name": name} for name in task.class_names]}
                for task in tasks
            ]
        }
    )


@contextmanager
def fake_api(task: Task) -> Iterator[FakeApi]:
    """Run an API that gives every image the first class, unless `classify` is replaced."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.reply(b"")

        def do_POST(self) -> None:
            self.reply(self.rfile.read(int(self.headers["Content-Length"])))

        def reply(self, body: bytes) -> None:
            api.requests.append((self.command, self.path, self.headers["Authorization"], body))
            reply = api.classify(body) if self.command == "POST" else api.tasks
            content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(content)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    api = FakeApi(f"http://127.0.0.1:{server.server_port}", lambda _: classification(task), task_list(task))
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
