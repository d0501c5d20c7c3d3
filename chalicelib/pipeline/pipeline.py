"""The pipeline of an image: it arrives, is prepared, and is classified."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from chalicelib import timestamps
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
from chalicelib.imaging import prepare
from chalicelib.limits import MAX_FILE_BYTES
from chalicelib.models.classifier import Classifier
from chalicelib.models.heatmap import Heatmap
from chalicelib.models.review_rule import Reason
from chalicelib.observability import logger, tracer
from chalicelib.pipeline import prepared, quarantine, report
from chalicelib.pipeline.prepared import PreparedArray
from chalicelib.results import result_document
from chalicelib.results.decisions import Decisions, StoredResult
from chalicelib.results.result_document import Result
from chalicelib.results.table import ResultsTable
from chalicelib.results.table_item import Entry
from chalicelib.storage import inbox
from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.errors import AccessDenied, ObjectMissing
from chalicelib.storage.inbox import InboxObject
from chalicelib.tasks import Task


@dataclass(frozen=True)
class Pipeline:
    """Processes the images of one stage."""

    bucket: DataBucket
    table: ResultsTable
    classifier: Classifier
    tasks: Mapping[str, Task]

    @tracer.capture_method(capture_response=False)
    def classify_now(self, task: Task, data: bytes) -> Result:
        """Classify an image while the caller waits.

        The id is derived from the content, so the same image gets the same result again, unless the model has
        changed.

        Raises:
            ImageError: if the image cannot be used.
            TaskHasNoModel, EndpointNotReady, ModelFailed: if the model cannot answer.
        """
        started = timestamps.now()
        self.classifier.require_model(task)
        image_id = inbox.new_id("api", task.name, data)
        earlier = self.table.find(image_id)
        if (
            earlier
            and self.classifier.is_current(task, earlier["model"])
            and prepared.is_stored(self.bucket, earlier)
        ):
            return earlier
        base = earlier or result_document.received(image_id, task.name, "api")
        image = PreparedArray.of(prepare(data, task.input), base, started)
        (answer,) = self.classifier.classify(task, image.pixels[np.newaxis], [image.box])
        result = result_document.classified(image.received(image_id, task.name), image.source, answer)
        # The array is stored first: if this process dies, the array's event makes the classify Lambda finish.
        prepared.store(self.bucket, task.name, image_id, image)
        return self._replace(result, started) if earlier else self._decide(result, started)

    def _decide(self, result: Result, started: str) -> Result:
        decision = self.decisions.decide(result)
        self._finish(decision, started)
        if result_document.graph_digest(decision.result) == result_document.graph_digest(result):
            return decision.result
        return self._replace(result, started)

    def _replace(self, result: Result, started: str) -> Result:
        """Replace an earlier model's result, and keep the readings."""
        result = self.decisions.change(
            result["id"],
            lambda earlier: result | {"review": earlier["review"], "readings": earlier["readings"]},
        )
        report.classified(result, started)
        return result

    @tracer.capture_method(capture_response=False)
    def prepare(self, original: InboxObject) -> None:
        """Prepare a file in the inbox, or quarantine it with the reason."""
        task = self.tasks.get(original.task_name)
        entry, again = self.receive(original)
        if again or entry.finished:
            logger.info("arrived before", extra={"image": original.id, "task": entry.result["task"]})
            if self._finish_earlier_work(original, entry):
                return
        try:
            if task is None:
                tasks = ", ".join(self.tasks)
                raise UnknownTask(f"Files go into a task's folder, inbox/TASK/. The tasks are {tasks}.")
            self.classifier.require_model(task)
            image = PreparedArray.of(prepare(self._read(original), task.input), entry.result, original.time)
        except (ImageError, TaskHasNoModel, UnknownTask, FileRemoved) as error:
            self.quarantine(original, entry.result, error)
        else:
            prepared.store(self.bucket, task.name, original.id, image)

    def receive(self, original: InboxObject) -> tuple[Entry, bool]:
        """Record the arrival of a file: its entry in the table, and whether it had arrived before."""
        known = original.task_name in self.tasks
        task_name = original.task_name if known else result_document.UNKNOWN_TASK
        received = result_document.received(original.id, task_name, original.channel)
        return self.table.receive(received, inbox.event_for(original))

    def _finish_earlier_work(self, original: InboxObject, entry: Entry) -> bool:
        """Finish the work of an interrupted run on the same image; False if nothing was decided."""
        if entry.finished:
            decision = self.decisions.decide(entry.result, entry.revision)
        elif found := self.decisions.find(entry.result):
            decision = found
        else:
            return False
        self._finish(decision, original.time, original)
        return True

    @tracer.capture_method(capture_response=False)
    def classify(self, keys: Sequence[str]) -> None:
        """Classify prepared arrays, in one batch per task.

        Raises:
            EndpointNotReady, ModelFailed: so that the event is delivered again.
        """
        waiting: dict[str, list[str]] = defaultdict(list)
        for task_name, image_id in map(inbox.parse_prepared_key, keys):
            if not self._is_finished(image_id):
                waiting[task_name].append(image_id)
        for task_name, image_ids in waiting.items():
            self._classify_batch(self.tasks[task_name], image_ids)

    def quarantine(self, original: InboxObject, base: Result, error: NegatoscopeError) -> None:
        """Move an unusable file from the inbox to quarantine, with the reason."""
        result = result_document.quarantined(base, Reason(error.code, error.message))
        self._finish(self.decisions.decide(result), original.time, original)

    def prepared_image(self, result: Result) -> PreparedArray:
        """The prepared array of a result's image.

        Raises:
            NotClassified: if there is none.
        """
        if result["status"] != result_document.CLASSIFIED:
            raise NotClassified("There is no image to show: it has not been prepared.")
        try:
            return prepared.load(self.bucket, result["task"], result["id"])
        except (ObjectMissing, AccessDenied):
            raise NotClassified("There is no image to show yet. Try again in a moment.") from None

    def heatmap(self, result: Result, label: str) -> Heatmap:
        """The heat map of a class, from the model that classified the image.

        Raises:
            UnknownTask: if the task has been removed.
            InvalidRequest: if the task has no such class.
            NotClassified: if there is no prepared image, or the model has changed.
        """
        image = self.prepared_image(result)
        task = self.tasks.get(result["task"])
        if task is None:
            raise UnknownTask("The task of this image has been removed.")
        if label not in task.class_names:
            raise InvalidRequest(f"'label' must be one of {', '.join(task.class_names)}.")
        return self.classifier.explain(task, image.pixels, image.box, label, result["model"] or {})

    def review(self, image_id: str, change: Callable[[Result], Result]) -> Result:
        """Change the readings of an image.

        Args:
            image_id: of an image that the table knows.
            change: gets the current result, and returns it with other readings; see `readings`.

        Raises:
            NotClassified: if the image is not classified.
        """

        def edit(result: Result) -> Result:
            if result["status"] != result_document.CLASSIFIED:
                raise NotClassified("This image has no classification yet, so there is nothing to review.")
            return change(result)

        return self.decisions.change(image_id, edit)

    @property
    def decisions(self) -> Decisions:
        """The decisions on images."""
        return Decisions(self.bucket, self.table)

    def _classify_batch(self, task: Task, image_ids: Sequence[str]) -> None:
        images = [prepared.load(self.bucket, task.name, image_id) for image_id in image_ids]
        answers = self.classifier.classify(
            task, np.stack([image.pixels for image in images]), [image.box for image in images]
        )
        for image_id, image, answer in zip(image_ids, images, answers, strict=True):
            result = result_document.classified(image.received(image_id, task.name), image.source, answer)
            self._finish(self.decisions.decide(result), image.arrived_at)

    def _finish(
        self, decision: StoredResult, arrived_at: str | None, original: InboxObject | None = None
    ) -> None:
        """Carry out a decision, the table last, so that repeating it finishes interrupted work.

        Args:
            decision: the decision.
            arrived_at: when the image arrived; None if unknown.
            original: the original in the inbox; None if unknown. Then a decision to quarantine it is left to
                the run that made it, or to the sweeper.
        """
        result = decision.result
        quarantined = result["status"] == result_document.QUARANTINED
        if quarantined and original is None:
            return
        if quarantined and original:
            quarantine.move(self.bucket, original, result)
        if not self.table.finish(result, decision.revision):
            return
        if quarantined:
            report.quarantined(result)
        else:
            report.classified(result, arrived_at)

    def _read(self, original: InboxObject) -> bytes:
        if original.size > MAX_FILE_BYTES:
            raise ImageTooLarge(
                f"The file has {original.size:,} bytes; at most {MAX_FILE_BYTES:,} are accepted."
            )
        with suppress(ObjectMissing):
            return self.bucket.read(original.key, original.version).body
        # The file may have been replaced. Both versions arrived, so both are classified.
        with suppress(ObjectMissing):
            if original.version and original.version_id:
                return self.bucket.read(original.key, version_id=original.version_id).body
        raise FileRemoved("The file was removed or replaced before it could be read.")

    def _is_finished(self, image_id: str) -> bool:
        result = self.table.find(image_id)
        return result is not None and result["status"] in result_document.FINISHED
