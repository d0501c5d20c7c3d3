"""Stores the answer for an image of a batch: the result, what has changed, and the array."""

from dataclasses import dataclass

from chalicelib.batches.batch import Batch
from chalicelib.batches.locations import changes_folder
from chalicelib.batches.lookup import BatchImage
from chalicelib.batches.outcome import PartOutcome
from chalicelib.errors import ResultDeleted
from chalicelib.models.classification import Classification
from chalicelib.pipeline import prepared
from chalicelib.pipeline.pipeline import Pipeline
from chalicelib.results import result_document
from chalicelib.tasks import Task


@dataclass(frozen=True)
class AnswerStore:
    """Stores the answers of one run of a part, and counts them."""

    pipeline: Pipeline
    batch: Batch
    task: Task
    started: str
    """When the run began."""
    outcome: PartOutcome

    def store(self, image: BatchImage, answer: Classification) -> None:
        """Store the result, and then the array, whose event finds the image classified."""
        array = image.array
        assert array
        result = result_document.classified(array.received(image.id, self.task.name), array.source, answer)
        if image.earlier and image.earlier["label"] != result["label"]:
            # First, so that it is not lost if the next call is the last one of this process.
            change = f"{image.earlier['label']}/{result['label']}/{image.id}"
            self.pipeline.bucket.write(f"{changes_folder(self.batch['name'])}{change}", b"", "text/plain")
        try:
            self.pipeline.store_answer(result, self.started, replaces=image.earlier is not None)
        except ResultDeleted:
            self.outcome["deleted"] += 1
            return
        self.store_array(image)
        self.outcome["classified"] += 1

    def store_array(self, image: BatchImage) -> None:
        """Store the array of an image that has a result, unless it came from where it would be stored."""
        assert image.array
        if self.batch["kind"] != "again":
            prepared.store(self.pipeline.bucket, self.task.name, image.id, image.array)
