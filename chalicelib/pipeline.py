"""How an image flows: it arrives, is prepared, and is classified."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from chalicelib import arrivals, prepared, results
from chalicelib.arrivals import Arrival
from chalicelib.classification import Classifier
from chalicelib.errors import (
    FileRemoved,
    ImageError,
    ImageTooLarge,
    InvalidRequest,
    NegatoscopeError,
    NotClassified,
    TaskHasNoModel,
    UnknownTask,
)
from chalicelib.imaging import MAX_BYTES, prepare
from chalicelib.observability import count, logger, measure_milliseconds, tracer
from chalicelib.prepared import PreparedArray
from chalicelib.results import Result
from chalicelib.review import Reason
from chalicelib.storage import MAX_KEY_BYTES, DataBucket, ObjectMissing, StorageFailed
from chalicelib.table import ResultsTable
from chalicelib.tasks import Task


@dataclass(frozen=True)
class Pipeline:
    """The flow of images through one stage."""

    bucket: DataBucket
    table: ResultsTable
    classifier: Classifier
    tasks: Mapping[str, Task]

    @tracer.capture_method(capture_response=False)
    def classify_now(self, task: Task, data: bytes) -> Result:
        """Classify an image while the caller waits.

        The id follows from the content, so sending the same image again finds the same result, unless another
        model is at work by then.

        Raises:
            ImageError: if the image cannot be used.
            TaskHasNoModel, EndpointNotReady, ModelFailed: if there is no answer to be had.
        """
        self.classifier.require_model(task)
        image_id = arrivals.new_id("api", task.name, data)
        earlier = self.table.find(image_id)
        if earlier and self.classifier.is_current(task, earlier["model"]):
            return earlier
        base = earlier or results.received(image_id, task.name, "api")
        image = PreparedArray.of(prepare(data, task.input), base)
        (answer,) = self.classifier.classify(task, image.pixels[np.newaxis], [image.box])
        result = results.classified(image.received(image_id, task.name), image.source, answer)
        # The array comes last: its arrival starts the classify Lambda, which must find nothing left to do.
        result = self.table.replace(result)
        self._write_result(result)
        self._write_prepared(task, image_id, image)
        _report_classified(result)
        return result

    @tracer.capture_method(capture_response=False)
    def prepare(self, arrival: Arrival) -> None:
        """Turn a file in the inbox into a prepared array, or quarantine it with the reason."""
        task = self.tasks.get(arrival.task_name)
        task_name = task.name if task else results.UNKNOWN_TASK
        base = self.table.receive(results.received(arrival.id, task_name, arrival.way))
        if base is None:
            logger.info("arrived before", extra={"image": arrival.id, "task": task_name})
            return
        try:
            if task is None:
                tasks = ", ".join(self.tasks)
                raise UnknownTask(f"Files go into a task's folder, inbox/TASK/. The tasks are {tasks}.")
            self.classifier.require_model(task)
            image = PreparedArray.of(prepare(self._read(arrival), task.input), base)
        except (ImageError, TaskHasNoModel, UnknownTask, FileRemoved) as error:
            self.quarantine(arrival, base, error)
        else:
            self._write_prepared(task, arrival.id, image)

    @tracer.capture_method(capture_response=False)
    def classify(self, keys: Sequence[str]) -> None:
        """Classify prepared arrays, those of one task together.

        Raises:
            EndpointNotReady, ModelFailed: so that the event is delivered again.
        """
        waiting: dict[str, list[str]] = defaultdict(list)
        for task_name, image_id in map(arrivals.parse_prepared_key, keys):
            if not self._is_finished(image_id):
                waiting[task_name].append(image_id)
        for task_name, image_ids in waiting.items():
            self._classify_batch(self.tasks[task_name], image_ids)

    def quarantine(self, arrival: Arrival, base: Result, error: NegatoscopeError) -> None:
        """Move a file that cannot be used out of the inbox, beside the reason why."""
        result = results.quarantined(base, Reason(error.code, error.message))
        folder = f"quarantine/{result['task']}/{arrival.id}"
        copied = self._copy_to(folder, arrival)
        if not self.table.finish(result):
            return
        self.bucket.write_json(f"{folder}.json", {"reasons": result["reasons"]})
        self._write_result(result)
        if copied:
            # Only now: whatever failed before, the file is still where the sweep will find it.
            self.bucket.delete(arrival.key)
        count("Quarantined", result["task"])
        logger.info("quarantined", extra={"image": arrival.id, "task": result["task"], "reason": error.code})

    def prepared(self, result: Result) -> PreparedArray:
        """What the model was shown.

        Raises:
            NotClassified: if the image has not been prepared (yet).
        """
        if result["status"] != results.CLASSIFIED:
            raise NotClassified("There is no preview: the image has not been prepared, or could not be.")
        try:
            return PreparedArray.unpack(self.bucket.read(arrivals.prepared_key(result["task"], result["id"])))
        except (ObjectMissing, StorageFailed):
            raise NotClassified("There is no preview yet. Try again in a moment.") from None

    def review(self, result: Result, label: str, comment: str | None, reviewer: str) -> Result:
        """Note what a person says of an image, and return the result with that.

        Raises:
            InvalidRequest: if the label is none of the task's classes.
            NotClassified: if there is nothing to say of yet.
            UnknownTask: if the task has been removed.
        """
        if result["status"] == results.CLASSIFIED:
            task = self.tasks.get(result["task"])
            if task is None:
                raise UnknownTask(f"There is no task '{result['task']}' any more.")
            if label not in task.class_names:
                raise InvalidRequest(f"'label' must be one of {', '.join(task.class_names)}.")
        review = {"label": label, "comment": comment, "reviewed_at": results.now(), "reviewer": reviewer}
        reviewed = self.table.review(result["id"], review)
        self._write_result(reviewed)
        return reviewed

    def _classify_batch(self, task: Task, image_ids: Sequence[str]) -> None:
        images = [
            PreparedArray.unpack(self.bucket.read(arrivals.prepared_key(task.name, image_id)))
            for image_id in image_ids
        ]
        answers = self.classifier.classify(
            task, np.stack([image.pixels for image in images]), [image.box for image in images]
        )
        for image_id, image, answer in zip(image_ids, images, answers, strict=True):
            result = results.classified(image.received(image_id, task.name), image.source, answer)
            if self.table.finish(result):
                self._write_result(result)
                _report_classified(result)

    def _read(self, arrival: Arrival) -> bytes:
        if arrival.size > MAX_BYTES:
            raise ImageTooLarge(f"The file has {arrival.size:,} bytes; at most {MAX_BYTES:,} are accepted.")
        try:
            return self.bucket.read(arrival.key, arrival.version).body
        except ObjectMissing:
            raise FileRemoved("The file was removed or replaced before it could be read.") from None

    def _copy_to(self, folder: str, arrival: Arrival) -> bool:
        """Copy a file into `folder`; False if it is gone, or another stands in its place."""
        room = MAX_KEY_BYTES - len(f"{folder}/")
        name = arrival.name.encode()[-room:].decode(errors="ignore")
        try:
            self.bucket.copy(arrival.key, f"{folder}/{name}", arrival.version)
        except ObjectMissing:
            return False
        return True

    def _is_finished(self, image_id: str) -> bool:
        result = self.table.find(image_id)
        return result is not None and result["status"] in results.FINISHED

    def _write_prepared(self, task: Task, image_id: str, image: PreparedArray) -> None:
        body, metadata = image.pack()
        self.bucket.write(arrivals.prepared_key(task.name, image_id), body, prepared.CONTENT_TYPE, metadata)

    def _write_result(self, result: Result) -> None:
        self.bucket.write_json(results.key(result), result)


def _report_classified(result: Result) -> None:
    task = result["task"]
    count("Classified", task)
    if result["needs_review"]:
        count("NeedsReview", task)
    waited = datetime.fromisoformat(result["classified_at"]) - datetime.fromisoformat(result["created_at"])
    measure_milliseconds("Latency", task, waited.total_seconds() * 1000)
    version = result["model"]["version"]
    logger.info("classified", extra={"image": result["id"], "task": task, "model": version})
