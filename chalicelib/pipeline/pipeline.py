"""The pipeline of an image: it arrives, is prepared, and is classified."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
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
from chalicelib.limits import MAX_FILE_BYTES
from chalicelib.models.classifier import Classifier
from chalicelib.models.heatmap import Heatmap
from chalicelib.models.review_rule import Reason
from chalicelib.observability import logger
from chalicelib.pipeline import missing_picture, prepared, quarantine, report
from chalicelib.pipeline.decoder import (
    IN_THE_BACKGROUND,
    WHILE_SOMEONE_WAITS,
    WITHOUT_PICTURES,
    DecodedFile,
    Decoder,
)
from chalicelib.pipeline.prepared import PreparedArray
from chalicelib.results import readings, result_document
from chalicelib.results.decisions import Decisions, StoredResult
from chalicelib.results.result_document import Result
from chalicelib.results.table import ResultsTable, deleted_result
from chalicelib.results.table_item import Entry
from chalicelib.storage import inbox
from chalicelib.storage.bucket import DataBucket, Link
from chalicelib.storage.errors import AccessDenied, ObjectMissing
from chalicelib.storage.inbox import InboxObject
from chalicelib.tasks import Task

STORED_LAST = ("api", "archive")
"""The arrivals of images whose arrays are stored after the results, or with them."""


@dataclass(frozen=True)
class Pipeline:
    """Processes the images of one stage."""

    bucket: DataBucket
    table: ResultsTable
    classifier: Classifier
    tasks: Mapping[str, Task]
    decoder: Decoder

    def classify_now(
        self, task: Task, data: bytes, wait_for_entry: Callable[[], None] = lambda: None
    ) -> Result:
        """Classify an image while the caller waits.

        The id is derived from the content, so the same image gets the same result again, unless the model has
        changed. If it lacks a display picture, that is added.

        Args:
            task: of the image.
            data: the file.
            wait_for_entry: called before anything is changed: it waits for the entry in the audit record.

        Raises:
            ImageError: if the image cannot be used.
            DecoderUnavailable, DecodingFailed: if the image could not be decoded for another reason.
            TaskHasNoModel, EndpointNotReady, ModelFailed: if the model cannot answer.
        """
        started = timestamps.now()
        self.classifier.require_model(task)
        image_id = inbox.new_id("api", task.name, data)
        known = self.table.find(image_id)
        # After a deletion, it is a new image.
        earlier = known if known and known["status"] != result_document.DELETED else None
        if (
            earlier
            and self.classifier.is_current(task, earlier["model"])
            and prepared.is_stored(self.bucket, earlier)
        ):
            wait_for_entry()
            return missing_picture.add(earlier, task, data, self.decoder, self.decisions)
        if known and not earlier:
            self.table.renew_deletion(image_id)
        base = earlier or result_document.received(image_id, task.name, "api")
        decoded = self.decoder.decode(task, image_id, data, WHILE_SOMEONE_WAITS)
        image = PreparedArray.of(decoded, base, started)
        result = self._answer(task, image, image_id)
        wait_for_entry()
        # It is stored first: if this process dies, the array's event makes the classify Lambda finish.
        prepared.store(self.bucket, task.name, image_id, image)
        if earlier:
            return self._replace(result, started)
        # The caller need not wait for the document: that Lambda writes it, too.
        if known is None and self.table.finish(result, documented=False):
            report.classified(result, started)
            return result
        return self._decide(result, started)

    def try_out(self, task: Task, data: bytes) -> Result:
        """Classify an image while the caller waits, and keep neither the image nor the result.

        Raises:
            NegatoscopeError: as `classify_now`.
        """
        self.classifier.require_model(task)
        base = result_document.received(inbox.new_id("api", task.name, data), task.name, "api")
        decoded = self.decoder.decode(task, base["id"], data, WITHOUT_PICTURES)
        return self._answer(task, PreparedArray.of(decoded, base, timestamps.now()), base["id"])

    def _answer(self, task: Task, image: PreparedArray, image_id: str) -> Result:
        (answer,) = self.classifier.classify(task, image.pixels[np.newaxis], [image.box])
        return result_document.classified(image.received(image_id, task.name), image.source, answer)

    def store_answer(self, result: Result, started: str, *, replaces: bool) -> Result:
        """Store a model's answer: of an image without a result, or instead of an earlier answer.

        Raises:
            ResultDeleted: if the earlier answer was deleted after this run had started.
        """
        return self._replace(result, started) if replaces else self._decide(result, started)

    def _decide(self, result: Result, started: str) -> Result:
        decision = self.decisions.decide(result)
        self._finish(decision, started)
        if result_document.graph_digest(decision.result) == result_document.graph_digest(result):
            return decision.result
        return self._replace(result, started)

    def _replace(self, result: Result, started: str) -> Result:
        """Replace an earlier model's result, and keep what people have said and done, or a deleted result.

        Raises:
            ResultDeleted: if it was deleted after this run had started.
        """

        def edit(earlier: Result) -> Result:
            if earlier["status"] == result_document.DELETED and earlier["created_at"] >= started:
                raise deleted_result()
            kept = readings.kept(earlier, result) | {"hidden": earlier["hidden"]}
            return kept if result["picture"] else missing_picture.kept(earlier, kept)

        result = self.decisions.change(result["id"], edit)
        report.classified(result, started)
        return result

    def prepare(self, original: InboxObject) -> None:
        """Prepare a file in the inbox, or quarantine it with the reason."""
        task = self.tasks.get(original.task_name)
        entry, again = self.receive(original)
        if entry.deleted:
            # The file is deleted, too: synchronising a folder with the inbox must not bring the image back.
            logger.warning("arrived after its deletion", extra={"image": original.id})
            self._finish(StoredResult(entry.result, entry.revision, None), original.time)
            return
        if again or entry.finished:
            logger.info("arrived before", extra={"image": original.id, "task": entry.result["task"]})
            if self._finish_earlier_work(original, entry):
                return
        try:
            if task is None:
                tasks = ", ".join(self.tasks)
                raise UnknownTask(f"Files go into a task's folder, inbox/TASK/. The tasks are {tasks}.")
            self.classifier.require_model(task)
            decoded = self._decode(task, original)
        except (ImageError, TaskHasNoModel, UnknownTask, FileRemoved) as error:
            self.quarantine(original, entry.result, error)
        else:
            image = PreparedArray.of(decoded, entry.result, original.time)
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

    def classify(self, keys: Sequence[str]) -> None:
        """Classify prepared arrays, in one batch per task.

        Raises:
            EndpointNotReady, ModelFailed: so that the event is delivered again.
        """
        waiting: dict[str, dict[str, PreparedArray]] = defaultdict(dict)
        for task_name, image_id in map(inbox.parse_prepared_key, keys):
            if image := self._waiting_image(task_name, image_id):
                waiting[task_name][image_id] = image
        for task_name, images in waiting.items():
            self._classify_batch(self.tasks[task_name], images)

    def quarantine(self, original: InboxObject, base: Result, error: NegatoscopeError) -> None:
        """Move an unusable file from the inbox to quarantine, with the reason."""
        result = result_document.quarantined(base, Reason(error.code, error.message))
        self._finish(self.decisions.decide(result), original.time, original)

    def prepared_image(self, result: Result) -> PreparedArray:
        """The prepared array of a result's image.

        Raises:
            NotClassified: if there is none, or only that of another file.
        """
        if result["status"] != result_document.CLASSIFIED:
            raise NotClassified("There is no image to show: it has not been prepared.")
        try:
            image = prepared.load(self.bucket, result["task"], result["id"])
        except (ObjectMissing, AccessDenied):
            raise NotClassified("There is no image to show yet. Try again in a moment.") from None
        if not image.is_input_of(result):
            raise NotClassified(
                "The model's input is not stored any more: this upload was sent twice, with different files. "
                "Upload each file on its own."
            )
        return image

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

    @property
    def decisions(self) -> Decisions:
        """The decisions on images."""
        return Decisions(self.bucket, self.table)

    def _classify_batch(self, task: Task, images: Mapping[str, PreparedArray]) -> None:
        answers = self.classifier.classify(
            task,
            np.stack([image.pixels for image in images.values()]),
            [image.box for image in images.values()],
        )
        for (image_id, image), answer in zip(images.items(), answers, strict=True):
            result = result_document.classified(image.received(image_id, task.name), image.source, answer)
            decision = self.decisions.decide(result)
            if _answers_an_earlier_file(decision.result, image):
                self._replace(result, image.arrived_at or timestamps.now())
            else:
                self._finish(decision, image.arrived_at)

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
        if result["status"] == result_document.DELETED:
            # This run may have stored something since, or the file came late: the sweeper deletes that.
            self.table.end_change(result, decision.revision)
            return
        quarantined = result["status"] == result_document.QUARANTINED
        if quarantined and original is None:
            return
        if quarantined and original:
            quarantine.move(self.bucket, original, result)
        if not self.table.finish(result, decision.revision):
            self._finish_request(result["id"])
            return
        if quarantined:
            report.quarantined(result)
        else:
            report.classified(result, arrived_at)

    def _decode(self, task: Task, original: InboxObject) -> DecodedFile:
        """Decode a file in the inbox.

        It may have been replaced. Both versions arrived, so both are classified.
        """
        try:
            return self.decoder.decode(task, original.id, self._links(original), IN_THE_BACKGROUND)
        except FileRemoved:
            if not (original.version and original.version_id):
                raise
        # The version is gone, but the same content may have been stored again.
        links = [self.bucket.link(original.key, original.version)]
        return self.decoder.decode(task, original.id, links, IN_THE_BACKGROUND)

    def _links(self, original: InboxObject) -> list[Link]:
        """A link to a file in the inbox: to its version, if that is known."""
        if original.size > MAX_FILE_BYTES:
            raise ImageTooLarge(
                f"The file has {original.size:,} bytes; at most {MAX_FILE_BYTES:,} are accepted."
            )
        version_id = original.version_id if original.version else None
        return [self.bucket.link(original.key, original.version, version_id)]

    def _waiting_image(self, task_name: str, image_id: str) -> PreparedArray | None:
        """The array of an image, unless it has its result.

        A request or a batch that stored an array has usually stored its result, too. For other arrays, a look
        at the table would cost more than it saves: their events rarely come twice, and then the second answer
        is dropped, because the first is the decision.
        """
        try:
            image = prepared.load(self.bucket, task_name, image_id)
        except (ObjectMissing, AccessDenied):
            if self._finish_request(image_id):  # and deleted since
                return None
            raise
        return None if image.arrival in STORED_LAST and self._finish_request(image_id) else image

    def _finish_request(self, image_id: str) -> bool:
        """Finish what a request began that has stored a result; False if there is none."""
        entry = self.table.entry(image_id)
        if entry is None or entry.result["status"] == result_document.RECEIVED:
            return False
        if entry.lacks_document:
            self.decisions.document(entry)
        return True


def _answers_an_earlier_file(decided: Result, image: PreparedArray) -> bool:
    """Whether an upload's form was sent again, with another file, before anybody read the first one."""
    is_unread = decided["status"] == result_document.CLASSIFIED and not decided["readings"]
    return is_unread and not image.is_input_of(decided)
