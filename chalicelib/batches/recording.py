"""Records the answers of a transform job: a part of the images that the job has read.

Step Functions may run a part again at any time: an image that has its result is left alone, and its array and
answer are removed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib import timestamps
from chalicelib.batches.answered import AnswerStore
from chalicelib.batches.batch import Batch
from chalicelib.batches.lookup import BatchImage, Item, Lookup
from chalicelib.batches.outcome import NOT_PROCESSED, PartOutcome, failure, nothing
from chalicelib.batches.part import log
from chalicelib.batches.transform_folder import TransformFolder
from chalicelib.errors import FileRemoved, ModelFailed
from chalicelib.models.classification import Classification
from chalicelib.pipeline.pipeline import Pipeline
from chalicelib.tasks import Task


@dataclass(frozen=True)
class RecordingRun:
    """Records the answers for some images of a batch."""

    pipeline: Pipeline
    batch: Batch
    task: Task
    sha256: str
    """Digest of the graph of the model that the job has run."""

    def run(self, items: Sequence[Item]) -> PartOutcome:
        """Store the results of prepared images, whose keys the items have.

        An image without a usable answer is counted as a failure. It stays in its folder, and another pass
        sends it through a transform job again.

        Raises:
            NegatoscopeError, StorageFailed: if the part has to be repeated.
        """
        outcome = nothing()
        answers = AnswerStore(self.pipeline, self.batch, self.task, timestamps.now(), outcome)
        for item in items:
            key = str(item.get("Key", ""))
            try:
                image_id = self._folder.image_id(key)
            except ValueError:
                outcome["skipped"] += 1
                continue
            self._record(self._lookup.image(key, image_id), answers)
        log(outcome)
        return outcome

    @property
    def _lookup(self) -> Lookup:
        return Lookup(self.pipeline, self.batch, self.task)

    @property
    def _folder(self) -> TransformFolder:
        return TransformFolder(self.pipeline.bucket, self.batch["name"])

    def _record(self, image: BatchImage, answers: AnswerStore) -> None:
        outcome = answers.outcome
        if image.known:
            outcome[image.known] += 1
        else:
            image.array = self._folder.array(image.id)
            if image.array is None:
                error = FileRemoved("The prepared image was removed.")
                outcome["failures"].append(failure(image.key, error))
                return
            if image.is_answered and image.earlier:
                answers.store_array(image)
                outcome[self._lookup.count_of(image.earlier)] += 1
            elif not self._answer(image, answers):
                return
        self._folder.remove(image.id)

    def _answer(self, image: BatchImage, answers: AnswerStore) -> bool:
        """Store the answer for an image; False if there is none that can be used."""
        failures = answers.outcome["failures"]
        body = self._folder.answer(image.id)
        if body is None:
            message = "The transform job did not answer. Its log says why; resume the batch to repeat it."
            failures.append({"key": image.key, "code": NOT_PROCESSED, "message": message})
            return False
        try:
            answer = self._read(image, body)
        except ModelFailed as error:
            failures.append(failure(image.key, error))
            return False
        answers.store(image, answer)
        return True

    def _read(self, image: BatchImage, body: bytes) -> Classification:
        assert image.array
        answer = self.pipeline.classifier.read(self.task, body, image.array.box)
        if answer.model.sha256 != self.sha256:
            raise ModelFailed(
                f"The transform job ran {answer.model.version}, which was not the model of the task's "
                "endpoint when the job began. Resume the batch to repeat it."
            )
        return answer
