"""The reverse proxy: requests and responses pass through it unchanged."""

import asyncio
import gzip
import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie

import pytest

from local.asgi import Message, Receive, Scope, Send, respond
from local.http_server import serving
from local.loopback import HOST
from local.proxy import BadGateway, Proxy
from tests.stack.client import PATIENCE, Answer, send

ENDLESS = [(b"content-length", b"%d" % 10**12)]
"""Headers of a request whose body does not end within a test."""


@contextmanager
def proxy_before(port: int) -> Iterator[int]:
    """A proxy in this process, before the backend on `port`; its port."""
    with serving(Proxy(port, "backend.localhost", timeout=PATIENCE)) as proxy_port:
        yield proxy_port


@contextmanager
def backend_handling(handle: Callable[[socket.socket], None]) -> Iterator[int]:
    """A backend that lets `handle` have its first connection; its port."""
    with socket.create_server((HOST, 0)) as listener:
        listener.settimeout(PATIENCE)

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(PATIENCE)
                handle(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def answer_of(response: bytes, method: str = "GET", **headers: str) -> Answer:
    """What a client of the proxy gets when the backend sends these bytes."""

    def handle(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(response)

    with backend_handling(handle) as port, proxy_before(port) as proxy_port:
        return send(proxy_port, method, "/", None, **headers)


def forward(port: int, receive: Receive, send: Send, timeout: float = PATIENCE) -> None:
    """Let a proxy forward one POST request whose body does not end."""
    scope = {
        "method": "POST",
        "raw_path": b"/",
        "query_string": b"",
        "headers": ENDLESS,
        "client": (HOST, 1),
    }
    asyncio.run(Proxy(port, "backend.localhost", timeout=timeout)(scope, receive, send))


async def more_body() -> Message:
    """Receive a part of a body that does not end."""
    await asyncio.sleep(0)  # as a server does, which has to read from its socket
    return {"type": "http.request", "body": bytes(65536), "more_body": True}


def read_to_end(connection: socket.socket) -> None:
    """Read until the other side ends the connection, in whatever way."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        pass


async def describe(scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer with the request's target and headers, a line each."""
    target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
    lines = [target, *(name + b": " + value for name, value in scope["headers"])]
    await respond(send, 200, [(b"set-cookie", b"session=1; Path=/")], b"\n".join(lines))


@pytest.mark.parametrize(
    "target",
    [
        "/api/a%2Fb",
        "/api/a%2fb%20c",
        "/api/%7Euser/~user",
        "/api/%C3%A9/%FF",
        "/api/../b/./c//d",
        "/api/a+b?x=a+b&y=a%20b&z=a%2Bb",
        "/api/a?x=%26&y=%3d&&=&x",
        "/api/a?next=/b?c=d",
        "/api/a;b=c:d@e",
        "/api/%23?%23",
        "/api/%",
    ],
)
def test_target_is_forwarded_unchanged(target: str) -> None:
    with serving(describe) as port, proxy_before(port) as proxy_port:
        answer = send(proxy_port, "GET", target)

    assert answer.body.decode().splitlines()[0] == target


def test_repeated_and_unusual_request_headers_are_forwarded() -> None:
    with serving(describe) as port, proxy_before(port) as proxy_port:
        connection = http.client.HTTPConnection(HOST, proxy_port, timeout=PATIENCE)
        connection.putrequest("GET", "/", skip_accept_encoding=True)
        headers = [("X-Tag", b"a"), ("X-Tag", b"b"), ("Cookie", b'a="1"; b'), ("X-Name", "Zoë".encode())]
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        lines = connection.getresponse().read().decode().splitlines()
        connection.close()

    assert sorted(lines[1:]) == [
        "connection: close",
        'cookie: a="1"; b',
        "host: backend.localhost",
        "x-forwarded-for: 127.0.0.1",
        "x-name: Zoë",
        "x-tag: a",
        "x-tag: b",
    ]


def test_no_cookie_is_remembered() -> None:
    with serving(describe) as port, proxy_before(port) as proxy_port:
        first = send(proxy_port, "GET", "/")
        second = send(proxy_port, "GET", "/")

    assert SimpleCookie(first.headers["Set-Cookie"])["session"].value == "1"
    assert b"cookie" not in second.body


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with serving(describe) as port, proxy_before(port) as proxy_port:
        assert send(proxy_port, "GET", "/").status == 200


def test_compressed_response_is_passed_unchanged() -> None:
    body = gzip.compress(b"text" * 1000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)

    answer = answer_of(head + body, Accept_Encoding="gzip")

    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Content-Length"] == str(len(body))
    assert answer.body == body


def test_repeated_response_headers_are_kept() -> None:
    answer = answer_of(
        b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nVary: A\r\nSet-Cookie: b=2\r\nVary: B\r\n"
        b"Keep-Alive: timeout=5\r\nX-Long: " + b"x" * 20_000 + b"\r\nContent-Length: 0\r\n\r\n"
    )

    assert answer.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    assert answer.headers.get_all("Vary") == ["A", "B"]
    assert answer.headers["X-Long"] == "x" * 20_000
    assert "Keep-Alive" not in answer.headers


@pytest.mark.parametrize(
    ("method", "status", "length"),
    [("HEAD", "200 OK", "7"), ("GET", "304 Not Modified", "7"), ("GET", "204 No Content", None)],
)
def test_response_without_body_is_passed(method: str, status: str, length: str | None) -> None:
    header = f"Content-Length: {length}\r\n" if length else ""

    answer = answer_of(f"HTTP/1.1 {status}\r\n{header}ETag: x\r\n\r\n".encode(), method)

    assert (answer.status, answer.body) == (int(status[:3]), b"")
    assert (answer.headers["Content-Length"], answer.headers["ETag"]) == (length, "x")


def test_redirect_is_passed_to_the_client() -> None:
    answer = answer_of(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")

    assert (answer.status, answer.headers["Location"]) == (302, "/elsewhere")


def test_expectation_is_met_by_the_proxy() -> None:
    with serving(describe) as port, proxy_before(port) as proxy_port:
        answer = send(proxy_port, "POST", "/", b"{}", Expect="100-continue")

    assert answer.status == 200
    assert b"expect" not in answer.body


@pytest.mark.parametrize("reads_on", [True, False])
def test_early_response_to_a_large_upload_is_passed(reads_on: bool) -> None:
    sent: list[Message] = []
    done = threading.Event()

    async def send(message: Message) -> None:
        sent.append(message)

    def refuse(connection: socket.socket) -> None:
        connection.recv(1)
        connection.sendall(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\n\r\nlarge")
        if reads_on:
            read_to_end(connection)  # ends only when the proxy stops sending
        else:
            assert done.wait(PATIENCE)

    with backend_handling(refuse) as port:
        forward(port, more_body, send)
        done.set()

    assert sent[0]["status"] == 413
    assert b"".join(message.get("body", b"") for message in sent) == b"large"
    assert not sent[-1].get("more_body")


async def fail_to_send(_message: Message) -> None:
    """Send nothing: there must be nothing to send."""
    raise AssertionError("the proxy responded")


def test_upload_that_the_backend_does_not_read_times_out() -> None:
    done = threading.Event()

    def hang(connection: socket.socket) -> None:
        connection.recv(1)
        assert done.wait(PATIENCE)
        read_to_end(connection)

    with backend_handling(hang) as port:
        with pytest.raises(TimeoutError):
            forward(port, more_body, fail_to_send, timeout=0.2)
        done.set()


def test_connection_closed_during_an_upload_is_a_bad_gateway() -> None:
    with backend_handling(lambda connection: connection.close()) as port, pytest.raises(BadGateway):
        forward(port, more_body, fail_to_send)


@pytest.mark.parametrize("response", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"])
def test_client_that_disconnects_ends_the_forwarding(response: bytes) -> None:
    started = threading.Event()

    def respond_and_wait(connection: socket.socket) -> None:
        connection.sendall(response)
        if not response:
            started.set()
        read_to_end(connection)

    async def receive() -> Message:
        await asyncio.to_thread(started.wait, PATIENCE)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        assert message["type"] == "http.response.start"
        started.set()

    with backend_handling(respond_and_wait) as port:
        forward(port, receive, send)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_request_is_sent_once_even_if_the_connection_breaks(method: str) -> None:
    async def no_body() -> Message:
        return {"type": "http.request"}

    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]

        def close_first() -> None:
            connection, _ = listener.accept()
            connection.recv(65536)
            connection.close()

        thread = threading.Thread(target=close_first)
        thread.start()
        scope = {"method": method, "raw_path": b"/", "query_string": b"", "headers": [], "client": (HOST, 1)}
        with pytest.raises(BadGateway):
            asyncio.run(Proxy(port, "backend.localhost", timeout=PATIENCE)(scope, no_body, fail_to_send))
        thread.join()
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
