"""The run of a training job: download the data, run the program, upload the results."""

import time
from collections.abc import Mapping
from typing import Any

from local.sagemaker import script_mode
from local.sagemaker.checkpoints import Checkpoints
from local.sagemaker.compute_host import ComputeHost
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


class TrainingRun:
    """The run of one training job."""

    def __init__(self, job: Record, host: ComputeHost, run: JobRun, status: TrainingStatus) -> None:
        self._job = job
        self._host = host
        self._run = run
        self._status = status
        name = job["TrainingJobName"]
        self._storage = host.storage(job["RoleArn"])
        self._folder = JobFolder(host.scratch / "training" / name)
        stream = f"{name}/{script_mode.HOST}-{int(time.time())}"
        self._log = LogStream(host.logs(), LOG_GROUP, stream)
        self._metrics = Metrics(job["AlgorithmSpecification"].get("MetricDefinitions", ()))
        self._lines: list[str] = []
        kept = job.get("CheckpointConfig", {}).get("S3Uri")
        self._checkpoints = Checkpoints(self._storage, S3Location.parse(kept) if kept else None)

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
            self._checkpoints.sync(self._folder.root / "checkpoints")
            if self._run.stop_reason is not StopReason.SPOT_INTERRUPTION:
                break
            self._enter("Interrupted")
            self._run.resume()
            self._enter("Restarting")
        if status and self._run.stop_reason is None:
            raise JobFailed(self._failure(status))
        self._save()

    def close(self) -> None:
        """Close the log and remove the folder."""
        self._log.close()
        self._folder.remove()

    def _enter(self, status: str, **changes: object) -> None:
        """Enter a secondary status, unless the job is being stopped: then it stays at Stopping."""
        if self._run.stop_reason in (None, StopReason.SPOT_INTERRUPTION):
            self._status.enter(status, **changes)

    def _prepare(self) -> None:
        """Download code, data and checkpoints into a new folder."""
        self._enter("Downloading")
        self._folder = folder = JobFolder(self._folder.root)
        archive = folder.root / "sourcedir.tar.gz"
        self._storage.download_file(str(self._parameter(script_mode.SUBMIT_DIRECTORY)), archive)
        unpack(archive, folder.root / "code")
        program = folder.root / "code" / str(self._parameter(script_mode.PROGRAM))
        if not program.is_file():
            raise JobFailed(f"AlgorithmError: {archive.name} does not contain {program.name}")
        program.chmod(0o755)  # as the training toolkit does
        for channel in self._job.get("InputDataConfig", ()):
            source = channel["DataSource"]["S3DataSource"]
            items = self._storage.find(source["S3DataType"], source["S3Uri"])
            self._storage.download(items, folder.root / "input" / "data" / channel["ChannelName"])
        self._checkpoints.restore(folder.root / "checkpoints")
        script_mode.write_configuration(folder, self._job)

    def _train(self, deadlines: dict[StopReason, float]) -> int:
        """Run the program and return its exit status."""
        container = Container(
            self._command(),
            self._folder.root / "code",
            {
                **self._host.environment(self._job["RoleArn"]),
                **script_mode.variables(self._folder, self._job),
            },
            self._read,
        )
        status = self._run.execute(container, deadlines, self._meanwhile)
        self._record_metrics()
        return status

    def _command(self) -> list[str]:
        parameters = script_mode.user_parameters(self._job["HyperParameters"])
        words = [self._folder.outside(word) for word in script_mode.arguments(parameters)]
        return script_mode.command(self._host.python, str(self._parameter(script_mode.PROGRAM)), words)

    def _parameter(self, name: str) -> object:
        return script_mode.decode(self._job["HyperParameters"][name])

    def _read(self, line: str) -> None:
        self._log.write(line)
        self._lines = [*self._lines[1 - LAST_LINES :], line]
        self._metrics.read(line)

    def _meanwhile(self) -> None:
        self._record_metrics()
        self._checkpoints.sync_periodically(self._folder.root / "checkpoints")

    def _record_metrics(self) -> None:
        metrics = self._metrics.take_new()
        if metrics:
            self._status.change(FinalMetricDataList=metrics)

    def _save(self) -> None:
        """Upload the model and the output data, as SageMaker does for stopped jobs too."""
        self._enter("Uploading")
        key_id = self._job["OutputDataConfig"].get("KmsKeyId")
        model, data = self._folder.root / "model", self._folder.root / "output" / "data"
        artifacts = S3Location.parse(self._job["ModelArtifacts"]["S3ModelArtifacts"])
        self._storage.upload_archive(model, artifacts, key_id)
        if any(data.iterdir()):
            self._storage.upload_archive(data, output_location(self._job).below("output.tar.gz"), key_id)

    def _failure(self, status: int) -> str:
        """The FailureReason: the contents of output/failure, else the last lines of output."""
        reason = self._folder.output("failure")
        if reason:
            return f"AlgorithmError: {reason}, exit code: {status}"
        starts = [n for n, line in enumerate(self._lines) if line.startswith("Traceback (most recent call")]
        error = "\n".join(self._lines[starts[-1] :] if starts else self._lines)
        command = " ".join(self._command()[1:])
        end = f'"\nCommand "{command[:200]}", exit code: {status}'
        start = f'AlgorithmError: ExecuteUserScriptError:\nExitCode {status}\nErrorMessage "'
        return start + error[-(1024 - len(start) - len(end)) :] + end


def output_location(job: Mapping[str, Any]) -> S3Location:
    """The S3 prefix of a training job's results."""
    location = S3Location.parse(job["OutputDataConfig"]["S3OutputPath"])
    return location.below(job["TrainingJobName"]).below("output")
