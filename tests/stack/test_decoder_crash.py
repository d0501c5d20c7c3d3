"""The decoder dies while it reads an image, as of a fault in native code or too little memory."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from PIL import Image

from tests.images import encode
from tests.stack.client import TASK, Client, wait_for
from tests.stack.functions import Function
from tests.stack.processes import kill, running

pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="tells processes apart by /proc")
DECODER = "negatoscope-local-decode"
SECONDS = 0.2
"""Between kills: longer than a request takes to reach the decoder, and shorter than it works on `slow`."""


@cache
def slow(height: int) -> bytes:
    """A file of some 100 kB that is decoded for a second."""
    return encode(Image.linear_gradient("L").resize((9000, height)), "JPEG")


def decoders(client: Client) -> list[int]:
    """The processes of the decoder."""
    processes = running(client.stack.processes["AWS emulator"], "lambda_bootstrap.py")
    return [pid for pid in processes if DECODER in _environment(pid)]


def _environment(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/environ").read_text()
    except OSError:
        return ""  # it has just ended


@contextmanager
def crashing(client: Client) -> Iterator[list[int]]:
    """Kill the decoder again and again; collects how many processes each time."""
    killed: list[int] = []
    over = threading.Event()

    def kill_on() -> None:
        while not over.wait(SECONDS):
            killed.append(kill(decoders(client)))

    thread = threading.Thread(target=kill_on)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


def test_request_learns_of_the_crash_and_can_be_repeated(client: Client) -> None:
    image, path = slow(9000), f"/api/tasks/{TASK}/classify"
    before = {result["id"] for result in client.results()}
    assert decoders(client)

    with crashing(client) as killed:
        failed = client.api("POST", path, image, Content_Type="image/jpeg")

    assert sum(killed)
    assert (failed.status, failed.json["code"]) == (500, "DecodingFailed")
    assert "crashed, or ran out of time or memory. Try again" in failed.json["message"]
    assert client.new_results(before) == []
    again = client.api("POST", path, image, Content_Type="image/jpeg")
    assert again.status == 200, again.body
    assert [result["id"] for result in client.new_results(before)] == [again.json["id"]]


def test_dropped_image_outlives_the_crash(client: Client) -> None:
    prepare = Function(client, "negatoscope-local-prepare")
    before = {result["id"] for result in client.results()}
    failures = len(crashes(prepare))

    with crashing(client):
        client.drop(f"{TASK}/crash.jpg", slow(8999))
        wait_for(lambda: len(crashes(prepare)) > failures)

    (found,) = wait_for(lambda: client.new_results(before))
    assert client.result(found["id"])["status"] == "classified"
    assert len(client.new_results(before)) == 1


def crashes(function: Function) -> list[str]:
    """What the log of a Lambda says of crashes of the decoder."""
    return [message for message in function.log() if "the decoder failed" in message]
