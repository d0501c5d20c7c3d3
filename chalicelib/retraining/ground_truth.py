"""Reviews as labels for training: an output manifest in the format of SageMaker Ground Truth.

Each line has the prepared array of an image, which holds no identity, and the class from its
latest review. (AWS documentation: "Output data" of SageMaker Ground Truth, image classification.)
"""

import json
from collections.abc import Iterable, Iterator

from chalicelib.results import result_document
from chalicelib.results.reading import Review
from chalicelib.results.result_document import ListedResult
from chalicelib.storage import inbox
from chalicelib.tasks import Task

ATTRIBUTE = "review"


def manifest(task: Task, reviewed: Iterable[ListedResult], bucket: str) -> Iterator[str]:
    """Make the manifest's lines: JSON, one for each result with a review that training can use.

    Args:
        task: of the results.
        reviewed: results, reviewed or not.
        bucket: name of the bucket with the prepared arrays.
    """
    for result in reviewed:
        review = usable_review(task, result)
        if review is None:
            continue
        line = {
            "source-ref": f"s3://{bucket}/{inbox.prepared_key(task.name, result['id'])}",
            ATTRIBUTE: task.class_names.index(review["label"]),
            f"{ATTRIBUTE}-metadata": {
                "class-name": review["label"],
                "confidence": 1.0,
                "creation-date": review["reviewed_at"],
                "human-annotated": "yes",
                "job-name": "negatoscope/reviews",
                "type": "groundtruth/image-classification",
            },
        }
        yield json.dumps(line, ensure_ascii=False) + "\n"


def usable_review(task: Task, result: ListedResult) -> Review | None:
    """The review of a result, if training can use it.

    Reviews of a class that was renamed or removed since are left out: their meaning is unknown.
    """
    review = result.get("review")
    usable = review and result["status"] == result_document.CLASSIFIED and review["label"] in task.class_names
    return review if usable else None
