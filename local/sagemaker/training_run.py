"""The run of a training job: download the data, run the program, upload the results."""

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.sagemaker import hosts, script_mode
from local.sagemaker.checkpoints import Checkpoints
from local.sagemaker.compute_host import ComputeHost
from local.sagemaker.container_group import ContainerGroup
from local.sagemaker.containers import Container
from local.sagemaker.errors import JobFailed
from local.sagemaker.job_folder import JobFolder
from local.sagemaker.job_run import JobRun, StopReason
from local.sagemaker.logs import LogStream
from local.sagemaker.metrics import Metrics
from local.sagemaker.resources import Record
from local.sagemaker.storage import S3Location, unpack
from local.sagemaker.training_status import TrainingStatus

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
LAST_LINES = 20


@dataclass
class _Host:
    """One host of a job."""

    name: str
    folder: JobFolder
    log: LogStream
    checkpoints: Checkpoints
    lines: list[str] = field(default_factory=list)
    """The last ones of its output."""


class TrainingRun:
    """The run of one training job."""

    def __init__(self, job: Record, host: ComputeHost, run: JobRun, status: TrainingStatus) -> None:
        self._job = job
        self._host = host
        self._run = run
        self._status = status
        name = job["TrainingJobName"]
        self._storage = host.storage(job["RoleArn"])
        self._metrics = Metrics(job["AlgorithmSpecification"].get("MetricDefinitions", ()))
        kept = job.get("CheckpointConfig", {}).get("S3Uri")
        self._hosts = [
            _Host(
                one,
                JobFolder(host.scratch / "training" / name / one),
                LogStream(host.logs(), LOG_GROUP, f"{name}/{one}-{int(time.time())}"),
                # As in SageMaker, all hosts save and restore the same checkpoints.
                Checkpoints(self._storage, S3Location.parse(kept) if kept else None),
            )
            for one in script_mode.job_hosts(job)
        ]
        self._failed = self._hosts[0]
        """The host that failed first."""

    def execute(self) -> None:
        """Run the job, and again from its checkpoints after each spot interruption.

        If it is stopped early, `run` holds the reason.

        Raises:
            JobFailed: if the job fails.
        """
        condition = self._job["StoppingCondition"]
        remaining = float(condition["MaxRuntimeInSeconds"])
        deadlines: dict[StopReason, float] = {}
        if "MaxWaitTimeInSeconds" in condition:
            deadlines[StopReason.MAX_WAIT_TIME] = time.monotonic() + condition["MaxWaitTimeInSeconds"]
        first_started = time.time()
        while True:
            self._prepare()
            if self._run.stop_reason:
                return
            self._enter("Training", TrainingStartTime=first_started)
            started = time.monotonic()
            status = self._train({**deadlines, StopReason.MAX_RUNTIME: started + remaining})
            remaining -= time.monotonic() - started
            if self._run.stop_reason is StopReason.SHUTDOWN:
                return
            for host in self._hosts:
                host.checkpoints.sync(host.folder.root / "checkpoints")
            if self._run.stop_reason is not StopReason.SPOT_INTERRUPTION:
                break
            self._enter("Interrupted")
            self._run.resume()
            self._enter("Restarting")
        if status and self._run.stop_reason is None:
            raise JobFailed(self._failure(status))
        self._save()

    def close(self) -> None:
        """Close the logs and remove the folders."""
        for host in self._hosts:
            host.log.close()
        shutil.rmtree(self._hosts[0].folder.root.parent, ignore_errors=True)

    def _enter(self, status: str, **changes: object) -> None:
        """Enter a secondary status, unless the job is being stopped: then it stays at Stopping."""
        if self._run.stop_reason in (None, StopReason.SPOT_INTERRUPTION):
            self._status.enter(status, **changes)

    def _prepare(self) -> None:
        """Download code, data and checkpoints into new folders."""
        self._enter("Downloading")
        for number, host in enumerate(self._hosts):
            host.folder = folder = JobFolder(host.folder.root)
            archive = folder.root / "sourcedir.tar.gz"
            self._storage.download_file(str(self._parameter(script_mode.SUBMIT_DIRECTORY)), archive)
            unpack(archive, folder.root / "code")
            program = folder.root / "code" / str(self._parameter(script_mode.PROGRAM))
            if not program.is_file():
                raise JobFailed(f"AlgorithmError: {archive.name} does not contain {program.name}")
            program.chmod(0o755)  # as the training toolkit does
            self._download_channels(folder, number)
            host.checkpoints.restore(folder.root / "checkpoints")
            script_mode.write_configuration(folder, self._job, host.name)

    def _download_channels(self, folder: JobFolder, number: int) -> None:
        """Download the data of the host with this number."""
        for channel in self._job.get("InputDataConfig", ()):
            source = channel["DataSource"]["S3DataSource"]
            items = self._storage.find(source["S3DataType"], source["S3Uri"])
            own = hosts.shard(items, source, number, len(self._hosts))
            self._storage.download(own, folder.root / "input" / "data" / channel["ChannelName"])

    def _train(self, deadlines: dict[StopReason, float]) -> int:
        """Run the program on all hosts and return its exit status."""
        containers = ContainerGroup([self._start(host) for host in self._hosts])
        status = self._run.execute(containers, deadlines, self._meanwhile)
        self._record_metrics()
        self._failed = self._hosts[containers.failed or 0]
        return status

    def _start(self, host: "_Host") -> Container:
        variables = script_mode.variables(host.folder, self._job, host.name)

        def read(line: str) -> None:
            host.log.write(line)
            host.lines = [*host.lines[1 - LAST_LINES :], line]
            self._metrics.read(line)

        return Container(
            self._command(host.folder),
            host.folder.root / "code",
            {**self._host.environment(self._job["RoleArn"]), **variables},
            read,
        )

    def _command(self, folder: JobFolder) -> list[str]:
        parameters = script_mode.user_parameters(self._job["HyperParameters"])
        words = [folder.outside(word) for word in script_mode.arguments(parameters)]
        return script_mode.command(self._host.python, str(self._parameter(script_mode.PROGRAM)), words)

    def _parameter(self, name: str) -> object:
        return script_mode.decode(self._job["HyperParameters"][name])

    def _meanwhile(self) -> None:
        self._record_metrics()
        for host in self._hosts:
            host.checkpoints.sync_periodically(host.folder.root / "checkpoints")

    def _record_metrics(self) -> None:
        metrics = self._metrics.take_new()
        if metrics:
            self._status.change(FinalMetricDataList=metrics)

    def _save(self) -> None:
        """Upload the model and the output data, as SageMaker does for stopped jobs too."""
        self._enter("Uploading")
        key_id = self._job["OutputDataConfig"].get("KmsKeyId")
        model, data = self._hosts[0].folder.root / "model", self._hosts[0].folder.root / "output" / "data"
        # SageMaker puts what all hosts have written into one archive.
        for host in self._hosts[1:]:
            shutil.copytree(host.folder.root / "model", model, dirs_exist_ok=True)
            shutil.copytree(host.folder.root / "output" / "data", data, dirs_exist_ok=True)
        artifacts = S3Location.parse(self._job["ModelArtifacts"]["S3ModelArtifacts"])
        self._storage.upload_archive(model, artifacts, key_id)
        if any(data.iterdir()):
            self._storage.upload_archive(data, output_location(self._job).below("output.tar.gz"), key_id)

    def _failure(self, status: int) -> str:
        """The FailureReason: the contents of output/failure, else the last lines of output."""
        reason = self._failed.folder.output("failure")
        if reason:
            return f"AlgorithmError: {reason}, exit code: {status}"
        lines = self._failed.lines
        starts = [n for n, line in enumerate(lines) if line.startswith("Traceback (most recent call")]
        error = "\n".join(lines[starts[-1] :] if starts else lines)
        command = " ".join(self._command(self._hosts[0].folder)[1:])
        end = f'"\nCommand "{command[:200]}", exit code: {status}'
        start = f'AlgorithmError: ExecuteUserScriptError:\nExitCode {status}\nErrorMessage "'
        return start + error[-(1024 - len(start) - len(end)) :] + end


def output_location(job: Mapping[str, Any]) -> S3Location:
    """The S3 prefix of a training job's results."""
    location = S3Location.parse(job["OutputDataConfig"]["S3OutputPath"])
    return location.below(job["TrainingJobName"]).below("output")
