"""Page and API on one origin, as CloudFront serves them."""

import gzip
import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from deploy.page import Page
from local.asgi import Receive, Scope, Send, respond
from local.edge import Edge
from local.http_server import serving
from local.proxy import Proxy
from tests.stack.client import PATIENCE, Client, send
from tests.stack.ports import free_ports
from tests.stage import ROOT

TRAVERSALS = [
    "/../app.py",
    "/%2e%2e/app.py",
    "/..%2fapp.py",
    "/modules/../../app.py",
    "//etc/passwd.txt",
    "/index.html%00.txt",
    "/.hidden.html",
    "/modules/none.js",
    "/template.yaml",
]


def test_places_within_the_page_are_index_html(client: Client) -> None:
    for path in (
        "/",
        "/index.html",
        "/?from=mail",
        "/modules",
        "/a/place/within",
        "/no-such-page",
        "//etc/passwd",
    ):
        answer = client.api("GET", path)
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert answer.body == (ROOT / "frontend" / "index.html").read_bytes()


def test_modules_are_scripts(client: Client) -> None:
    module = next((ROOT / "frontend").rglob("*.js"))

    answer = client.api("GET", f"/{module.relative_to(ROOT / 'frontend')}")

    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"


def test_head_and_unchanged_files_have_no_body(client: Client) -> None:
    whole = client.api("GET", "/")
    head = client.api("HEAD", "/")
    again = client.api("GET", "/", If_None_Match=whole.headers["ETag"])

    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == str(len(whole.body))
    assert (again.status, again.body) == (304, b"")


def test_browsers_get_files_compressed(client: Client) -> None:
    plain = client.api("GET", "/")
    compressed = client.api("GET", "/", Accept_Encoding="gzip, br")

    assert compressed.headers["Content-Encoding"] == "gzip"
    assert compressed.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(compressed.body) == plain.body
    assert "Content-Encoding" not in plain.headers


@pytest.mark.parametrize("path", TRAVERSALS)
def test_only_files_of_the_page_are_served(client: Client, path: str) -> None:
    answer = client.api("GET", path)

    assert answer.status == 404
    assert answer.json["code"] == "NotFound"


@pytest.mark.parametrize("path", ["/", "/api/health", "/api/no-such-route", "/no-such-page.html"])
def test_every_response_has_security_headers(client: Client, path: str) -> None:
    headers = client.api("GET", path).headers

    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert policy["worker-src"] == policy["style-src"] == policy["form-action"] == "'self'"
    assert policy["connect-src"] == f"'self' {client.stack.aws_url}"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_requests_of_other_sites_are_refused(client: Client) -> None:
    rebound = client.api("GET", "/api/health", Host="evil.example")
    foreign = client.api("POST", "/api/uploads", b"{}", Origin="http://evil.example")
    own = client.api("GET", "/api/health", Origin=client.stack.url)

    assert (rebound.status, foreign.status, own.status) == (421, 403, 200)


def test_page_redirects_to_localhost(client: Client) -> None:
    answer = client.api("GET", "/index.html", Host=f"127.0.0.1:{client.stack.port}")

    assert answer.status == 307
    assert answer.headers["Location"] == f"{client.stack.url}/index.html"


def test_connections_are_kept(client: Client) -> None:
    connection = http.client.HTTPConnection("localhost", client.stack.port, timeout=PATIENCE)
    for path in ("/", "/api/health", "/api/no-such-route", "/no-such-page.html"):
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        assert not response.will_close
    connection.close()


def test_body_of_unknown_length_is_refused(client: Client) -> None:
    connection = http.client.HTTPConnection("localhost", client.stack.port, timeout=PATIENCE)
    connection.request("POST", "/api/uploads", iter([b"{}"]), {"Transfer-Encoding": "chunked"})

    assert connection.getresponse().status == 411
    connection.close()


@pytest.fixture
def api() -> Iterator[socket.socket]:
    """An API that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@contextmanager
def edge_before(api_port: int, *, timeout: float = 30.0) -> Iterator[int]:
    """An edge in this process, before the API on `api_port`; its port."""
    api = Proxy(api_port, "x.execute-api.localhost", timeout=timeout)
    with serving(Edge(0, Page(ROOT / "frontend"), api, {})) as port:
        yield port


def test_unreachable_api_is_a_502() -> None:
    with edge_before(free_ports()[0]) as port:
        answer = send(port, "POST", "/api/uploads", b"{}")

    assert answer.status == 502
    assert answer.json.keys() == {"code", "message", "request_id"}
    assert answer.json["code"] == "BadGateway"


@pytest.mark.parametrize(("method", "body"), [("GET", None), ("POST", b"{}")])
def test_hanging_api_is_a_504(api: socket.socket, method: str, body: bytes | None) -> None:
    with edge_before(api.getsockname()[1], timeout=0.2) as port:
        answer = send(port, method, "/api/health", body)

    assert answer.status == 504
    assert answer.json["code"] == "GatewayTimeout"


@contextmanager
def api_answering(response: bytes) -> Iterator[int]:
    """An API that answers one request with these bytes and closes the connection; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(response)

        thread = threading.Thread(target=answer)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


@pytest.mark.parametrize("response", [b"", b"220 mail.example ESMTP\r\n", b"HTTP/1.1 200 OK\r\nContent-Le"])
def test_response_that_is_not_http_is_a_502(response: bytes) -> None:
    with api_answering(response) as api_port, edge_before(api_port) as port:
        assert send(port, "GET", "/api/health").json["code"] == "BadGateway"


@pytest.mark.parametrize("length", [b"Content-Length: 10", b"Transfer-Encoding: chunked"])
def test_truncated_response_does_not_look_complete(length: bytes) -> None:
    with (
        api_answering(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n\r\n5\r\nhe") as api_port,
        edge_before(api_port) as port,
        pytest.raises(http.client.IncompleteRead),
    ):
        send(port, "GET", "/api/results.csv")


async def echo(_scope: Scope, receive: Receive, send: Send) -> None:
    """Stream the body of the request back, without a length."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    more = True
    while more:
        message = await receive()
        more = message["more_body"]
        await send({"type": "http.response.body", "body": message["body"], "more_body": True})
    await send({"type": "http.response.body"})


def test_large_bodies_are_streamed_both_ways_at_once() -> None:
    body = bytes(range(256)) * 250_000  # more than all the sockets' buffers on the way hold
    head = b"POST /api/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body)

    with (
        serving(echo) as api_port,
        edge_before(api_port) as port,
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client,
    ):
        sender = threading.Thread(target=client.sendall, args=[head + body])
        sender.start()
        response = http.client.HTTPResponse(client)
        response.begin()
        answer = response.read()
        sender.join()

    assert response.status == 200
    assert answer == body


async def large_response(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer with more than all the sockets' buffers on the way hold."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(200):
        await send({"type": "http.response.body", "body": bytes(1_000_000), "more_body": True})
    await send({"type": "http.response.body"})


def test_client_that_does_not_read_keeps_no_server_from_stopping() -> None:
    with serving(large_response) as api_port, edge_before(api_port) as port:
        client = socket.create_connection(("127.0.0.1", port))
        client.sendall(b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        client.recv(1)

    client.close()


async def describe(scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer with the target and headers of the request, and with a hop-by-hop header."""
    lines = [scope["raw_path"] + b"?" + scope["query_string"]]
    lines += [name + b": " + value for name, value in scope["headers"]]
    headers = [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"keep-alive", b"timeout=5")]
    await respond(send, 200, headers, b"\n".join(lines))


def test_requests_are_forwarded_without_hop_by_hop_headers() -> None:
    with serving(describe) as api_port, edge_before(api_port) as port:
        answer = send(
            port, "GET", "/api/a%2Fb?x=%20y", None, Accept="a/b", TE="trailers", X_Forwarded_For="x"
        )

    target, *headers = answer.body.decode().splitlines()
    assert target == "/api/a%2Fb?x=%20y"
    assert dict(line.split(": ", 1) for line in headers) == {
        "host": "x.execute-api.localhost",
        "connection": "close",
        "x-forwarded-for": "127.0.0.1",
        "accept": "a/b",
        "accept-encoding": "identity",
    }
    assert answer.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    assert "Keep-Alive" not in answer.headers


def test_client_that_disconnects_ends_the_request_to_the_api(api: socket.socket) -> None:
    with edge_before(api.getsockname()[1]) as port:
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"POST /api/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{}")
            backend, _ = api.accept()
        with backend:
            backend.settimeout(30)
            received = b"".join(iter(lambda: backend.recv(65536), b""))

    assert received.startswith(b"POST /api/uploads HTTP/1.1\r\n")
