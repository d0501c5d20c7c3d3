"""A stage in which retrainings are planned."""

from collections.abc import Mapping
from typing import Any

import boto3

from chalicelib.errors import AlreadyRetraining
from chalicelib.models.registry import Registry
from chalicelib.results import result_document
from chalicelib.results.reading import Review
from chalicelib.results.table import ResultsTable
from chalicelib.retraining.planning.builder import PlanBuilder
from chalicelib.retraining.planning.planner import Planner
from chalicelib.retraining.repository import RetrainingRepository
from chalicelib.storage.bucket import DataBucket
from chalicelib.tasks import EndpointSpec, ServingKind, Task
from tests.models import TASK
from tests.stage import BUCKET, RETRAININGS_TABLE, TABLE

EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:negatoscope-test-retrain:run-1"
CODE = (f"s3://{BUCKET}/code/0123", "0123456", "ml.c7i.2xlarge", "arn:aws:kms:key")
"""URI and commit, and what the code runs on."""
FOLDER = f"s3://{BUCKET}/retrainings/{TASK}/run-1/"


class Stage:
    """A stage with images to learn from."""

    def __init__(self) -> None:
        self.bucket = DataBucket(boto3.client("s3"), BUCKET)
        self.repository = RetrainingRepository(boto3.resource("dynamodb"), RETRAININGS_TABLE)
        self.table = ResultsTable(boto3.resource("dynamodb"), TABLE)
        self.registry = Registry(self.bucket)
        self.stopped: str | None = None
        for name in ("left-cc/a.png", "left-cc/b c+ü.JPG", "right-cc/c.dcm", "manifest.csv", ".DS_Store"):
            self.bucket.write(f"datasets/{TASK}/{name}", b"x", "image/png")

    def lock(self, task: Task, execution: str) -> str | None:
        """A lock whose holder is running, unless it is `self.stopped`."""
        holder = self.repository.lock(task.name, execution)
        if holder and holder != self.stopped:
            raise AlreadyRetraining(f"{task.title} is being retrained.")
        return holder

    def listed(self) -> list[tuple[str, str, str | None]]:
        """Name, status and outcome of the listed retrainings."""
        records, _ = self.repository.page(10, None)
        return [(record["name"], record["status"], record["outcome"]) for record in records]

    def plan(
        self,
        request: Any = None,
        execution: str = EXECUTION,
        endpoints: Mapping[str, EndpointSpec] | None = None,
        serving: Mapping[str, ServingKind] | None = None,
    ) -> dict[str, Any]:
        builder = PlanBuilder("test", self.bucket, self.table, self.registry, serving or {})
        planner = Planner(builder, self.bucket, self.repository, endpoints or {}, self.lock)
        request = {"task": TASK} if request is None else request
        return {**planner.plan(request, execution, *CODE)}

    def review(self, number: int, label: str) -> None:
        image_id = f"{number:032x}"
        result = result_document.received(image_id, TASK, "api") | {
            "status": result_document.CLASSIFIED,
            "label": "left-cc",
        }
        review: Review = {"label": label, "comment": None, "reviewed_at": "2026", "reviewer": "me"}
        self.table.finish(result | {"review": review})
