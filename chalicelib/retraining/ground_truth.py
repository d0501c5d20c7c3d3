"""What people said of images, as training reads it: an output manifest like SageMaker Ground Truth's.

Each line names the prepared array of an image, which identifies nobody, and the class that its latest review
gave it. (AWS documentation: "Output data" of SageMaker Ground Truth, image classification.)
"""

import json
from collections.abc import Iterable, Iterator

from chalicelib.results import result_document
from chalicelib.results.result_document import ListedResult
from chalicelib.storage import inbox
from chalicelib.tasks import Task

ATTRIBUTE = "review"


def manifest(task: Task, reviewed: Iterable[ListedResult], bucket: str) -> Iterator[str]:
    """JSON Lines, one for each result with a review that training can use.

    Args:
        task: of the results.
        reviewed: results, reviewed or not.
        bucket: where the prepared arrays lie.
    """
    for result in reviewed:
        review = result.get("review")
        # A class may have been renamed since; nobody can say what its reviews mean now.
        if (
            result["status"] != result_document.CLASSIFIED
            or not review
            or review["label"] not in task.class_names
        ):
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
