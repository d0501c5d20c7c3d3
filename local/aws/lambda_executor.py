"""Lambda of the emulator: run functions in the clean Lambda environment and report errors as AWS does.

ministack runs them with its own interpreter and environment, starts a process per concurrent call, waits
50 ms for the log of a silent one, and reports every error as `Runtime.HandlerError`, so that `Retry` and
`Catch` cannot distinguish them. Can go when ministack takes the path of an interpreter, limits the number of
processes, and passes tests/stack/test_emulated_lambda.py.
"""

import fcntl
import hashlib
import logging
import os
import shutil
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local.aws import patching
from local.aws.lambda_pool import Pool
from local.aws.lambda_worker import Function

logger = logging.getLogger("lambda")

UNPACKED_MAX_AGE = 7 * 24 * 3600  # seconds
SCRATCH = "tmp"
"""The subfolder for the temporary files of functions."""


class Executor:
    """Runs every deployed function.

    `python` is the interpreter of the Lambda environment, `folder` holds unpacked code, `layers` unpacked
    layers, which emulators share, `endpoint` is the URL of the emulator, and `workers` the maximum number of
    processes per function.
    """

    def __init__(self, python: Path, folder: Path, layers: Path, endpoint: str, workers: int) -> None:
        self._python = python
        self._folder = folder
        self._layers = layers
        self._endpoint = endpoint
        self._workers = workers
        self._pools: dict[tuple[str, str], Pool] = {}
        self._lock = threading.Lock()
        prune(folder)
        prune(layers)
        clear(folder / SCRATCH)

    def install(self) -> None:
        """Replace ministack's own executor."""
        patching.replace(lambda_svc, "_execute_function_warm", self.execute)
        patching.replace(lambda_svc, "invalidate_worker", self.discard)
        # Chalice polls each function every 5 s until it is active, which would make a deployment a minute
        # longer.
        patching.replace(lambda_svc, "_LAMBDA_STATE_TRANSITION_DELAY", 0.0)

    def execute(self, record: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        """Run one invocation and return its result in ministack's format."""
        config = record["config"]
        pool = self._pool(record)
        outcome = pool.invoke(event, request_id, lambda_svc._xray_trace_id_for_invocation(config))
        if outcome.log:
            logger.info("%s %s\n%s", config["FunctionName"], request_id, outcome.log.rstrip("\n"))
        if outcome.error is None:
            return {"body": outcome.result, "log": outcome.log}
        return {"body": outcome.error, "log": outcome.log, "error": True}

    def warm(self) -> bool:
        """Start one worker of every function. Return whether all could be started."""
        share_archives(lambda_svc._functions._data.values())
        with ThreadPoolExecutor() as threads:
            return all(threads.map(self._warm, list(lambda_svc._functions._data.values())))

    def _warm(self, record: dict[str, Any]) -> bool:
        failed = self._pool(record).warm()
        if failed:
            logger.error(
                "%s cannot be started\n%s", record["config"]["FunctionName"], failed.log.rstrip("\n")
            )
        return failed is None

    def discard(self, name: str, qualifier: str | None = None, **_scope: str) -> None:
        """Stop the workers of a function that was changed or deleted."""
        with self._lock:
            keys = [key for key in self._pools if key[0] == name and qualifier in (None, key[1])]
            pools = [self._pools.pop(key) for key in keys]
        for pool in pools:
            pool.close()

    def close(self) -> None:
        """Stop every idle worker."""
        with self._lock:
            pools = list(self._pools.values())
            self._pools.clear()
        for pool in pools:
            pool.close()

    def _pool(self, record: dict[str, Any]) -> Pool:
        config = record["config"]
        key = (config["FunctionName"], config["Version"])
        with self._lock:
            if key not in self._pools:
                self._pools[key] = Pool(self._function(record), self._workers)
            return self._pools[key]

    def _function(self, record: dict[str, Any]) -> Function:
        config = record["config"]
        layers = [lambda_svc._resolve_layer_zip(layer) for layer in config.get("Layers", [])]
        return Function(
            name=config["FunctionName"],
            arn=config["FunctionArn"],
            version=config["Version"],
            handler=config["Handler"],
            runtime=config["Runtime"],
            memory_mb=config["MemorySize"],
            timeout_s=config["Timeout"],
            python=self._python,
            code=unpack(record["code_zip"], self._folder),
            layers=tuple(unpack(layer, self._layers) for layer in layers),
            environment=self._environment(config),
            scratch=self._folder / SCRATCH,
        )

    def _environment(self, config: dict[str, Any]) -> dict[str, str]:
        region = config["FunctionArn"].split(":")[3]
        return {
            **config.get("Environment", {}).get("Variables", {}),
            **lambda_runtime.execution_credentials(config),
            "AWS_DEFAULT_REGION": region,
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",  # the emulator has one host name for all services
            "AWS_ENDPOINT_URL": self._endpoint,
            "AWS_REGION": region,
        }


def unpack(archive: bytes, folder: Path) -> Path:
    """Unpack a zip archive, unless it has been unpacked before, and return the folder of its contents."""
    target = folder / hashlib.sha256(archive).hexdigest()[:16]
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        temporary = tempfile.mkdtemp(dir=folder)
        zipfile.ZipFile(BytesIO(archive)).extractall(temporary)
        try:
            Path(temporary).rename(target)
        except OSError:
            shutil.rmtree(temporary)
            if not target.exists():
                raise
            # Another emulator has unpacked it in the meantime.
    os.utime(target)
    hold(target)
    return target


@cache
def hold(folder: Path) -> None:
    """Keep other emulators from pruning a folder as long as this process runs."""
    fcntl.flock(os.open(folder, os.O_RDONLY), fcntl.LOCK_SH)


def in_use(folder: Path) -> bool:
    """Whether an emulator holds a folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def share_archives(records: Iterable[dict[str, Any]]) -> None:
    """Keep one copy in memory of an archive that several functions have: all of the app have the same."""
    archives: dict[bytes, bytes] = {}
    for record in records:
        record["code_zip"] = archives.setdefault(record["code_zip"], record["code_zip"])


def prune(folder: Path) -> None:
    """Remove unpacked archives that no function has used for a week."""
    for unpacked in folder.glob("*"):
        old = time.time() - unpacked.stat().st_mtime > UNPACKED_MAX_AGE
        if unpacked.name != SCRATCH and old and not in_use(unpacked):
            shutil.rmtree(unpacked)


def clear(folder: Path) -> None:
    """Remove the temporary files of killed functions. The folder stays: it may be a mount point."""
    for left in folder.glob("*"):
        shutil.rmtree(left, ignore_errors=True)
