"""`make run`: starting, stopping and restarting."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.run import greeting
from local.stack import LocalStack
from local.users import USERS
from tests.images import grey_file
from tests.stack.client import PATIENCE, TASK, Client, wait_for
from tests.stack.ports import free_ports
from tests.stack.processes import alive, descendants
from tests.stage import ROOT

PORTS = ("PORT", "EMULATOR_PORT")


def start_run(directory: Path, ports: tuple[int, int], output: Path) -> subprocess.Popen[bytes]:
    """`make run` in the background, with PORT and EMULATOR_PORT set to `ports`."""
    environment = os.environ | dict(zip(PORTS, map(str, ports), strict=True))
    command = [sys.executable, "-m", "local.run", "--directory", str(directory)]
    with output.open("wb") as file:
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=file, stderr=subprocess.STDOUT)


@pytest.mark.parametrize("variable", PORTS)
def test_port_in_use_is_reported_with_a_remedy(tmp_path: Path, variable: str) -> None:
    ports = free_ports()
    taken = ports[PORTS.index(variable)]
    with socket.create_server(("127.0.0.1", taken)):
        run = start_run(tmp_path / "local", ports, tmp_path / "output")
        assert run.wait(PATIENCE) == 1

    message = (tmp_path / "output").read_text()
    assert f"Port {taken}" in message
    assert f"make run {variable}=" in message
    assert "Traceback" not in message


def test_invalid_port_is_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "local.run", "--directory", str(tmp_path)]
    run = subprocess.run(command, cwd=ROOT, env=os.environ | {"PORT": "http"}, capture_output=True, text=True)

    assert run.returncode == 1
    assert run.stderr.strip() == "PORT is 'http', but must be a port: a number from 1 to 65535."


def test_invalid_login_setting_is_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "local.run", "--directory", str(tmp_path)]
    run = subprocess.run(command, cwd=ROOT, env=os.environ | {"LOGIN": "yes"}, capture_output=True, text=True)

    assert run.returncode == 1
    assert run.stderr.strip() == "LOGIN is 'yes', but must be 1 or 0."


@pytest.mark.parametrize("login", [True, False])
def test_greeting_lists_users_only_with_a_login(tmp_path: Path, login: bool) -> None:
    said = greeting(LocalStack(tmp_path, *free_ports(), login=login))

    for user in USERS:
        assert (user.name in said) == (user.password in said) == login


def stored(client: Client) -> list[str]:
    """All keys except that of the sweep's cursor."""
    return [key for key in client.keys("") if key != "sweep/inbox.json"]


def test_second_start_deploys_nothing_and_keeps_results(
    stack: LocalStack, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    image = client.api(
        "POST", f"/api/tasks/{TASK}/classify", grey_file(height=77), Content_Type="image/png"
    ).json
    # The Lambda `classify` writes it when the answer has been given.
    wait_for(lambda: f"results/{TASK}/{image['id']}.json" in client.keys("results/"))
    objects = stored(client)

    stack.stop()
    stack.start()

    # Nothing is made, deployed or installed again, which is what takes long.
    said = capsys.readouterr().out.splitlines()
    assert said == ["Starting the AWS emulator", "Starting the Lambdas", "Starting page and API"]
    assert client.api("GET", f"/api/results/{image['id']}").json == image
    assert stored(client) == objects


def test_killed_emulator_loses_neither_results_nor_images_under_way(
    stack: LocalStack, client: Client
) -> None:
    path = f"/api/tasks/{TASK}/classify"
    image = client.api("POST", path, grey_file(height=131), Content_Type="image/png").json
    known = client.ids()
    for number in range(10):
        client.drop(f"{TASK}/killed {number}.png", grey_file(height=100 + number))
    time.sleep(1)  # some are done now, some not, and the tables may have been saved or not
    for number in range(10):
        client.drop(f"{TASK}/killed later {number}.png", grey_file(height=200 + number))
    review = client.api(
        "PUT", f"/api/results/{image['id']}/review", b'{"label": "left-cc"}', Content_Type="application/json"
    )
    assert review.status == 200
    os.kill(stack.processes["AWS emulator"], signal.SIGKILL)
    stack.stop()
    stack.start()

    assert client.api("GET", f"/api/results/{image['id']}").json == review.json
    assert review.json["review"]["label"] == "left-cc"
    assert len(client.finished(20, known)) == 20
    assert client.api("GET", "/api/health").status == 200


@pytest.fixture(scope="class")
def stopped(stack: LocalStack) -> Iterator[LocalStack]:
    """The session's system, stopped."""
    stack.stop()
    yield stack
    stack.start()


def running(stack: LocalStack, output: Path) -> tuple[subprocess.Popen[bytes], set[int]]:
    """Start `make run` on the system's folder. Return the process and the ids of its descendants."""
    run = start_run(stack.directory, (stack.port, stack.emulator_port), output)
    wait_for(lambda: "Negatoscope is running" in output.read_text() or run.poll() is not None)
    started = descendants(run.pid)
    assert len(started) >= 4, output.read_text()
    return run, started


class TestEnding:
    """`make run` leaves no process, however it ends."""

    @pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
    def test_stopping_leaves_no_process(self, stopped: LocalStack, tmp_path: Path, name: str) -> None:
        output = tmp_path / "output"
        run, started = running(stopped, output)
        run.send_signal(signal.Signals[name])
        assert run.wait(PATIENCE) == 0, output.read_text()
        assert not alive(started)

        text = output.read_text()
        assert f"http://localhost:{stopped.port}/" in text
        assert "s3://negatoscope-local-data-000000000000/inbox/mammography-views/" in text

    def test_killing_leaves_no_process(self, stopped: LocalStack, tmp_path: Path) -> None:
        run, started = running(stopped, tmp_path / "output")
        run.kill()
        run.wait()
        wait_for(lambda: not alive(started))


def test_second_run_on_the_same_folder_is_refused(stack: LocalStack, tmp_path: Path) -> None:
    run = start_run(stack.directory, free_ports(), tmp_path / "output")

    assert run.wait(PATIENCE) == 1
    assert "Another `make run` uses" in (tmp_path / "output").read_text()
