"""The transform job of a pass: which model it runs, and under which name."""

import hashlib
from dataclasses import dataclass

from chalicelib import resource_names
from chalicelib.batches.batch import Batch, TransformPlan
from chalicelib.batches.transform_folder import TransformFolder
from chalicelib.errors import EndpointMissing
from chalicelib.pipeline.pipeline import Pipeline
from chalicelib.tasks import Task


@dataclass(frozen=True)
class TransformPlanner:
    """Plans the transform job of a pass, when its images are prepared."""

    pipeline: Pipeline
    stage: str

    def plan(self, batch: Batch, task: Task, execution: str) -> TransformPlan:
        """The job of an execution; the same each time.

        Raises:
            EndpointMissing: if the task has no endpoint any more.
        """
        if TransformFolder(self.pipeline.bucket, batch["name"]).is_empty():
            return {"images": False}
        deployment = self.pipeline.classifier.served(task)
        if deployment is None or deployment.config is None:
            raise EndpointMissing(
                f"{task.title} has no endpoint any more, whose model a transform job could run. Resume the "
                "batch: then Lambdas classify."
            )
        # Names of executions are longer, and have characters that names of jobs may not have.
        digest = hashlib.sha256(execution.encode()).hexdigest()[:16]
        return {
            "images": True,
            "model": deployment.config,
            "sha256": deployment.sha256,
            "job": resource_names.batch_job(self.stage, digest),
        }
