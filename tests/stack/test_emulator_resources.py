"""The emulator gives back what it does not need any more."""

import os
import signal
from pathlib import Path

import pytest

from tests.images import grey_file
from tests.stack.client import TASK, Client, send, wait_for


def open_files(client: Client) -> int:
    """How many files and connections the emulator has open."""
    folder = Path(f"/proc/{client.stack.processes['AWS emulator']}/fd")
    if not folder.exists():
        pytest.skip("only Linux tells which files a process has open")
    return sum(1 for _ in folder.iterdir())


def test_connections_that_a_client_has_ended_are_closed(client: Client) -> None:
    before = open_files(client)
    for _ in range(50):
        assert send(client.stack.emulator_port, "GET", "/_ministack/health").status == 200

    wait_for(lambda: open_files(client) < before + 25, patience=10)


def test_results_survive_the_death_of_the_emulator(client: Client) -> None:
    """Nothing has been saved in between."""
    path = f"/api/tasks/{TASK}/classify"
    image = client.api("POST", path, grey_file(height=131), Content_Type="image/png").json
    review = client.api(
        "PUT", f"/api/results/{image['id']}/review", b'{"label": "left-cc"}', Content_Type="application/json"
    )
    assert review.status == 200
    before = client.api("GET", f"/api/results/{image['id']}").json

    os.kill(client.stack.processes["AWS emulator"], signal.SIGKILL)
    client.stack.stop()
    client.stack.start()

    assert client.api("GET", f"/api/results/{image['id']}").json == before
    assert before["review"]["label"] == "left-cc"
