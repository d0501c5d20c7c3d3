"""Builds the plan of a retraining: everything that can be known before it starts.

All later states of the state machine read it, so it names every job, place and argument. Jobs, models and
endpoint configurations of one retraining share one name.
"""

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib import resource_names
from chalicelib.errors import InvalidRequest, UnknownModel
from chalicelib.models.archive import ARCHIVE
from chalicelib.models.package import describe_misfit
from chalicelib.models.registry import Registry
from chalicelib.models.version_store import MODELS
from chalicelib.results.selection import Selection
from chalicelib.results.table import ResultsTable
from chalicelib.retraining import ground_truth
from chalicelib.retraining.locations import DATASETS, LABELLED, RETRAININGS, SPLIT, retraining_folder
from chalicelib.retraining.planning.plan import CurrentModel, Plan, ProcessingInstance
from chalicelib.retraining.planning.serving import plan_serving
from chalicelib.retraining.planning.training import Code, Instance, plan_training
from chalicelib.retraining.request import RetrainingRequest
from chalicelib.storage.bucket import DataBucket
from chalicelib.tasks import ServingKind, Task

HIDDEN = re.compile(r"(^|/)(\.|__)|/$")
LISTS = (".csv", ".manifest", ".jsonl", ".txt", ".md")
"""Files about images, which are no images themselves."""

PROCESSING = "/opt/ml/processing"
SMALL, LARGE = "ml.m7i.large", "ml.m7i.2xlarge"
MANY_IMAGES, MANY_GB = 100_000, 15
"""From here on, preparation and evaluation get the larger instance. Their time grows with the number of
images and the size of their arrays (100,000 of 224 x 224 pixels in colour have 15 GB), their memory does not:
arrays are kept on disk."""
MIN_VOLUME_GB, MAX_VOLUME_GB = 30, 1024
"""The latter is the quota that an account has by default."""
KEPT, KEPT_OF_STREAM = 1.5, 0.5
"""Arrays on the disk for each image: its own, unless images are streamed, and again those of the test part,
which is a fifth of them unless the data come with a larger one."""
THUMBNAIL_BYTES = 4096
"""In the search for near duplicates."""


@dataclass(frozen=True)
class PlanBuilder:
    """Makes plans."""

    stage: str
    bucket: DataBucket
    table: ResultsTable
    registry: Registry
    serving: Mapping[str, ServingKind]
    """By task, how this stage serves if not as the task's file says."""

    def build(self, request: RetrainingRequest, execution: str, code: Code, instance: Instance) -> Plan:
        """The plan of an execution (ARN).

        Raises:
            InvalidRequest: if there are no images to learn from.
        """
        task, run = request.task, execution.rpartition(":")[2]
        counts = {place: self._count_images(place, task) for place in (DATASETS, LABELLED)}
        images = self._check_images(task, sum(counts.values()))
        corrections = self._write_corrections(task, run)
        folder = f"s3://{self.bucket.name}/{retraining_folder(task.name, run)}"
        # The same for every attempt of one execution, so that a step that is repeated creates no second job.
        suffix = hashlib.sha256(execution.encode()).hexdigest()[:8]
        name = resource_names.retraining_job(self.stage, task.name, suffix)
        return {
            "run": run,
            "execution": execution,
            "task": task.name,
            "title": task.title,
            "plain": request.is_plain,
            "approval": request.approval,
            "name": name,
            "tuning_name": resource_names.tuning_job(self.stage, suffix),
            "trials": request.trials,
            "folder": folder,
            "data": {"images": images, "corrections": corrections},
            "preparing": {
                "arguments": self._preparation(request, folder, counts, corrections),
                "instance_count": request.preparation_instance_count,
            },
            "processing": plan_processing(task, images + corrections, request.stream),
            "training": plan_training(
                request, code, instance, self.bucket.name, folder, self._has_ood_data(task)
            ),
            "current": self._current(task, folder),
            "serving": plan_serving(self.stage, task, self.serving.get(task.name, task.serving.kind), name),
        }

    def _count_images(self, place: str, task: Task) -> int:
        return sum(is_labelled_image(key) for key in self.bucket.keys(f"{place}{task.name}/"))

    def _check_images(self, task: Task, images: int) -> int:
        if not images:
            raise InvalidRequest(
                f"There are no labelled images of {task.name}. Put them into "
                f"s3://{self.bucket.name}/{DATASETS}{task.name}/CLASS/ first, or upload them on the page."
            )
        return images

    def _write_corrections(self, task: Task, run: str) -> int:
        """Write the reviewed labels to a manifest; return their number."""
        results = self.table.every(Selection(task=task.name))
        lines = list(ground_truth.manifest(task, results, self.bucket.name))
        if lines:
            key = f"{retraining_folder(task.name, run)}corrections.manifest"
            self.bucket.write(key, "".join(lines).encode(), "application/jsonl")
        return len(lines)

    def _preparation(
        self, request: RetrainingRequest, folder: str, counts: Mapping[str, int], corrections: int
    ) -> list[str]:
        """The arguments of the job that prepares the data; `counts` are the numbers of images by place."""
        task = request.task
        places = [place for place, images in counts.items() if images]
        arguments = [
            *("training.prepare", "--task", task.name, "--arrays"),
            *("--data", *(f"s3://{self.bucket.name}/{place}{task.name}" for place in places)),
            *("--output", f"{PROCESSING}/output"),
        ]
        if request.stream:
            arguments.append("--stream")
        if corrections:
            arguments += ["--labels", f"{folder}corrections.manifest"]
        earlier = f"{RETRAININGS}{task.name}/{SPLIT}"
        # Reading a missing object would answer "access denied", because this role may list only part of the
        # bucket.
        if self.bucket.exists(earlier):
            arguments += ["--earlier", f"s3://{self.bucket.name}/{earlier}"]
        return arguments

    def _has_ood_data(self, task: Task) -> bool:
        """Whether there are images of other tasks."""
        return any(other != task.name for other in self.bucket.folders(DATASETS))

    def _current(self, task: Task, folder: str) -> CurrentModel:
        """The package that the candidate is compared with, and where the evaluation job finds it."""
        current = self.registry.current(task.name)
        # Job inputs must exist, so another object stands in; the empty path marks it.
        nothing: CurrentModel = {
            "deployed": current.version if current else None,
            "version": None,
            "origin": "",
            "uri": f"{folder}plan.json",
            "path": "",
            "fingerprint": None,
        }
        if current is None:
            return nothing
        # In these cases nothing can be compared with it; the gate's minimum metrics remain.
        try:
            record = self.registry.record(task.name, current.version)
            facts = self.registry.facts(task.name, current.version)
        except UnknownModel:
            return nothing  # it was deleted
        if describe_misfit(facts, task):
            return nothing  # the task has other classes or another input now, so it cannot classify
        return {
            "deployed": current.version,
            "version": current.version,
            "origin": record.get("origin", ""),
            "uri": f"s3://{self.bucket.name}/{MODELS}{task.name}/{current.version}/{ARCHIVE}",
            "path": f"{PROCESSING}/current/{ARCHIVE}",
            "fingerprint": record["fingerprint"],
        }


def plan_processing(task: Task, images: int, stream: bool) -> ProcessingInstance:
    """Plan what prepares a number of images, and evaluates the model."""
    array = math.prod(task.input.shape)
    kept = array * (KEPT_OF_STREAM if stream else KEPT) + THUMBNAIL_BYTES
    return {
        "instance_type": LARGE if images >= MANY_IMAGES or images * array >= MANY_GB * 1e9 else SMALL,
        "volume_gb": min(MIN_VOLUME_GB + math.ceil(images * kept / 1e9), MAX_VOLUME_GB),
    }


def is_labelled_image(key: str) -> bool:
    """Whether the object at `key`, below the place of a task's labelled images, is one of them."""
    return not HIDDEN.search(key) and not key.lower().endswith(LISTS)
