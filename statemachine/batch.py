"""The state machine of a batch: it works through an archive in parts, many at a time, and reports.

Lambdas decode and classify the images of a part. If the task's model is served by an endpoint, they only
prepare them: a transform job with the endpoint's model classifies all of them, and parts record its answers.
What a pass that was stopped or has failed leaves undone, the next one finds: images without a result. Those
that are prepared wait in a folder.

`make generate` writes it to batch.asl.json, which is deployed.
Names in `${...}` are filled in by template.yaml; `chalicelib.batches.batch.Batch` describes `$`.
"""

import json
from pathlib import Path

from chalicelib.batches.executions import RECORDING
from chalicelib.batches.locations import ANSWERS, ARRAYS, RESULTS
from deploy.generated import write_or_check
from statemachine.requests import transform_job
from statemachine.states import (
    INTEGRATIONS,
    RETRY_QUOTA,
    STEP_SECONDS,
    Action,
    State,
    adoption,
    catch,
    choice,
    constant,
    equals,
    retry,
    when,
)

FILE = Path(__file__).with_name("batch.asl.json")
PART_IMAGES = 12
"""A Lambda runs for at most 15 minutes, and an image may take up to four. Several are decoded at a time."""
TOLERATED_PERCENT = 5
"""Of the images, in parts that failed after all tries. If there are more, the stage is the cause."""
MAX_SECONDS = 60 * 24 * 3600

_RETRY = retry(["States.ALL"], 2, 6, MaxDelaySeconds=120, JitterStrategy="FULL")
"""A part can be repeated: what has its result is left alone."""


def _folder(pattern: str, scheme: str = "") -> str:
    """A folder of the batch."""
    return f"States.Format('{scheme}{pattern}', $.name)"


def _step(name: str, then: State, into: str | None = None, **payload: str) -> State:
    """A step of `chalicelib.batches.steps`."""
    return {
        "Type": "Task",
        "Resource": "${BatchFunction}",
        "Parameters": {"step": name, **{f"{key}.$": path for key, path in payload.items()}},
        "TimeoutSeconds": STEP_SECONDS,
        "Retry": [_RETRY],
        **({"ResultPath": f"$.{into}"} if into else {}),
        **then,
    }


def _everything(label: str, reader: State, step: str, into: str, then: str) -> State:
    """A state that works through all that an ItemReader reads, in parts."""
    name = f"{step.capitalize()} part"
    return {
        "Type": "Map",
        "Label": label,
        "ItemReader": reader,
        "ItemBatcher": {"MaxItemsPerBatch": PART_IMAGES, "BatchInput": {"batch.$": "$"}},
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": name,
            "States": {name: _step(step, {"End": True}, batch="$.BatchInput.batch", items="$.Items")},
        },
        "MaxConcurrencyPath": "$.concurrency",
        "ToleratedFailurePercentage": TOLERATED_PERCENT,
        "ResultWriter": {
            "Resource": f"{INTEGRATIONS}:s3:putObject",
            "Parameters": {"Bucket": "${DataBucket}", "Prefix.$": _folder(RESULTS)},
            # Lines, of which the report reads one at a time.
            "WriterConfig": {"Transformation": "NONE", "OutputType": "JSONL"},
        },
        "ResultSelector": {"manifest.$": "$.ResultWriterDetails.Key"},
        "ResultPath": f"$.{into}",
        "Next": then,
    }


def _source(label: str, reader: State) -> State:
    return _everything(label, reader, "classify", into="written", then="By transform job?")


def _objects(prefix: str) -> State:
    return {
        "Resource": f"{INTEGRATIONS}:s3:listObjectsV2",
        "Parameters": {"Bucket": "${DataBucket}", "Prefix.$": prefix},
    }


def _file(**config: str) -> State:
    return {
        "Resource": f"{INTEGRATIONS}:s3:getObject",
        "ReaderConfig": config,
        "Parameters": {"Bucket": "${DataBucket}", "Key.$": "$.source"},
    }


def _is_present(key: str) -> State:
    return {"Variable": f"$.{key}", "IsPresent": True}


_TRANSFORM = Action(
    "sagemaker:createTransformJob.sync",
    transform_job(
        "$.plan.job",
        "$.plan.model",
        _folder(ARRAYS, "s3://${DataBucket}/"),
        _folder(ANSWERS.removesuffix("/"), "s3://${DataBucket}/"),
    )
    | {
        "BatchStrategy": "SingleRecord",
        "ModelClientConfig": {"InvocationsMaxRetries": 3, "InvocationsTimeoutInSeconds": 60},
    },
)
_THROTTLED = retry(_TRANSFORM.errors, 5, 6, MaxDelaySeconds=60, JitterStrategy="FULL")

DEFINITION: State = {
    "Comment": "Classify an archive, or classify again what an earlier model has answered.",
    "StartAt": "Kind of source",
    "TimeoutSeconds": MAX_SECONDS,
    "States": {
        "Kind of source": choice(
            when("kind", "list", then="Classify list"),
            when("kind", "inventory", then="Classify inventory"),
            default="Classify folder",
        ),
        "Classify folder": _source("folder", _objects("$.source")),
        "Classify list": _source("list", _file(InputType="CSV", CSVHeaderLocation="FIRST_ROW")),
        "Classify inventory": _source("inventory", _file(InputType="MANIFEST")),
        "By transform job?": choice(
            {"And": [_is_present("transform"), equals("transform", True)], "Next": "Plan transform job"},
            default="Report",
        ),
        "Plan transform job": _step(
            *("plan", {"Next": "Anything prepared?"}, "plan"), batch="$", execution="$$.Execution.Name"
        ),
        "Anything prepared?": choice(when("plan.images", True, then="Transform"), default="Report"),
        "Transform": {
            "Type": "Task",
            "Resource": f"{INTEGRATIONS}:{_TRANSFORM.name}",
            "Parameters": _TRANSFORM.parameters,
            "ResultPath": None,
            "Retry": [RETRY_QUOTA, _THROTTLED],
            # A job that fails has answered for some images, which have their results in the end.
            "Catch": [
                catch("Describe transform job", *_TRANSFORM.unconfirmed),
                catch("Record answers", into="failed"),
            ],
            "Next": "Record answers",
        },
        **adoption(
            *("transform job", "TransformJob", "$.plan.job"),
            then="Record answers",
            failed="Note failure",
            missing="Note failure",
        ),
        "Note failure": constant("failed", "The transform job has failed.", then="Record answers"),
        "Record answers": _everything(
            *(RECORDING, _objects(_folder(ARRAYS)), "record"), into="recorded", then="Report"
        ),
        "Report": _step(
            *("report", {"Next": "Transformed?"}, "report"), batch="$", manifest="$.written.manifest"
        ),
        "Transformed?": choice(
            {**_is_present("failed"), "Next": "Transform job failed"},
            default="Done",
        ),
        "Transform job failed": {
            "Type": "Fail",
            "Error": "TransformFailed",
            "Cause": "The transform job has failed. What it has answered is recorded; see the report.",
        },
        "Done": {"Type": "Pass", "InputPath": "$.report", "End": True},
    },
}

if __name__ == "__main__":
    write_or_check(FILE, json.dumps(DEFINITION, indent=2) + "\n", "statemachine.batch")
