"""The path of an image in our Lambdas: `prepare`, and `classify` with the embedded model."""

import numpy as np

from benchmarks.peers.protocol import Answer, serve
from chalicelib.imaging import prepare
from chalicelib.models.classifier import Classifier
from chalicelib.tasks import load_task

TASK = "mammography-views"


def load() -> Answer:
    """Load the bundled model when it is first needed, as a Lambda does."""
    task = load_task(TASK)
    classifier = Classifier({}, lambda: None)

    def answer(data: bytes) -> str:
        image = prepare(data, task.input)
        return classifier.classify(task, image.pixels[np.newaxis], [image.box])[0].label

    return answer


if __name__ == "__main__":
    serve(load)
