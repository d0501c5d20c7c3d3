"""Transport of the emulator: requests over loopback count as encrypted, and ended connections are closed.

Requests come over plain HTTP, which the data bucket's policy refuses; on this machine nobody can listen in.
hypercorn keeps a connection that its client has closed until it would have closed an idle one, so the number
of open files followed that of requests.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from hypercorn.asyncio.tcp_server import TCPServer
from ministack import app

from local.aws import patching


def install() -> None:
    """Tell policies that every request came over TLS (`aws:SecureTransport`), and close connections."""
    patching.wrap(app, "pin_request_origin", _as_secure)
    patching.wrap(TCPServer, "_read_data", _closing_at_once)


def _as_secure(pin: Callable[[str, bool], None]) -> Callable[[str, bool], None]:
    return lambda source_ip, _secure: pin(source_ip, True)


def _closing_at_once(read: Callable[[Any], Awaitable[None]]) -> Callable[[Any], Awaitable[None]]:
    async def read_data(server: Any) -> None:
        await read(server)
        await server.idle_task.stop()

    return read_data
