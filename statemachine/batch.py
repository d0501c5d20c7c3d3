"""The state machine of a batch: it works through an archive in parts, many at a time, and reports.

`make generate` writes it to batch.asl.json, which is deployed.
Names in `${...}` are filled in by template.yaml; `chalicelib.batches.batch.Batch` describes `$`.
"""

import json
from pathlib import Path

from chalicelib.batches.locations import RESULTS
from deploy.generated import write_or_check
from statemachine.states import INTEGRATIONS, STEP_SECONDS, State, choice, retry, when

FILE = Path(__file__).with_name("batch.asl.json")
PART_IMAGES = 12
"""A Lambda runs for at most 15 minutes, and an image may take up to four. Several are decoded at a time."""
TOLERATED_PERCENT = 5
"""Of the images, in parts that failed after all tries. If there are more, the stage is the cause."""
MAX_SECONDS = 60 * 24 * 3600

_RETRY = retry(["States.ALL"], 2, 6, MaxDelaySeconds=120, JitterStrategy="FULL")
"""A part can be repeated: what has its result is left alone."""
_PART: State = {
    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
    "StartAt": "Classify part",
    "States": {
        "Classify part": {
            "Type": "Task",
            "Resource": "${BatchFunction}",
            "Parameters": {"step": "classify", "batch.$": "$.BatchInput.batch", "items.$": "$.Items"},
            "TimeoutSeconds": STEP_SECONDS,
            "Retry": [_RETRY],
            "End": True,
        }
    },
}


def _everything(label: str, reader: State) -> State:
    """A state that works through all that an ItemReader reads."""
    return {
        "Type": "Map",
        "Label": label,
        "ItemReader": reader,
        "ItemBatcher": {"MaxItemsPerBatch": PART_IMAGES, "BatchInput": {"batch.$": "$"}},
        "ItemProcessor": _PART,
        "MaxConcurrencyPath": "$.concurrency",
        "ToleratedFailurePercentage": TOLERATED_PERCENT,
        "ResultWriter": {
            "Resource": f"{INTEGRATIONS}:s3:putObject",
            "Parameters": {"Bucket": "${DataBucket}", "Prefix.$": f"States.Format('{RESULTS}', $.name)"},
        },
        "ResultSelector": {"manifest.$": "$.ResultWriterDetails.Key"},
        "ResultPath": "$.written",
        "Next": "Report",
    }


def _file(**config: str) -> State:
    return {
        "Resource": f"{INTEGRATIONS}:s3:getObject",
        "ReaderConfig": config,
        "Parameters": {"Bucket": "${DataBucket}", "Key.$": "$.source"},
    }


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
        "Classify folder": _everything(
            "folder",
            {
                "Resource": f"{INTEGRATIONS}:s3:listObjectsV2",
                "Parameters": {"Bucket": "${DataBucket}", "Prefix.$": "$.source"},
            },
        ),
        "Classify list": _everything("list", _file(InputType="CSV", CSVHeaderLocation="FIRST_ROW")),
        "Classify inventory": _everything("inventory", _file(InputType="MANIFEST")),
        "Report": {
            "Type": "Task",
            "Resource": "${BatchFunction}",
            "Parameters": {"step": "report", "batch.$": "$", "manifest.$": "$.written.manifest"},
            "TimeoutSeconds": STEP_SECONDS,
            "Retry": [_RETRY],
            "End": True,
        },
    },
}

if __name__ == "__main__":
    write_or_check(FILE, json.dumps(DEFINITION, indent=2) + "\n", "statemachine.batch")
