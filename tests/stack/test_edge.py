"""Page and API on one origin, as CloudFront serves them."""

import gzip
import http.client
import socket
import threading
from collections.abc import Iterator

import pytest

from deploy.page import Page
from local import edge
from tests.stack.client import Client, send
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


def test_the_page(client: Client) -> None:
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
def test_every_answer_restricts_the_browser(client: Client, path: str) -> None:
    headers = client.api("GET", path).headers

    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert policy["worker-src"] == policy["style-src"] == policy["form-action"] == "'self'"
    assert policy["connect-src"] == f"'self' {client.stack.aws_url}"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_other_sites_cannot_use_the_browsers_access(client: Client) -> None:
    rebound = client.api("GET", "/api/health", Host="evil.example")
    foreign = client.api("POST", "/api/uploads", b"{}", Origin="http://evil.example")
    own = client.api("GET", "/api/health", Origin=client.stack.url)

    assert (rebound.status, foreign.status, own.status) == (421, 403, 200)


def test_the_page_has_one_origin(client: Client) -> None:
    answer = client.api("GET", "/index.html", Host=f"127.0.0.1:{client.stack.port}")

    assert answer.status == 307
    assert answer.headers["Location"] == f"{client.stack.url}/index.html"


def test_connections_are_kept(client: Client) -> None:
    connection = http.client.HTTPConnection("localhost", client.stack.port)
    for path in ("/", "/api/health", "/api/no-such-route", "/no-such-page.html"):
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        assert not response.will_close
    connection.close()


def test_a_body_of_unknown_length_is_refused(client: Client) -> None:
    connection = http.client.HTTPConnection("localhost", client.stack.port)
    connection.request("POST", "/api/uploads", iter([b"{}"]), {"Transfer-Encoding": "chunked"})

    assert connection.getresponse().status == 411
    connection.close()


@pytest.fixture
def api() -> Iterator[socket.socket]:
    """An API that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def serve(api_port: int) -> tuple[edge.Edge, int]:
    """An edge in this process, before the given API."""
    port, _ = free_ports()
    page = Page(ROOT / "frontend")
    server = edge.Edge(edge.Settings(port, api_port, "x.execute-api.localhost", page, {}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, port


def test_an_api_that_is_gone_is_a_502() -> None:
    server, port = serve(api_port=free_ports()[0])

    answer = send(port, "GET", "/api/health")
    server.shutdown()
    server.server_close()

    assert answer.status == 502
    assert answer.json.keys() == {"code", "message", "request_id"}
    assert answer.json["code"] == "BadGateway"


def test_an_api_that_hangs_is_a_504(api: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "API_TIMEOUT", 0.2)
    server, port = serve(api_port=api.getsockname()[1])

    answer = send(port, "GET", "/api/health")
    server.shutdown()
    server.server_close()

    assert answer.status == 504
    assert answer.json["code"] == "GatewayTimeout"
