"""The deployed Lambdas, compared with the code and the settings of this folder."""

import zlib
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.request import urlopen
from zipfile import ZipFile

import boto3
import chalice
from chalice.config import Config

from deploy import application

NAMED_FILES = 3
"""How many changed files are listed by name."""
SECONDS = 120
"""How long a package may take to arrive; it has about 40 MB."""

Checksums = Mapping[str, int]
"""CRC-32 of each file of a package, by its name."""


class Comparison:
    """Compares Lambdas with this folder."""

    def __init__(self, stage: str, settings: Mapping[str, Any]) -> None:
        """`settings` are the contents of config.json that would be deployed."""
        self._stage = stage
        self._settings = settings
        self._here = own_files()
        self._deployed: dict[str, Checksums] = {}

    def differences(self, function: str, name: str) -> list[str]:
        """How a Lambda would change; `function` is its name in Chalice, and `name` that in AWS."""
        client = boto3.client("lambda")
        try:
            found = client.get_function(FunctionName=name)
        except client.exceptions.ResourceNotFoundException:
            return ["new"]
        deployed, wanted = found["Configuration"], self._config(function)
        variables = deployed.get("Environment", {}).get("Variables", {})
        return [
            *self._code(deployed["CodeSha256"], found["Code"]["Location"]),
            *_changed("memory", deployed["MemorySize"], wanted.lambda_memory_size, "MB"),
            *_changed("time-out", deployed["Timeout"], wanted.lambda_timeout, "s"),
            *_changed("role", deployed["Role"], wanted.iam_role_arn),
            *environment_changes(variables, wanted.environment_variables),
        ]

    def _config(self, function: str) -> Config:
        return Config(
            chalice_stage=self._stage, function_name=function, config_from_disk=dict(self._settings)
        )

    def _code(self, digest: str, location: str) -> Iterator[str]:
        # All Lambdas have the same package, unless a deployment failed between them.
        if digest not in self._deployed:
            with urlopen(location, timeout=SECONDS) as package:  # noqa: S310 - Lambda's own link
                self._deployed[digest] = checksums(package.read())
        if names := changed_files(self._deployed[digest], self._here):
            listed = ", ".join(names[:NAMED_FILES]) + (", ..." if len(names) > NAMED_FILES else "")
            yield f"code {digest[:8]}: changed files: {len(names)} ({listed})"


def own_files() -> Checksums:
    """The files of this folder that Chalice packs for a Lambda."""
    folder, router = application.PROJECT, Path(chalice.__file__).parent
    files = {"app.py": folder / "app.py"}
    files |= {f"chalice/{name}": router / name for name in ("__init__.py", "app.py")}
    for path in (folder / "chalicelib").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            files[path.relative_to(folder).as_posix()] = path
    return {name: zlib.crc32(path.read_bytes()) for name, path in files.items()}


def checksums(package: bytes) -> Checksums:
    """The files of a Lambda's package, without bytecode, which follows from them."""
    with ZipFile(BytesIO(package)) as archive:
        entries = archive.infolist()
    return {entry.filename: entry.CRC for entry in entries if "__pycache__" not in entry.filename}


def changed_files(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    """Names of the files that are new, gone or different, given a checksum of each."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def environment_changes(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    """The variables that would change, with their values: they are in config.json, and no secrets."""
    for name in sorted(before.keys() | after.keys()):
        yield from _changed(name, before.get(name, "not set"), after.get(name, "not set"))


def _changed(what: str, before: object, after: object, unit: str = "") -> Iterator[str]:
    if before != after:
        yield f"{what} {before} -> {after} {unit}".rstrip()
