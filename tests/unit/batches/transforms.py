"""A transform job in this process, for tests of batches: it runs training/inference.py on prepared arrays."""

from pathlib import Path
from typing import Any

import boto3

from chalicelib.batches.batch import Batch
from chalicelib.batches.locations import ANSWERS, ARRAYS
from chalicelib.batches.outcome import PartOutcome
from chalicelib.batches.part import PartRun
from chalicelib.batches.recording import RecordingRun
from chalicelib.media_types import ARRAY_TYPE
from chalicelib.pipeline.pipeline import Pipeline
from chalicelib.tasks import load_task
from tests.models import TASK
from tests.stage import BUCKET
from tests.unit.batches.test_part import batch
from tests.unit.pipeline.steps import stored_keys
from training import inference


class Context:
    """The container's request context."""

    def set_response_status(self, code: int, phrase: str) -> None:
        raise AssertionError(f"{code} {phrase}")


def transform(package: Path, name: str = "batch-1") -> None:
    """Answer for all arrays of a batch with a model package."""
    model, s3 = inference.model_fn(str(package)), boto3.client("s3")
    for key in stored_keys(ARRAYS.format(name)):
        body = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        answer = inference.predict_fn(inference.input_fn(body, ARRAY_TYPE), model)
        text, _ = inference.output_fn(answer, None, Context())
        answer_key = f"{ANSWERS.format(name)}{key.rpartition('/')[2]}.out"
        s3.put_object(Bucket=BUCKET, Key=answer_key, Body=text)


def transformed(**of_batch: Any) -> Batch:
    """A batch with a transform job."""
    return {**batch(**of_batch), "transform": True}


def prepare(pipeline: Pipeline, *items: Any, **of_batch: Any) -> PartOutcome:
    """Run a part before the transform job."""
    return PartRun(pipeline, transformed(**of_batch), load_task(TASK)).run(items)


def record(pipeline: Pipeline, sha256: str, *keys: str, **of_batch: Any) -> PartOutcome:
    """Run a part after the transform job: of all arrays that wait, or of those at `keys`."""
    items = [{"Key": key} for key in keys or stored_keys(ARRAYS.format("batch-1"))]
    return RecordingRun(pipeline, transformed(**of_batch), load_task(TASK), sha256).run(items)
