"""SageMaker's jobs and endpoints after a restart of the emulator."""

import os
import signal
from collections.abc import Callable

import pytest

from local.loopback import ask
from local.stack import LocalStack
from tests.stack.client import wait_for
from tests.stack.processes import alive, descendants
from tests.stack.sagemaker_harness import SageMakerHarness, pause
from tests.stack.test_transform_jobs import transform
from tests.stack.test_tuning_jobs import tuning

WAIT = (
    "import subprocess, time\nsubprocess.Popen(['sleep', '600'])\nprint('here', flush=True)\ntime.sleep(600)"
)


def stop(stack: LocalStack) -> None:
    stack.stop()


def kill(stack: LocalStack) -> None:
    """Kill the emulator as the out-of-memory killer does. Unsaved state of other services is lost."""
    os.kill(stack.processes["AWS emulator"], signal.SIGKILL)
    stack.stop()


@pytest.mark.parametrize("end", [stop, kill])
def test_restart_restores_endpoints_and_fails_running_jobs(
    stack: LocalStack, harness: SageMakerHarness, end: Callable[[LocalStack], None]
) -> None:
    config = harness.config(harness.model("kept"))
    endpoint = harness.endpoint(config)
    harness.sagemaker.add_tags(
        ResourceArn=harness.sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointArn"],
        Tags=[{"Key": "task", "Value": "chest-xray"}],
    )
    training = harness.train(WAIT)
    wait_for(lambda: harness.log("/aws/sagemaker/TrainingJobs", training))
    search = tuning(harness, WAIT)
    harness.sagemaker.create_hyper_parameter_tuning_job(**search)
    batch = transform(
        harness, harness.model("slow", "import time\ntime.sleep(600)"), harness.put("data/one", "one")
    )
    harness.sagemaker.create_transform_job(**batch)
    assert warmed_up(stack)
    pause()
    started = descendants(stack.processes["AWS emulator"])

    end(stack)
    wait_for(lambda: not alive(started))
    stack.start()

    assert len(started) >= 8
    described = harness.served(endpoint)
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", config)
    assert harness.ask(endpoint, "hello").startswith("kept|")
    assert harness.sagemaker.list_tags(ResourceArn=described["EndpointArn"])["Tags"]
    job = harness.trained(training)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Failed", "Failed")
    reason = "InternalServerError: The emulator ended while the job was running."
    assert job["FailureReason"] == reason
    job = harness.sagemaker.describe_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=search["HyperParameterTuningJobName"]
    )
    assert (job["HyperParameterTuningJobStatus"], job["FailureReason"]) == ("Failed", reason)
    job = harness.sagemaker.describe_transform_job(TransformJobName=batch["TransformJobName"])
    assert (job["TransformJobStatus"], job["FailureReason"]) == ("Failed", reason)
    harness.remove(endpoint)


def warmed_up(stack: LocalStack) -> bool:
    """Let the emulator save everything, as at the start of `make run`."""
    return ask(stack.emulator_port, "/_local/warm-up", method="POST") == 204


def test_finished_jobs_leave_no_files(stack: LocalStack, harness: SageMakerHarness) -> None:
    harness.trained(harness.train("print('fine')"))

    scratch = stack.directory / "state" / "sagemaker" / "scratch" / "training"
    wait_for(lambda: not any(scratch.iterdir()))
