"""A SageMaker endpoint that throttles, hangs, and dies during an update."""

import shutil
import signal
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from botocore.exceptions import ClientError

from tests.soak.images import fresh
from tests.soak.report import Report
from tests.soak.scenarios import reported
from tests.soak.system import System
from tests.stack.client import PATIENCE, TASK
from tests.stack.model_deployer import ENDPOINT, ModelDeployer
from tests.stack.processes import kill
from tests.stack.sagemaker_harness import SageMakerHarness

HANG_SECONDS = 15.0
"""Longer than a Lambda waits for the endpoint."""
KILLS = 6
SERVER = "model_server.py"


def endpoint(system: System, images: int) -> Report:
    """Images while the endpoint that classifies them fails."""
    with reported(system, "endpoint in trouble", images) as report:
        harness = SageMakerHarness(system.client)
        harness.set_up()
        folder = Path(tempfile.mkdtemp())
        deployer = ModelDeployer(harness, folder)
        bundled = deployer.registry.current(TASK)
        assert bundled is not None
        second = _serve(deployer)
        try:
            kill(system.lambdas())  # new processes know the promoted version at once
            system.drop_synthetic(1)
            system.wait_for_events(PATIENCE)  # so that the endpoint has answered before it fails
            system.drop_synthetic(images // 3 - 1)
            hung, throttled = _hang(system, deployer)
            system.drop_synthetic(images // 3)
            killed = _die_during_swap(system, deployer, second)
            system.drop_synthetic(images - images // 3 * 2)
            system.wait_for_events(PATIENCE)
            answers = _answered_by_endpoint(system)
            report.remarks += [
                f"{hung} servers hung for {HANG_SECONDS:.0f} s and throttled {throttled} of 2 requests",
                f"{killed} servers killed during a swap",
                f"{answers} answers of the endpoint",
            ]
            if not (hung and throttled and killed and answers):
                report.problems.append("the endpoint was in no trouble, or gave no answers")
        finally:
            deployer.registry.promote(TASK, bundled.version, None, None)
            kill(system.lambdas())
            harness.served(ENDPOINT)
            harness.remove(ENDPOINT)
            shutil.rmtree(folder)
    return report


def _serve(deployer: ModelDeployer) -> str:
    """Deploy a version on an endpoint, and return the configuration of another version."""
    first, second = (deployer.register(f"soak-{name}", most=1) for name in ("first", "second"))
    deployer.harness.sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName=first)
    assert deployer.harness.served(ENDPOINT)["EndpointStatus"] == "InService"
    deployer.registry.promote(TASK, "soak-first", ENDPOINT, first)
    return second


def _hang(system: System, deployer: ModelDeployer) -> tuple[int, int]:
    """Let the endpoint's server give no answers for a while.

    It takes one request at a time, so of two that come meanwhile at least one is turned away.

    Returns:
        The number of servers, and that of requests that were throttled.
    """
    servers = system.processes(SERVER)
    stopped = kill(servers, signal.SIGSTOP)
    with ThreadPoolExecutor(2) as threads:
        requests = [threads.submit(_is_throttled, deployer) for _ in range(2)]
        time.sleep(HANG_SECONDS)
        kill(servers, signal.SIGCONT)
        return stopped, sum(request.result() for request in requests)


def _is_throttled(deployer: ModelDeployer) -> bool:
    try:
        deployer.harness.runtime.invoke_endpoint(EndpointName=ENDPOINT, ContentType="image/png", Body=fresh())
    except ClientError as error:
        return str(error.response["Error"]["Code"]) == "ThrottlingException"
    return False


def _die_during_swap(system: System, deployer: ModelDeployer, config: str) -> int:
    """Kill the endpoint's old and new servers during an update."""
    deployer.harness.sagemaker.update_endpoint(EndpointName=ENDPOINT, EndpointConfigName=config)
    killed = 0
    for _ in range(KILLS):
        killed += kill(system.processes(SERVER))
        time.sleep(0.5)
    assert deployer.harness.served(ENDPOINT)["EndpointStatus"] == "InService"
    return killed


def _answered_by_endpoint(system: System) -> int:
    system.stage.look()
    models = [item.get("model") or {} for item in system.stage.items.values()]
    return sum(model.get("backend") == "endpoint" for model in models)
