"""The steps of a batch, which the state machine runs in a Lambda."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.batches.batch import Batch
from chalicelib.batches.part import PartRun
from chalicelib.batches.recording import RecordingRun
from chalicelib.batches.report import ReportWriter
from chalicelib.batches.transform import TransformPlanner
from chalicelib.errors import InvalidRequest, UnknownTask
from chalicelib.limits import PATH_PARAMETER
from chalicelib.pipeline.pipeline import Pipeline


@dataclass(frozen=True)
class BatchSteps:
    """Runs the steps `classify` and `record`, of one part, `plan` and `report`."""

    pipeline: Pipeline
    stage: str

    def run(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Run a step.

        Args:
            event: `step` and `batch`; for `classify` and `record` `items`, for `plan` the name of the
                `execution`, for `report` `manifest`.

        Raises:
            InvalidRequest, UnknownTask: if the execution was started with an input that makes no sense.
        """
        batch: Batch = event["batch"]
        if not re.fullmatch(PATH_PARAMETER, batch["name"]):
            raise InvalidRequest("'name' may hold letters, digits, '.', '-' and '_' only.")
        task = self.pipeline.tasks.get(batch["task"])
        if task is None:
            raise UnknownTask(f"There is no such task. The tasks are {', '.join(self.pipeline.tasks)}.")
        match event["step"]:
            case "plan":
                return {**TransformPlanner(self.pipeline, self.stage).plan(batch, task, event["execution"])}
            case "record":
                recording = RecordingRun(self.pipeline, batch, task, batch["plan"]["sha256"])
                return {**recording.run(event["items"])}
            case "report":
                return {**ReportWriter(self.pipeline.bucket).write(batch, event["manifest"])}
        return {**PartRun(self.pipeline, batch, task).run(event["items"])}
