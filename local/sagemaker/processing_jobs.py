"""Processing jobs: a command that reads inputs from S3 and writes outputs to S3."""

import shutil
import time
from collections.abc import Mapping
from typing import Any

from local.sagemaker import hosts
from local.sagemaker.compute_host import ComputeHost
from local.sagemaker.container_group import ContainerGroup
from local.sagemaker.containers import Container
from local.sagemaker.errors import JobFailed, invalid, unsupported
from local.sagemaker.hosts import MAX_HOSTS
from local.sagemaker.job_folder import INSIDE, JobFolder
from local.sagemaker.job_run import JobRun, StopReason
from local.sagemaker.jobs import Jobs
from local.sagemaker.logs import LogStream
from local.sagemaker.resources import PROCESSING_JOB, Record
from local.sagemaker.roles import check_role
from local.sagemaker.state_store import StateStore
from local.sagemaker.storage import S3Location, Storage
from local.sagemaker.training_requests import DAY, check_input

LOG_GROUP = "/aws/sagemaker/ProcessingJobs"
PYTHONS = ("python", "python3")


class ProcessingJobs(Jobs):
    """All processing jobs."""

    def __init__(self, store: StateStore, host: ComputeHost) -> None:
        super().__init__(store, PROCESSING_JOB, host)

    def create(self, request: Mapping[str, Any]) -> Record:
        """CreateProcessingJob; raise SageMakerError if it is refused."""
        check(request)
        record = {"StoppingCondition": {"MaxRuntimeInSeconds": DAY}, **request}
        return {"ProcessingJobArn": self.start(request["ProcessingJobName"], record)}

    def execute(self, job: Record, run: JobRun) -> None:
        """Run the command of a job; raise JobFailed if it fails."""
        name = job["ProcessingJobName"]
        storage = self.host.storage(job["RoleArn"])
        names = hosts.names(name, job["ProcessingResources"]["ClusterConfig"]["InstanceCount"])
        root = self.host.scratch / "processing" / name
        folders = [JobFolder(root / host) for host in names]
        logs = [LogStream(self.host.logs(), LOG_GROUP, f"{name}/{host}-{int(time.time())}") for host in names]
        try:
            for number, folder in enumerate(folders):
                prepare(job, folder, storage, names, number)
            if run.stop_reason:
                return
            containers = ContainerGroup([
                Container(self._command(job, folder), folder.root, self._variables(job, folder), log.write)
                for folder, log in zip(folders, logs, strict=True)
            ])  # fmt: skip
            deadline = time.monotonic() + job["StoppingCondition"]["MaxRuntimeInSeconds"]
            status = run.execute(containers, {StopReason.MAX_RUNTIME: deadline})
            if run.stop_reason is StopReason.SHUTDOWN:
                return
            message = folders[containers.failed or 0].output("message")[:1024]
            if message:
                self.collection.change(name, ExitMessage=message)
            for output in outputs(job):
                key_id = job["ProcessingOutputConfig"].get("KmsKeyId")
                location = S3Location.parse(output["S3Uri"])
                for folder in folders:
                    storage.upload_folder(folder.path(output["LocalPath"]), location, key_id)
            if status and run.stop_reason is None:
                raise JobFailed(f"AlgorithmError: {message}, exit code: {status}")
        finally:
            for log in logs:
                log.close()
            shutil.rmtree(root, ignore_errors=True)

    def _command(self, job: Record, folder: JobFolder) -> list[str]:
        specification = job["AppSpecification"]
        words = [*specification["ContainerEntrypoint"], *specification.get("ContainerArguments", ())]
        first, *others = [folder.outside(word) for word in words]
        return [*([str(self.host.python), "-u"] if first in PYTHONS else [first]), *others]

    def _variables(self, job: Record, folder: JobFolder) -> dict[str, str]:
        own = {name: folder.outside(value) for name, value in job.get("Environment", {}).items()}
        return {
            **self.host.environment(job["RoleArn"]),
            "PROCESSING_JOB_ARN": job["ProcessingJobArn"],
            "PROCESSING_JOB_NAME": job["ProcessingJobName"],
            **own,
        }


def prepare(job: Record, folder: JobFolder, storage: Storage, names: list[str], number: int) -> None:
    """Download the inputs of the host with this number, and create the output folders.

    Raises:
        JobFailed: if an input is missing.
    """
    for entry in job.get("ProcessingInputs", ()):
        source = entry["S3Input"]
        items = storage.find(source["S3DataType"], source["S3Uri"])
        own = hosts.shard(items, source, number, len(names))
        storage.download(own, folder.path(source["LocalPath"]))
    for output in outputs(job):
        folder.path(output["LocalPath"]).mkdir(parents=True, exist_ok=True)
    # Unlike those of a training, they are not below "input".
    for file, content in (
        ("processingjobconfig", job),
        ("resourceconfig", hosts.description(names[number], names)),
    ):
        folder.write_config(file, content, "config")


def outputs(job: Mapping[str, Any]) -> list[Record]:
    """The local paths and S3 locations of a job's outputs."""
    entries = job.get("ProcessingOutputConfig", {}).get("Outputs", ())
    return [entry["S3Output"] for entry in entries]


def check(request: Mapping[str, Any]) -> None:
    """Raise SageMakerError if the request is invalid or not supported here."""
    check_role(request["RoleArn"])
    if "ContainerEntrypoint" not in request["AppSpecification"]:
        raise unsupported(
            "A processing job without ContainerEntrypoint, which would run code from its image,"
        )
    if not 1 <= request["ProcessingResources"]["ClusterConfig"].get("InstanceCount", 0) <= MAX_HOSTS:
        raise unsupported(f"A processing job without 1 to {MAX_HOSTS} instances")
    inputs = request.get("ProcessingInputs", ())
    for entry in inputs:
        if "S3Input" not in entry:
            raise unsupported(f"ProcessingInput {entry['InputName']} without S3Input")
        _check_input(entry["InputName"], entry["S3Input"])
    for entry in request.get("ProcessingOutputConfig", {}).get("Outputs", ()):
        if "S3Output" not in entry:
            raise unsupported(f"ProcessingOutput {entry['OutputName']} without S3Output")
        _check_path(entry["S3Output"]["LocalPath"])
    names = [entry["InputName"] for entry in inputs]
    if len(set(names)) < len(names):
        raise invalid("Processing inputs must have unique names.")


def _check_input(name: str, source: Mapping[str, Any]) -> None:
    check_input(source, f"input {name}")
    if source.get("S3InputMode", "File") != "File" or source.get("S3CompressionType", "None") != "None":
        raise unsupported(f"S3InputMode or S3CompressionType of input {name}")
    _check_path(source.get("LocalPath", ""))


def _check_path(path: str) -> None:
    if not path.startswith(f"{INSIDE}/processing") or ".." in path:
        raise invalid(f"LocalPath must be a path under {INSIDE}/processing; it is '{path}'.")
