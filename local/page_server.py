"""The page as an ASGI application: what `make run` and the browser tests serve it with."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus

from deploy.page import OF_DOCUMENTS, Page
from local.asgi import Header, Message, Receive, Scope, Send, header, respond, respond_error

NOT_READ = "Files of the page can only be read."
NOT_FOUND = "There is no such page. Start at /."


class PageServer:
    """Serves the files of the page, compressed and with security headers, as CloudFront does.

    Browsers ask each time whether a file has changed, so an edited file shows at the next reload.
    """

    def __init__(self, page: Page, security_headers: Mapping[str, str]) -> None:
        self._page = page
        self._headers = encoded(security_headers)
        self._headers_of_assets = encoded(
            {name: value for name, value in security_headers.items() if name not in OF_DOCUMENTS}
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request for a file."""
        if scope["method"] not in ("GET", "HEAD"):
            await respond_error(
                receive, with_headers(send, self._headers), HTTPStatus.METHOD_NOT_ALLOWED, NOT_READ
            )
            return
        # Large files are compressed when they are read for the first time.
        file = await asyncio.to_thread(self._page.find, scope["raw_path"].decode("latin-1"))
        if file is None:
            await respond_error(receive, with_headers(send, self._headers), HTTPStatus.NOT_FOUND, NOT_FOUND)
            return
        is_document = file.media_type.startswith("text/html")
        headers = [
            *(self._headers if is_document else self._headers_of_assets),
            (b"cache-control", b"no-cache"),
            (b"etag", file.etag.encode()),
            (b"vary", b"Accept-Encoding"),
        ]
        if file.etag in (header(scope, b"if-none-match") or ""):
            await respond(send, HTTPStatus.NOT_MODIFIED, headers)
            return
        headers.append((b"content-type", file.media_type.encode()))
        content = file.content
        if "gzip" in (header(scope, b"accept-encoding") or ""):
            content = file.compressed
            headers.append((b"content-encoding", b"gzip"))
        headers.append((b"content-length", b"%d" % len(content)))
        await respond(send, HTTPStatus.OK, headers, content)


def encoded(headers: Mapping[str, str]) -> list[Header]:
    """Headers as ASGI has them."""
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def with_headers(send: Send, headers: list[Header]) -> Send:
    """Add headers to the response that is sent with `send`, in place of its own of the same names."""
    names = {name for name, _ in headers}

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [header for header in message["headers"] if header[0].lower() not in names]
            message = {**message, "headers": [*kept, *headers]}
        await send(message)

    return send_with_headers
