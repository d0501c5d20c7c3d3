"""The status of a training job and its history."""

import time
from typing import Any

from local.sagemaker.resource_collection import ResourceCollection
from local.sagemaker.resources import Record

MESSAGES = {
    "Starting": "Preparing the instances for training",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Interrupted": "Training job interrupted: the managed spot instance was taken back",
    "Restarting": "Restarting the training job from its checkpoints",
    "Stopping": "Stopping the training job",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    "MaxWaitTimeExceeded": "Training job exceeded MaxWaitTimeInSeconds provided",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
}
STATUSES = {
    "Stopping": "Stopping",
    "Stopped": "Stopped",
    "MaxRuntimeExceeded": "Stopped",
    "MaxWaitTimeExceeded": "Stopped",
    "Completed": "Completed",
    "Failed": "Failed",
}
"""The status for a secondary status. All other secondary statuses leave it unchanged."""
FINAL = ("Stopped", "MaxRuntimeExceeded", "MaxWaitTimeExceeded", "Completed", "Failed")


class TrainingStatus:
    """Records the status of one job."""

    def __init__(self, collection: ResourceCollection, name: str) -> None:
        self._collection = collection
        self._name = name

    def change(self, **changes: Any) -> None:
        """Set members of the job's description."""
        self._collection.change(self._name, **changes)

    def enter(self, status: str, **changes: Any) -> None:
        """Enter another secondary status, and set other members of the description."""
        now = time.time()
        job = self._collection.get(self._name)
        transitions: list[Record] = job["SecondaryStatusTransitions"]
        if transitions:
            transitions[-1].setdefault("EndTime", now)
        entered: Record = {"Status": status, "StartTime": now, "StatusMessage": MESSAGES[status]}
        if status in FINAL:
            entered["EndTime"] = now
            changes |= _times(job, now)
        if status in STATUSES:
            changes["TrainingJobStatus"] = STATUSES[status]
        self.change(SecondaryStatus=status, SecondaryStatusTransitions=[*transitions, entered], **changes)


def _times(job: Record, now: float) -> Record:
    if "TrainingStartTime" not in job:
        return {"TrainingEndTime": now}
    seconds = max(1, round(now - job["TrainingStartTime"]))  # the service reports no less
    return {"TrainingEndTime": now, "TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": seconds}
