"""The first step: everything about a retraining that can be known before it starts.

The plan is what all later states of the state machine read (`$.plan`), so it names every job, place and
argument. Jobs, models and endpoint configurations of one retraining share one name.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib import resource_names, timestamps
from chalicelib.errors import (
    AlreadyRetraining,
    EndpointNotChanged,
    InvalidRequest,
    UnknownModel,
)
from chalicelib.models.archive import ARCHIVE
from chalicelib.models.registry import Registry
from chalicelib.models.versions import MODELS
from chalicelib.observability import count
from chalicelib.results.selection import Selection
from chalicelib.results.table import ResultsTable
from chalicelib.retraining import ground_truth
from chalicelib.retraining.hyperparameters import searched
from chalicelib.retraining.repository import (
    FAILED,
    SKIPPED,
    RetrainingRecord,
    RetrainingRepository,
    empty_record,
)
from chalicelib.retraining.request import RetrainingRequest, parse_request
from chalicelib.retraining.serving import plan_serving
from chalicelib.storage.bucket import DataBucket
from chalicelib.tasks import EndpointSpec, ServingKind, Task, load_tasks

DATASETS = "datasets/"
RETRAININGS = "retrainings/"
SPLIT = "split.csv"
"""Below retrainings/TASK/: the manifest of the last preparation. Later ones keep every image in its part."""
EVALUATION = "evaluation/"
"""In the folder of a retraining: the evaluation of its candidate: decision.json, report.md, plots/."""
EVALUATION_BEFORE = "judgement/"
"""The same folder of retrainings by release 0.1."""

HIDDEN = re.compile(r"(^|/)(\.|__)|/$")
LISTS = (".csv", ".manifest", ".jsonl", ".txt", ".md")
"""Files that are about images and none themselves."""

PROCESSING = "/opt/ml/processing"
SMALL, LARGE = "ml.m7i.large", "ml.m7i.2xlarge"
MANY_IMAGES = 100_000
"""From here on, preparing and judging get the larger instance: their time goes by the image, their memory
does not, as arrays are kept on disk."""
VOLUME_GB, LARGE_VOLUME_GB = 30, 300
MAX_RUNTIME_SECONDS = 24 * 3600
MAX_WAIT_SECONDS = 48 * 3600
"""For a training on spare capacity, with the time it waits for some."""


@dataclass(frozen=True)
class Code:
    """Which code trains: the template's parameters."""

    uri: str
    """s3:// folder with sourcedir.tar.gz and run.sh."""
    commit: str


@dataclass(frozen=True)
class Planner:
    """Makes plans."""

    stage: str
    bucket: DataBucket
    table: ResultsTable
    registry: Registry
    repository: RetrainingRepository
    endpoints: Mapping[str, EndpointSpec]
    """By task, endpoints of somebody else's, which no retraining of ours changes."""
    serving: Mapping[str, ServingKind]
    """By task, how this stage serves if not as the task's file says."""
    lock: Callable[[Task, str], str | None]
    """Takes a task's lock for an execution, as `TaskLock.lock` does."""

    def plan(self, execution: str, given: Any, code: Code) -> dict[str, Any]:
        """Lock the task, gather what is to be learnt from, and say how.

        Args:
            execution: ARN of the execution.
            given: its input.
            code: that trains.

        Returns:
            The plan; or `{"skipped": why}` if the task is being retrained already; or `{"refused": why}`; or
            `{"waits_for": name}` while something of a retraining that was stopped is being undone. Only with
            a plan it holds the lock.
        """
        name = execution.rpartition(":")[2]
        try:
            wish = parse_request(given)
            self._check(wish)
            if stopped := self.lock(wish.task, execution):
                return {"waits_for": stopped}
        except AlreadyRetraining as error:
            self._note_end(SKIPPED, execution, name, given, error.message)
            count("RetrainingsSkipped", wish.task.name)
            return {"skipped": error.message}
        except (InvalidRequest, EndpointNotChanged) as error:
            self._note_end(FAILED, execution, name, given, error.message)
            return {"refused": error.message}
        try:
            plan = self._plan(wish, execution, name, code)
        except InvalidRequest as error:
            self._note_end(FAILED, execution, name, given, error.message)
            self.repository.release(wish.task.name, execution)
            return {"refused": error.message}
        # First, so that whatever is in the repository has a plan.
        self.bucket.write_json(plan_key(wish.task.name, name), plan)
        self.repository.create(_entry(plan, wish))
        return plan

    def _note_end(self, status: str, execution: str, name: str, given: Any, why: str) -> None:
        """Tell those who read the list of retrainings; what names no task has no place there."""
        if isinstance(given, dict) and str(given.get("task")) in load_tasks():
            now = timestamps.now()
            end = {"status": status, "started_at": now, "ended_at": now, "outcome": why}
            self.repository.create(empty_record(name, execution, given) | end)

    def _check(self, wish: RetrainingRequest) -> None:
        if own := self.endpoints.get(wish.task.name):
            raise InvalidRequest(
                f"{wish.task.title} is classified by the endpoint {own.name}, which is not of this "
                "application's making. Take it out of the task's file or of ENDPOINTS first."
            )

    def _plan(self, wish: RetrainingRequest, execution: str, run: str, code: Code) -> dict[str, Any]:
        task = wish.task
        images = sum(_is_image(key) for key in self.bucket.keys(f"{DATASETS}{task.name}/"))
        if not images:
            raise InvalidRequest(
                f"There are no labelled images of {task.name}. Put them into "
                f"s3://{self.bucket.name}/{DATASETS}{task.name}/CLASS/ first."
            )
        name = resource_names.retraining_job(self.stage, task.name, _suffix(execution))
        folder = f"s3://{self.bucket.name}/{_folder(task.name, run)}"
        corrected = self._write_corrections(task, _folder(task.name, run))
        large = images >= MANY_IMAGES
        return {
            "run": run,
            "execution": execution,
            "task": task.name,
            "title": task.title,
            "plain": wish.is_plain,
            "approval": wish.approval,
            "name": name,
            # Names of tuning jobs may have 32 characters.
            "tuning_name": resource_names.tuning_job(self.stage, _suffix(execution)),
            "trials": wish.trials,
            "folder": folder,
            "data": {"images": images, "corrections": corrected},
            "preparing": {"arguments": self._preparing(task, folder, corrected)},
            "processing": {
                "instance_type": LARGE if large else SMALL,
                "volume_gb": LARGE_VOLUME_GB if large else VOLUME_GB,
            },
            "training": self._training(wish, folder, code),
            "current": self._current(task, folder),
            "serving": plan_serving(self.stage, task, self.serving.get(task.name, task.serving.kind), name),
        }

    def _write_corrections(self, task: Task, folder: str) -> int:
        lines = list(
            ground_truth.manifest(task, self.table.every(Selection(task=task.name)), self.bucket.name)
        )
        if lines:
            self.bucket.write(f"{folder}corrections.manifest", "".join(lines).encode(), "application/jsonl")
        return len(lines)

    def _preparing(self, task: Task, folder: str, corrected: int) -> list[str]:
        arguments = [
            *("training.prepare", "--task", task.name, "--arrays"),
            *("--data", f"s3://{self.bucket.name}/{DATASETS}{task.name}"),
            *("--output", f"{PROCESSING}/output"),
        ]
        if corrected:
            arguments += ["--labels", f"{folder}corrections.manifest"]
        earlier = f"{RETRAININGS}{task.name}/{SPLIT}"
        # Reading what is missing would be answered "access denied": this role may list a part of the bucket.
        if self.bucket.exists(earlier):
            arguments += ["--earlier", f"s3://{self.bucket.name}/{earlier}"]
        return arguments

    def _training(self, wish: RetrainingRequest, folder: str, code: Code) -> dict[str, Any]:
        has_ood_data = any(other != wish.task.name for other in self.bucket.folders(DATASETS))
        parameters = {
            "sagemaker_program": "training/train.py",
            "sagemaker_submit_directory": f"{code.uri}/sourcedir.tar.gz",
            "task": wish.task.name,
            # The very images and parts that were prepared, whatever is added meanwhile.
            "data": f"{folder}data",
            "test_split": "fixed",
            **({"git_commit": code.commit} if code.commit else {}),
            **({"ood_data": "/opt/ml/input/data/ood_data"} if has_ood_data else {}),
            **wish.hyperparameters,
        }
        stopping = {"MaxRuntimeInSeconds": MAX_RUNTIME_SECONDS}
        if wish.spot:
            stopping["MaxWaitTimeInSeconds"] = MAX_WAIT_SECONDS
        return {
            "hyperparameters": {
                name: value if isinstance(value, str) else json.dumps(value)
                for name, value in parameters.items()
                if not (wish.trials and name in searched())
            },
            "inputs": self._inputs(has_ood_data, folder),
            "spot": wish.spot,
            "stopping": stopping,
        }

    def _inputs(self, has_ood_data: bool, folder: str) -> list[dict[str, Any]]:
        """The job reads its images from S3 as their manifest names them. A channel it must have."""
        channels = {"plan": f"{folder}plan.json"}
        if has_ood_data:
            channels["ood_data"] = f"s3://{self.bucket.name}/{DATASETS}"
        return [
            {
                "ChannelName": channel,
                "InputMode": "File",
                "DataSource": {
                    "S3DataSource": {
                        "S3DataType": "S3Prefix",
                        "S3Uri": uri,
                        "S3DataDistributionType": "FullyReplicated",
                    }
                },
            }
            for channel, uri in channels.items()
        ]

    def _current(self, task: Task, folder: str) -> dict[str, Any]:
        """The package that the candidate is compared with, and where the judging job finds it.

        `deployed` is the version that the candidate may replace.
        """
        # An input has to be something that exists; the empty path says that it is no package.
        current = self.registry.current(task.name)
        nothing = {
            "deployed": current.version if current else None,
            "version": None,
            "origin": "",
            "uri": f"{folder}plan.json",
            "path": "",
            "fingerprint": None,
        }
        if current is None:
            return nothing
        try:
            record = self.registry.record(task.name, current.version)
        except UnknownModel:
            # Somebody has deleted it, so nothing can be compared with it; the gate's least metrics stay.
            return nothing
        return {
            "deployed": current.version,
            "version": current.version,
            "origin": record.get("origin", ""),
            "uri": f"s3://{self.bucket.name}/{MODELS}{task.name}/{current.version}/{ARCHIVE}",
            "path": f"{PROCESSING}/current/{ARCHIVE}",
            "fingerprint": record["fingerprint"],
        }


def _is_image(key: str) -> bool:
    return not HIDDEN.search(key) and not key.lower().endswith(LISTS)


def plan_key(task: str, run: str) -> str:
    """Where the plan of a retraining lies in the data bucket."""
    return f"{_folder(task, run)}plan.json"


def _folder(task: str, run: str) -> str:
    return f"{RETRAININGS}{task}/{run}/"


def _suffix(execution: str) -> str:
    """The same for every attempt of one execution, so that a step that is repeated makes no second job."""
    return hashlib.sha256(execution.encode()).hexdigest()[:8]


def _entry(plan: Mapping[str, Any], wish: RetrainingRequest) -> RetrainingRecord:
    given = {"task": plan["task"], "reason": wish.reason, "requested_by": wish.requested_by}
    return empty_record(plan["run"], plan["execution"], given) | {
        "started_at": timestamps.now(),
        "hyperparameters": dict(wish.hyperparameters),
        "trials": wish.trials,
        "data": plan["data"],
        "job": plan["tuning_name"] if wish.trials else plan["name"],
        "current": plan["current"]["version"],
    }
