"""Run Firefox behind a proxy: `python -m tests.browser.bidi_proxy FIREFOX ARGUMENTS`.

Playwright's driver for an ordinary Firefox sends commands of WebDriver BiDi that released versions do not
know yet, and gives up when one is refused. The proxy confirms those commands, which only emulate media
features, and passes on all others. Playwright reads the address to connect to from standard error, and gets
that of the proxy.
"""

import asyncio
import json
import re
import sys
from asyncio.subprocess import PIPE

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve

UNKNOWN_COMMANDS = frozenset({"emulation.setMediaFeaturesOverride"})

_ADDRESS = re.compile(rb"WebDriver BiDi listening on (ws://\S+)")


async def run(command: list[str]) -> int:
    """Run Firefox until it ends; returns its exit status."""
    firefox = await asyncio.create_subprocess_exec(*command, stderr=PIPE)
    assert firefox.stderr is not None
    async for line in firefox.stderr:
        if match := _ADDRESS.search(line):
            await _serve(match[1].decode(), firefox.stderr)
            break
        sys.stderr.buffer.write(line)
        sys.stderr.flush()
    return await firefox.wait()


async def _serve(address: str, messages: asyncio.StreamReader) -> None:
    """Serve the proxy of an address until Firefox ends and its `messages` with it."""

    async def handle(playwright: ServerConnection) -> None:
        assert playwright.request is not None
        async with connect(address + playwright.request.path, max_size=None) as firefox:
            await asyncio.gather(_forward_commands(playwright, firefox), _forward_events(firefox, playwright))

    async with serve(handle, "127.0.0.1", 0, max_size=None) as server:
        port = server.sockets[0].getsockname()[1]
        print(f"WebDriver BiDi listening on ws://127.0.0.1:{port}", file=sys.stderr, flush=True)
        async for _ in messages:
            pass


async def _forward_commands(playwright: ServerConnection, firefox: ClientConnection) -> None:
    async for message in playwright:
        command = json.loads(message)
        if command["method"] in UNKNOWN_COMMANDS:
            await playwright.send(json.dumps({"type": "success", "id": command["id"], "result": {}}))
        else:
            await firefox.send(message)
    await firefox.close()


async def _forward_events(firefox: ClientConnection, playwright: ServerConnection) -> None:
    async for message in firefox:
        await playwright.send(message)
    await playwright.close()


if __name__ == "__main__":
    sys.exit(asyncio.run(run(sys.argv[1:])))
