"""Transform jobs: a model's container processes every object of a data source."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from local.sagemaker.compute_host import ComputeHost
from local.sagemaker.errors import JobFailed, unsupported
from local.sagemaker.fleet import STARTUP_SECONDS, STOP_SECONDS
from local.sagemaker.job_run import JobRun, StopReason
from local.sagemaker.jobs import Jobs
from local.sagemaker.logs import LogStream
from local.sagemaker.model_containers import ModelContainer
from local.sagemaker.models import Models
from local.sagemaker.resources import TRANSFORM_JOB, Record
from local.sagemaker.state_store import StateStore
from local.sagemaker.storage import S3Location, S3Object, Storage
from local.sagemaker.training_requests import check_input

LOG_GROUP = "/aws/sagemaker/TransformJobs"
MEGABYTE = 1024 * 1024
MAX_REPORTED_FAILURES = 3
"""Failures listed in the FailureReason of a job. The log has all of them."""
UNSUPPORTED = {
    ("TransformInput", "CompressionType"): "None",
    ("TransformInput", "SplitType"): "None",
    ("TransformOutput", "AssembleWith"): "None",
    ("DataProcessing", "InputFilter"): "$",
    ("DataProcessing", "OutputFilter"): "$",
    ("DataProcessing", "JoinSource"): "None",
}
"""Members of which only the default value is supported."""


class TransformJobs(Jobs):
    """All transform jobs."""

    def __init__(self, store: StateStore, host: ComputeHost, models: Models) -> None:
        super().__init__(store, TRANSFORM_JOB, host)
        self._models = models

    def create(self, request: Mapping[str, Any]) -> Record:
        """CreateTransformJob; raise SageMakerError if it is refused."""
        self._models.collection.get(request["ModelName"])
        check_input(request["TransformInput"]["DataSource"]["S3DataSource"], "TransformInput")
        for (part, member), only in UNSUPPORTED.items():
            value = request.get(part, {}).get(member, only)
            if value != only:
                raise unsupported(f"{part}.{member} {value}")
        if request["TransformResources"].get("InstanceCount", 1) != 1:
            raise unsupported("A transform job on several instances")
        return {"TransformJobArn": self.start(request["TransformJobName"], dict(request))}

    def execute(self, job: Record, run: JobRun) -> None:
        """Transform every object; raise JobFailed at the end if any of them failed."""
        model = self._models.collection.get(job["ModelName"])
        storage = self.host.storage(model["ExecutionRoleArn"])
        stream = f"{job['TransformJobName']}/i-{int(time.time())}"
        log = LogStream(self.host.logs(), LOG_GROUP, stream)
        data_log = LogStream(self.host.logs(), LOG_GROUP, f"{stream}/data-log")
        try:
            source = job["TransformInput"]["DataSource"]["S3DataSource"]
            items = storage.find(source["S3DataType"], source["S3Uri"])
            container = self._container(job, model, log)
            try:
                if not container.wait_until_healthy(STARTUP_SECONDS, lambda: run.stop_reason is None):
                    if run.stop_reason:
                        return
                    raise JobFailed(
                        "AlgorithmError: The model's container did not pass the ping health check. See job "
                        "logs for more information"
                    )
                failures = Transform(job, run, container, storage, data_log).run(items)
            finally:
                if run.stop_reason is StopReason.SHUTDOWN:
                    container.kill()
                else:
                    container.stop(STOP_SECONDS)
            if failures and run.stop_reason is None:
                reported = "; ".join(failures[:MAX_REPORTED_FAILURES])
                raise JobFailed(f"ClientError: {len(failures)} of {len(items)} objects failed: {reported}")
        finally:
            log.close()
            data_log.close()

    def _container(self, job: Record, model: Record, log: LogStream) -> ModelContainer:
        variables = {
            "SAGEMAKER_BATCH": "true",
            "SAGEMAKER_BATCH_STRATEGY": job.get("BatchStrategy", "MultiRecord"),
            "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": str(job.get("MaxConcurrentTransforms", 1)),
            "SAGEMAKER_MAX_PAYLOAD_IN_MB": str(job.get("MaxPayloadInMB", 6)),
            **job.get("Environment", {}),
        }
        definition = self._models.container(model)
        return ModelContainer(self.host, model["ExecutionRoleArn"], definition, log.write, variables)


class Transform:
    """Sends objects to a container and stores its responses."""

    def __init__(
        self, job: Record, run: JobRun, container: ModelContainer, storage: Storage, log: LogStream
    ) -> None:
        self._run = run
        self._container = container
        self._storage = storage
        self._log = log
        self._location = S3Location.parse(job["TransformOutput"]["S3OutputPath"])
        self._key_id = job["TransformOutput"].get("KmsKeyId")
        self._threads = job.get("MaxConcurrentTransforms") or 1
        self._max_bytes = job.get("MaxPayloadInMB", 6) * MEGABYTE or None
        client = job.get("ModelClientConfig", {})
        self._timeout = client.get("InvocationsTimeoutInSeconds", 600)
        self._tries = 1 + client.get("InvocationsMaxRetries", 0)
        self._headers = {
            "Content-Type": job["TransformInput"].get("ContentType", "application/octet-stream"),
            "Accept": job["TransformOutput"].get("Accept", "*/*"),
        }

    def run(self, items: list[S3Object]) -> list[str]:
        """Transform all objects. Return a description of each failure."""
        with ThreadPoolExecutor(self._threads) as threads:
            return [failure for failure in threads.map(self._transform, items) if failure]

    def _transform(self, item: S3Object) -> str | None:
        if self._run.stop_reason:
            return None
        try:
            self._transform_one(item)
        except JobFailed as error:
            failure = f"{item.location}: {error}"
            self._log.write(f"[sagemaker logs]: {failure}")
            return failure
        return None

    def _transform_one(self, item: S3Object) -> None:
        body = self._storage.read(item.location)
        if self._max_bytes and len(body) > self._max_bytes:
            raise JobFailed(f"{len(body)} bytes exceed MaxPayloadInMB")
        for retries_left in reversed(range(self._tries)):
            try:
                answer = self._container.invoke(body, self._headers, self._timeout)
            except OSError as error:
                if retries_left:
                    continue
                raise JobFailed(f"The container gave no answer: {error}") from error
            if answer.ok:
                break
            if retries_left and answer.status >= 500:
                continue
            message = answer.body.decode(errors="replace")[:300]
            raise JobFailed(f"Bad HTTP status returned from Invoke: {answer.status}: {message}")
        self._storage.write(self._location.below(f"{item.path}.out"), answer.body, self._key_id)
