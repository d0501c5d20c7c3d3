"""Lambdas with a full /tmp: they run in a mount namespace with a very small file system there."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.loopback import ask
from local.stack import LocalStack
from tests.soak.report import Report
from tests.soak.scenarios import reported
from tests.soak.system import System
from tests.stack.client import PATIENCE, TASK, wait_for
from tests.stack.model_deployer import ModelDeployer
from tests.stack.sagemaker_harness import SageMakerHarness

SIZE = "64k"
"""Enough to write small files, but not a model."""
IN_NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")
RUN = 'mount -t tmpfs -o size="$1" tmpfs "$2" && exec "$3" -m local.run --directory "$4"'


def full_disk(system: System, images: int) -> Report:
    """Images that arrive while no Lambda has room to unpack the model; later they are classified."""
    with reported(system, "/tmp full", images) as report:
        folder = Path(tempfile.mkdtemp())
        deployer = ModelDeployer(SageMakerHarness(system.client), folder)
        bundled = deployer.registry.current(TASK)
        assert bundled is not None
        deployer.register("soak-unpacked")
        shutil.rmtree(folder)
        # Without an endpoint, each Lambda fetches and unpacks the version's package.
        deployer.registry.promote(TASK, "soak-unpacked", None, None)
        with little_room(system.stack):
            system.drop_synthetic(images)
            system.wait_for_events(PATIENCE)
            system.stage.look()
            classified = {
                item["id"] for item in system.stage.items.values() if item["status"] == "classified"
            }
        report.remarks.append(f"{len(classified & system.arrived.keys())} classified before there was room")
        redriven = system.redriven
        system.rest(PATIENCE)
        if system.redriven == redriven:
            report.problems.append("no Lambda failed, so there was room")
        deployer.registry.promote(TASK, bundled.version, None, None)
    return report


@contextmanager
def little_room(stack: LocalStack) -> Iterator[None]:
    """The same system with hardly any room for temporary files of Lambdas."""
    stack.stop()
    temporary = stack.directory / "state" / "lambda" / "tmp"
    command = [*IN_NAMESPACE, "sh", "-c", RUN, "sh", SIZE, temporary, sys.executable, stack.directory]
    environment = os.environ | {"PORT": str(stack.port), "EMULATOR_PORT": str(stack.emulator_port)}
    with tempfile.TemporaryFile() as output:
        run = subprocess.Popen([str(part) for part in command], env=environment, stdout=output, stderr=output)
        try:
            wait_for(lambda: run.poll() is not None or _answers(stack.port))
            assert run.poll() is None, "the namespace could not be made; it takes Linux with user namespaces"
            yield
        finally:
            run.terminate()
            run.wait(PATIENCE)
            stack.start()


def _answers(port: int) -> bool:
    try:
        return ask(port, "/api/health") == 200
    except OSError:
        return False
