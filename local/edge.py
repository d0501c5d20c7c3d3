"""Page and API on one origin, as CloudFront serves them. Started by local.stack.

Files of the page come from `frontend/`; everything below /api/ goes to the deployed API Gateway stage.
"""

import argparse
import asyncio
from http import HTTPStatus
from pathlib import Path

from deploy.page import Page, security_headers
from local.asgi import (
    Receive,
    Scope,
    Send,
    header,
    http_only,
    respond,
    respond_error,
    with_repeatable_end,
)
from local.http_server import serve_until_stopped
from local.loopback import HOST
from local.page_server import PageServer, encoded, with_headers
from local.proxy import BadGateway, Proxy

Refusal = tuple[HTTPStatus, str]

API_SLOW = "The API did not answer in time. Try again in a moment."
API_DOWN = "The API does not answer. Check whether `make run` is still running."


class Edge:
    """The application that answers at `http://localhost:{port}`; `api` is the proxy to the API."""

    def __init__(self, port: int, page: Page, api: Proxy, headers: dict[str, str]) -> None:
        self._origin = f"http://localhost:{port}"
        self._page = PageServer(page, headers)
        self._api = api
        self._headers = encoded(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        receive = with_repeatable_end(receive)
        refusal = self._refusal(scope)
        if refusal:
            await respond_error(receive, with_headers(send, self._headers), *refusal)
        elif scope["path"] == "/api" or scope["path"].startswith("/api/"):
            await self._forward(scope, receive, with_headers(send, self._headers))
        elif (header(scope, b"host") or "").startswith(HOST) and scope["method"] in ("GET", "HEAD"):
            await self._redirect(scope, with_headers(send, self._headers))
        else:
            await self._page(scope, receive, send)

    def _refusal(self, scope: Scope) -> Refusal | None:
        """Why the request is not served; None if it is.

        Without a login, anything that reaches this port can use the API. Other sites must not reach it
        through the browser: neither under a name of their own that resolves to this machine (DNS
        rebinding) nor from their pages.
        """
        host = header(scope, b"host") or ""
        if host.partition(":")[0] not in ("localhost", HOST):
            return HTTPStatus.MISDIRECTED_REQUEST, f"Open {self._origin} instead."
        if header(scope, b"origin") not in (None, f"http://{host}"):
            return HTTPStatus.FORBIDDEN, "Pages of other sites may not use this API."
        if header(scope, b"transfer-encoding") is not None:
            return HTTPStatus.LENGTH_REQUIRED, "Send the length of the body in the Content-Length header."
        return None

    async def _forward(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._api(scope, receive, send)
        except TimeoutError:
            await respond_error(receive, send, HTTPStatus.GATEWAY_TIMEOUT, API_SLOW)
        except BadGateway:
            await respond_error(receive, send, HTTPStatus.BAD_GATEWAY, API_DOWN)

    async def _redirect(self, scope: Scope, send: Send) -> None:
        """Send the browser to localhost: the bucket's CORS rules accept uploads from that origin only."""
        query = f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else ""
        location = f"{self._origin}{scope['raw_path'].decode('latin-1')}{query}"
        headers = [(b"location", location.encode()), (b"content-length", b"0")]
        await respond(send, HTTPStatus.TEMPORARY_REDIRECT, headers)


def main() -> None:
    """Serve until SIGTERM, SIGINT or the end of the parent process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--api-port", type=int, required=True, help="port of the emulator")
    parser.add_argument("--api-name", required=True, help="host name under which the emulator knows the API")
    parser.add_argument("--frontend", type=Path, required=True, help="folder of the page")
    arguments = parser.parse_args()
    edge = Edge(
        arguments.port,
        Page(arguments.frontend),
        Proxy(arguments.api_port, f"{arguments.api_name}:{arguments.api_port}"),
        security_headers(f"http://{HOST}:{arguments.api_port}"),
    )
    asyncio.run(serve_until_stopped(http_only(edge), arguments.port))


if __name__ == "__main__":
    main()
