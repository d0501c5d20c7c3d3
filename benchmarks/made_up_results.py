"""Made-up results, for measuring with many of them."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from boto3.dynamodb.types import TypeSerializer

from chalicelib.results import result_document
from chalicelib.results.result_document import Result
from chalicelib.results.table_item import result_item
from chalicelib.tasks import load_task
from local.account import root_client
from local.stack import BUCKET

TASK = "chest-xray"
TABLE = "negatoscope-local-results"
KINDS = 500
"""Different results; all others have other ids and times."""
BATCH = 25
"""Items in one request, the most that BatchWriteItem takes."""
SENDERS = 4


def made_up(number: int) -> Result:
    """A classified result with a heat map, every third one with a review."""
    classes = load_task(TASK).class_names
    share = number / KINDS
    probabilities = dict(zip(classes, (share, (1 - share) / 2, (1 - share) / 2), strict=True))
    heatmap: Any = {"label": classes[0], "width": 14, "height": 9}
    heatmap["values"] = [round((number * place % 997) / 997, 3) for place in range(126)]
    review: Any = {
        "label": classes[number % len(classes)],
        "comment": f"=Case {number}, seen twice" if number % 2 else None,
        "reviewed_at": "2026-11-29T10:00:00.000000Z",
        "reviewer": "0f8fad5b-d9cb-469f-a165-70867728950e",
    }
    found: Any = {
        "status": result_document.CLASSIFIED,
        "label": classes[0],
        "probability": probabilities[classes[0]],
        "probabilities": probabilities,
        "distance": round(share * 3, 3),
        "heatmap": heatmap,
        "model": {
            "version": "2026-11-01",
            "sha256": "0f" * 32,
            "backend": "embedded",
            "min_probability": 0.8,
        },
        "source": {
            "format": "DICOM",
            "rows": 2048,
            "columns": 1792,
            "modality": "DX",
            "pixel_spacing": [0.1, 0.1],
        },
        "review": review if number % 3 == 0 else None,
        "readings": [review] if number % 3 == 0 else [],
        "readers": [review["reviewer"]] if number % 3 == 0 else [],
    }
    received = result_document.received(f"{number:032x}", TASK, "drop-folder")
    return received | found  # type: ignore[no-any-return]


def store(aws_url: str, count: int) -> None:
    """Store results in a running local system: their items, and objects as the Lambdas write for each."""
    s3, dynamodb = root_client("s3", aws_url), root_client("dynamodb", aws_url)
    serialize = TypeSerializer().serialize

    def store_batch(numbers: range) -> None:
        puts = []
        for number in numbers:
            result = made_up(number % KINDS) | {"id": f"{number:032x}"}
            puts.append({name: serialize(value) for name, value in result_item(result).items()})
            body = json.dumps(result).encode()
            # Not below prepared/, where each object would be classified.
            for key in (f"results/{TASK}/{number:032x}.json", f"pictures/{TASK}/{number:032x}"):
                s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        dynamodb.batch_write_item(RequestItems={TABLE: [{"PutRequest": {"Item": item}} for item in puts]})

    with ThreadPoolExecutor(SENDERS) as senders:
        list(
            senders.map(
                store_batch, (range(count)[first : first + BATCH] for first in range(0, count, BATCH))
            )
        )
