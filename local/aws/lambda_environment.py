"""The Python environment of the local Lambdas: boto3 and nothing else, as on AWS."""

import fcntl
import os
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from local.process import Process

FOLDER = Path(__file__).parents[2] / ".venv-lambda"
PYTHON = FOLDER / "bin" / "python"
PACKAGES = Path(__file__).with_name("lambda-runtime.txt")
LOCK = FOLDER.parent / ".local" / "lambda-environment.lock"


def make(log: Path, say: Callable[[str], None]) -> None:
    """Create the environment unless it exists with the right boto3. Concurrent calls wait for the first.

    Raises:
        StartFailed: if it cannot be created.
    """
    LOCK.parent.mkdir(exist_ok=True)
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _make(log, say)


def _make(log: Path, say: Callable[[str], None]) -> None:
    boto3 = f"boto3-{version('boto3')}.dist-info"
    packages = FOLDER / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    if PYTHON.exists() and (packages / boto3).exists():
        return
    say(f"Creating {FOLDER.name}, the Python environment of the Lambdas (once)")
    _run([sys.executable, "-m", "venv", "--clear", "--without-pip", FOLDER], log)
    options = ("--disable-pip-version-check", "--no-deps", "--require-hashes")
    # With this environment's pip: installing one takes longer than all the rest.
    install = (sys.executable, "-m", "pip", "--python", PYTHON, "install")
    _run([*install, *options, "--requirement", PACKAGES], log)


def _run(command: list[str | Path], log: Path) -> None:
    process = Process("environment", command, log, dict(os.environ))
    try:
        if process.wait():
            raise process.failure(f"{FOLDER.name} could not be created.")
    finally:
        process.stop()
