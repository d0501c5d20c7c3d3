"""Deploy the working tree to the emulator if it differs from what is deployed there.

The deployment works on a copy in the state folder, so that what Chalice and deploy/ record about the
emulator stays with the emulator's state and the working tree does not change.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from local.account import REGION, ROOT_CREDENTIALS, environment_without_aws
from local.process import Process, StartFailed

PROJECT = Path(__file__).parent.parent
STAGE = "local"

SOURCES = (
    ".chalice/config.json",
    "app.py",
    "chalicelib",
    "deploy",
    "requirements.txt",
    "statemachine",
    "training",
)
"""Files and folders of the project that a deployment depends on."""

LAYERS = ".chalice/deployments/managed-layer-*.zip"
"""Chalice's archives of the packages in requirements.txt, named by their contents.

Building one takes longer than the rest of a deployment. The project folder keeps them for all emulators."""

PROGRESS = ("Configuring", "Creating", "Updating")
"""The lines of Chalice's output that are shown begin with one of these. The log holds all of them."""

ANSWERS = " answers"
"""The end of the line which says that the new code runs."""


class Deployment:
    """The app as deployed to the emulator with its state in `directory`, for a page at `site_origin`.

    With `login`, users have to sign in.
    """

    def __init__(self, directory: Path, site_origin: str, login: bool) -> None:
        self._copy = directory / "app"
        self._record = directory / "deployed.json"
        self._log = directory / "log" / "deploy.log"
        self._options = ["--site-origin", site_origin, *(["--local-login"] if login else [])]

    def api_id(self) -> str | None:
        """The id of the deployed REST API; None if the working tree differs from what is deployed."""
        if not self._record.exists():
            return None
        record = json.loads(self._record.read_text())
        return str(record["api_id"]) if record["fingerprint"] == self._fingerprint() else None

    def deploy(self, aws_url: str, say: Callable[[str], None], warm_up: Callable[[], object]) -> str:
        """Deploy, and return the id of the REST API. Call `record` once the emulator has saved its state.

        `warm_up` is called in a thread as soon as the new code runs, beside the rest of the deployment.

        Raises:
            StartFailed: if the deployment fails.
        """
        with _first_packing(PROJECT):
            return self._deploy(aws_url, say, warm_up)

    def _deploy(self, aws_url: str, say: Callable[[str], None], warm_up: Callable[[], object]) -> str:
        self._record.unlink(missing_ok=True)
        self._copy_sources()
        command = [sys.executable, "-m", "deploy.deploy", STAGE, *self._options]
        process = Process("deployment", command, self._log, aws_environment(aws_url), self._copy)
        try:
            follow(process.follow(), say, warm_up)
            if process.wait():
                raise process.failure(
                    "The app could not be deployed to the emulator. If the app is correct, the saved state "
                    "may be damaged: `make clean-local` deletes it, with all results."
                )
        finally:
            process.stop()
        _copy_layers(self._copy, PROJECT)
        return self._deployed_api_id()

    def record(self, api_id: str) -> None:
        """Record what is deployed."""
        draft = self._record.with_suffix(".draft")
        draft.write_text(json.dumps({"fingerprint": self._fingerprint(), "api_id": api_id}))
        draft.replace(self._record)

    def _deployed_api_id(self) -> str:
        resources = json.loads((self._copy / ".chalice" / "deployed" / f"{STAGE}.json").read_text())[
            "resources"
        ]
        for resource in resources:
            if resource["resource_type"] == "rest_api":
                return str(resource["rest_api_id"])
        raise StartFailed("The app has no routes, so there is no API to serve. Does app.py define any?")

    def _fingerprint(self) -> str:
        digest = hashlib.sha256(f"{sys.version_info[:2]} {self._options}".encode())
        for path in sorted(source_files()):
            digest.update(str(path.relative_to(PROJECT)).encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()

    def _copy_sources(self) -> None:
        """Replace the copied sources. What Chalice has built and recorded stays."""
        for source in SOURCES:
            target = self._copy / source
            if target.is_dir():
                shutil.rmtree(target)
            else:
                target.unlink(missing_ok=True)
        for path in source_files():
            target = self._copy / path.relative_to(PROJECT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)
        for package in (self._copy / ".chalice" / "deployments").glob("appcode-*.zip"):
            package.unlink()
        _copy_layers(PROJECT, self._copy)


def follow(lines: Iterable[str], say: Callable[[str], None], warm_up: Callable[[], object]) -> None:
    """Show the progress of a deployment, and call `warm_up` in a thread as soon as the new code runs.

    Returns when both have ended.
    """
    with ThreadPoolExecutor(1) as thread:
        for line in map(str.strip, lines):
            if line.startswith(PROGRESS):
                say(f"  {line}")
            if line.endswith(ANSWERS):
                thread.submit(warm_up)


@contextlib.contextmanager
def _first_packing(project: Path) -> Iterator[None]:
    """Let one deployment at a time pack dependencies as long as none are packed.

    The others wait and take over what it has packed, instead of doing the same work beside it.
    """
    if any(project.glob(LAYERS)):
        yield
        return
    lock = project / ".local" / "packing.lock"
    lock.parent.mkdir(exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if any(project.glob(LAYERS)):
            fcntl.flock(held, fcntl.LOCK_UN)
        yield


def _copy_layers(source: Path, target: Path) -> None:
    """Copy missing layers, each atomically."""
    for layer in source.glob(LAYERS):
        copy = target / layer.relative_to(source)
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            unfinished = copy.with_suffix(f".{os.getpid()}.part")
            shutil.copy2(layer, unfinished)
            unfinished.replace(copy)


def source_files() -> Iterable[Path]:
    """Every file that a deployment depends on."""
    for source in SOURCES:
        path = PROJECT / source
        if path.is_file():
            yield path
        else:
            yield from (
                file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts
            )


def aws_environment(aws_url: str) -> dict[str, str]:
    """The environment of programs that use the emulator as the root user."""
    return {
        **environment_without_aws(),
        **ROOT_CREDENTIALS,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": aws_url,
    }
