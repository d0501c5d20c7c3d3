"""Hypercorn, the HTTP server that every ASGI application of this folder runs on."""

import asyncio
import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import hypercorn.asyncio.run
from hypercorn.asyncio import serve
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.config import Config

from local.asgi import Application, http_only
from local.loopback import HOST


def configuration(bind: str) -> Config:
    """Hypercorn's settings for serving on `bind`, such as "127.0.0.1:8000"."""
    config = Config()
    config.bind = [bind]
    config.include_server_header = False
    config.keep_alive_timeout = 75  # seconds
    config.graceful_timeout = 1  # seconds for requests under way when the server stops
    return config


async def serve_until_stopped(application: Application, port: int) -> None:
    """Serve on a port of loopback until SIGTERM, SIGINT or the end of the parent process.

    The parent holds the other end of standard input open, so that end-of-file shows that it has ended,
    in whatever way.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)

    def follow_parent() -> None:
        while os.read(0, 1024):
            pass
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=follow_parent, daemon=True).start()
    await _serve(application, configuration(f"{HOST}:{port}"), stop)


@contextlib.contextmanager
def serving(application: Application, certificate: tuple[Path, Path] | None = None) -> Iterator[int]:
    """Serve in a thread while the context lasts, and give out the port: a free one of loopback.

    `certificate` holds the files of a certificate and its key; with it, the server speaks HTTPS.
    """
    listener = socket.create_server((HOST, 0), backlog=128)
    port = listener.getsockname()[1]
    config = configuration(f"fd://{listener.detach()}")
    config.graceful_timeout = 0
    if certificate:
        config.certfile, config.keyfile = map(str, certificate)
        # Over HTTP/2, a browser sends all its requests at once, and ministack's CloudFront refuses that many.
        config.alpn_protocols = ["http/1.1"]
    stop = asyncio.Event()
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        loop = runner.get_loop()
        thread = threading.Thread(target=runner.run, args=[_serve(http_only(application), config, stop)])
        thread.start()
        try:
            yield port
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join()


async def _serve(application: Application, config: Config, stop: asyncio.Event) -> None:
    hypercorn.asyncio.run.TCPServer = Connection  # type: ignore[attr-defined]

    async def close_connections() -> None:
        await stop.wait()
        await asyncio.sleep(config.graceful_timeout)
        for connection in Connection.of_running_loop():
            connection.writer.transport.abort()

    closing = asyncio.create_task(close_connections())
    await serve(application, config, shutdown_trigger=stop.wait)  # type: ignore[arg-type]
    closing.cancel()


class Connection(TCPServer):
    """A connection that is released when the client closes it and does not keep the server from stopping.

    Hypercorn 0.18 keeps a connection until `keep_alive_timeout` has passed, so that the number of open files
    follows the number of requests. Can go when Hypercorn stops its idle timer at the end of `_read_data`.

    When Hypercorn stops, it waits for `asyncio.Server.wait_closed()` before it looks at `graceful_timeout`.
    Since Python 3.12 that means until every connection is closed, which may be never: a client need only stop
    reading a response. Can go when Hypercorn aborts what is left after `graceful_timeout`.
    """

    _open: ClassVar[set["Connection"]] = set()

    @classmethod
    def of_running_loop(cls) -> "list[Connection]":
        """The open connections of the servers that run in this event loop."""
        loop = asyncio.get_running_loop()
        return [connection for connection in list(cls._open) if connection.loop is loop]

    async def run(self) -> None:
        """Serve until the connection is closed."""
        self._open.add(self)
        try:
            await super().run()
        finally:
            self._open.discard(self)

    async def _read_data(self) -> None:
        await super()._read_data()
        await self.idle_task.stop()
