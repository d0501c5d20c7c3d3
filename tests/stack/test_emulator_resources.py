"""The emulator releases resources that it no longer needs."""

from pathlib import Path

import pytest

from tests.stack.client import Client, send, wait_for


def open_files(client: Client) -> int:
    """The number of files and connections that the emulator has open."""
    folder = Path(f"/proc/{client.stack.processes['AWS emulator']}/fd")
    if not folder.exists():
        pytest.skip("open files of a process can be listed on Linux only")
    return sum(1 for _ in folder.iterdir())


def test_connections_closed_by_clients_are_released(client: Client) -> None:
    before = open_files(client)
    for _ in range(50):
        assert send(client.stack.emulator_port, "GET", "/_ministack/health").status == 200

    wait_for(lambda: open_files(client) < before + 25)
