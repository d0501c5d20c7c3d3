"""Page and API on one origin, as CloudFront serves them. Started by local.stack.

Files of the page come from `frontend/`; everything below /api/ goes to the deployed API Gateway stage.
"""

import argparse
import contextlib
import http.client
import json
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from deploy.page import OF_DOCUMENTS, Page, security_headers

HOST = "127.0.0.1"
API_TIMEOUT = 30.0  # seconds; API Gateway itself gives up after 29
IDLE_LIMIT = 60.0  # seconds; the emulator closes idle connections after 75
CHUNK = 64 * 1024

# Headers that concern one connection only, never what is passed on (RFC 9110, 7.6.1).
HOP_BY_HOP = {
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
    "transfer-encoding", "upgrade",
}  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """The port to serve on; port and host name of the API behind it; the page; headers of every response."""

    port: int
    api_port: int
    api_name: str
    page: Page
    security_headers: dict[str, str]


class Edge(ThreadingHTTPServer):
    """The server. A thread per connection of a browser, with a connection of its own to the API."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        super().__init__((HOST, settings.port), Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of browsers that hang up; anything else is an error of this program."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """The requests of one connection."""

    server: Edge
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and a short body leave in one packet
    timeout = 75

    def setup(self) -> None:
        """Begin with a connection of the browser."""
        super().setup()
        self._api = http.client.HTTPConnection(HOST, self.server.settings.api_port, timeout=API_TIMEOUT)
        self._api_used = time.monotonic()

    def finish(self) -> None:
        """End with it."""
        self._api.close()
        super().finish()

    def handle_one_request(self) -> None:
        """Send each answer off as soon as it is complete."""
        self._left_out: tuple[str, ...] = ()
        super().handle_one_request()
        self.wfile.flush()

    def do_GET(self) -> None:
        """Every method comes here."""
        path = urlsplit(self.path).path
        refusal = self._refusal()
        if refusal:
            self._send_error(*refusal)
        elif path == "/api" or path.startswith("/api/"):
            self._proxy()
        else:
            self._send_file(path)

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET  # noqa: N815

    def _refusal(self) -> tuple[HTTPStatus, str] | None:
        """Why the request is not served, if it is not.

        There may be no login on this machine, so no other site may use the browser's access to it: not under
        a name of its own that leads here (DNS rebinding), and not from its own pages.
        """
        host = self.headers.get("Host", "")
        if host.partition(":")[0] not in ("localhost", HOST):
            return (
                HTTPStatus.MISDIRECTED_REQUEST,
                f"Open http://localhost:{self.server.settings.port} instead.",
            )
        if self.headers.get("Origin") not in (None, f"http://{host}"):
            return HTTPStatus.FORBIDDEN, "Pages of other sites may not use this API."
        if "Transfer-Encoding" in self.headers:
            return HTTPStatus.LENGTH_REQUIRED, "Send the length of the body in the Content-Length header."
        return None

    # ---------------------------------------------------------------------------------------- page

    def _send_file(self, path: str) -> None:
        if self.command not in ("GET", "HEAD"):
            self._send_error(HTTPStatus.METHOD_NOT_ALLOWED, "Files of the page can only be read.")
            return
        if self.headers["Host"].startswith(HOST):
            self._send_to_localhost()
            return
        file = self.server.settings.page.find(path)
        if file is None:
            self._send_error(HTTPStatus.NOT_FOUND, "There is no such page. Start at /.")
            return
        if not file.media_type.startswith("text/html"):
            self._left_out = OF_DOCUMENTS
        unchanged = file.etag in self.headers.get("If-None-Match", "")
        compress = "gzip" in self.headers.get("Accept-Encoding", "")
        content = file.compressed if compress else file.content
        self.send_response(HTTPStatus.NOT_MODIFIED if unchanged else HTTPStatus.OK)
        self.send_header(
            "Cache-Control", "no-cache"
        )  # ask again each time; unchanged files are not sent again
        self.send_header("ETag", file.etag)
        self.send_header("Vary", "Accept-Encoding")
        if not unchanged:
            self.send_header("Content-Type", file.media_type)
            self.send_header("Content-Length", str(len(content)))
            if compress:
                self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        if not unchanged and self.command != "HEAD":
            self.wfile.write(content)

    def _send_to_localhost(self) -> None:
        """Uploads are accepted from one origin only."""
        self.send_response(HTTPStatus.TEMPORARY_REDIRECT)
        self.send_header("Location", f"http://localhost:{self.server.settings.port}{self.path}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    # ----------------------------------------------------------------------------------------- API

    def _proxy(self) -> None:
        try:
            response = self._ask_api()
        except TimeoutError:
            self._abandon(
                HTTPStatus.GATEWAY_TIMEOUT, "The API did not answer in time. Try again in a moment."
            )
            return
        except (OSError, http.client.HTTPException):
            self._abandon(
                HTTPStatus.BAD_GATEWAY, "The API does not answer. Look whether `make run` still runs."
            )
            return
        with response:
            self.send_response(response.status)
            for name, value in end_to_end(response.getheaders()):
                self.send_header(name, value)
            chunked = response.length is None and self.command != "HEAD"
            if chunked:
                self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            while data := response.read(CHUNK):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data) if chunked else data)
            if chunked:
                self.wfile.write(b"0\r\n\r\n")

    def _ask_api(self) -> http.client.HTTPResponse:
        """Pass the request on, its body as it comes in."""
        if time.monotonic() - self._api_used > IDLE_LIMIT:
            self._api.close()
        settings = self.server.settings
        self._api.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        self._api.putheader("Host", f"{settings.api_name}:{settings.api_port}")
        for name, value in end_to_end(self.headers.items()):
            if name.lower() not in ("host", "expect", "x-forwarded-for"):
                self._api.putheader(name, value)
        self._api.putheader("X-Forwarded-For", self.client_address[0])
        self._api.endheaders()
        remaining = int(self.headers.get("Content-Length", 0))
        while remaining and (data := self.rfile.read(min(CHUNK, remaining))):
            self._api.send(data)
            remaining -= len(data)
        response = self._api.getresponse()
        self._api_used = time.monotonic()
        return response

    def _abandon(self, status: HTTPStatus, message: str) -> None:
        """Answer for an API that did not; neither connection can be used again."""
        self._api.close()
        self.close_connection = True
        self._send_error(status, message)

    # -------------------------------------------------------------------------------------- common

    def _send_error(self, status: HTTPStatus, message: str) -> None:
        code = status.phrase.title().replace(" ", "").replace("-", "")
        body = json.dumps({"code": code, "message": message, "request_id": str(uuid.uuid4())}).encode()
        self.close_connection = (
            self.close_connection or "Content-Length" in self.headers
        )  # the body was not read
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def end_headers(self) -> None:
        """Complete the headers of every answer."""
        for name, value in self.server.settings.security_headers.items():
            if name not in self._left_out:
                self.send_header(name, value)
        super().end_headers()

    def version_string(self) -> str:
        """What the Server header says: not which software, let alone which version."""
        return "negatoscope"


def end_to_end(headers: Any) -> Iterator[tuple[str, str]]:
    """The headers to pass on; those of the server's own are set anew."""
    for name, value in headers:
        if name.lower() not in HOP_BY_HOP | {"date", "server"}:
            yield name, value


def main() -> None:
    """Serve until standard input ends, which tells that the parent process is gone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--api-port", type=int, required=True, help="port of the emulator")
    parser.add_argument("--api-name", required=True, help="host name under which the emulator knows the API")
    parser.add_argument("--frontend", type=Path, required=True, help="folder of the page")
    arguments = parser.parse_args()
    settings = Settings(
        port=arguments.port,
        api_port=arguments.api_port,
        api_name=arguments.api_name,
        page=Page(arguments.frontend),
        security_headers=security_headers(f"http://{HOST}:{arguments.api_port}"),
    )
    edge = Edge(settings)
    threading.Thread(target=edge.serve_forever, daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):
        sys.stdin.read()


if __name__ == "__main__":
    main()
