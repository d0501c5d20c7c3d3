"""The state machine of an export: DynamoDB copies its table to the bucket, and a job writes the file.

`make generate` writes it to export.asl.json, which is deployed.
Names in `${...}` are filled in by template.yaml; the input is `{"folder": "exports/USER/NAME/"}`.
"""

import json
from pathlib import Path

from chalicelib.exports.service import REQUEST, WRITING
from deploy.generated import write_or_check
from statemachine.requests import FOLDER, processing_job
from statemachine.states import (
    INTEGRATIONS,
    Action,
    State,
    States,
    adoption,
    catch,
    choice,
    retry,
    wait,
    when,
)

FILE = Path(__file__).with_name("export.asl.json")
MAX_SECONDS = 24 * 3600
INSTANCE_TYPE = "ml.m7i.large"
VOLUME_GB = 100
"""The copy of ten million results has some 6 GB, their file some 4 GB."""
_COPY = "table-exports/{}"
"""Where DynamoDB writes, by the name of the export. Only the job can read it."""
_THROTTLED = retry(
    ["DynamoDB.DynamoDbException", "DynamoDB.LimitExceededException", "DynamoDB.SdkClientException"],
    *(10, 6),
    MaxDelaySeconds=300,
    JitterStrategy="FULL",
)
"""50 exports can run at the same time in an account."""


def _named(text: str) -> str:
    """The name of the export within a text."""
    return f"States.Format('{text}', $$.Execution.Name)"


def _task(integration: str, parameters: State, result: State, into: str | None, retrier: State) -> State:
    return {
        "Type": "Task",
        "Resource": f"{INTEGRATIONS}:{integration}",
        "Parameters": parameters,
        "ResultSelector": result,
        "ResultPath": f"$.{into}" if into else None,
        "Retry": [retrier],
    }


_ARGUMENTS = {
    "table": f"{FOLDER}/table",
    "request": f"{FOLDER}/request/{REQUEST}",
    "output": f"{FOLDER}/output",
}
_JOB_NAME = _named("negatoscope-${Stage}-export-{}")
_WRITE = Action(
    "sagemaker:createProcessingJob.sync",
    processing_job(
        name=_JOB_NAME,
        inputs={
            "table": {"S3Uri.$": _named(f"s3://${{DataBucket}}/{_COPY}/")},
            "request": {"S3Uri.$": f"States.Format('s3://${{DataBucket}}/{{}}{REQUEST}', $.folder)"},
        },
        output={"OutputName": "file", "S3Uri.$": "States.Format('s3://${DataBucket}/{}', $.folder)"},
        cluster={"InstanceCount": 1, "InstanceType": INSTANCE_TYPE, "VolumeSizeInGB": VOLUME_GB},
        arguments={
            "ContainerArguments": [
                "training.export_results",
                *(word for name, path in _ARGUMENTS.items() for word in (f"--{name}", path)),
            ]
        },
        role="${ExportJobRole}",
    ),
)
_JOBS = retry(
    [*_WRITE.errors, "SageMaker.ResourceLimitExceededException"],
    *(30, 10),
    MaxDelaySeconds=900,
    JitterStrategy="FULL",
)
STATES: States = {
    "Copy table": _task(
        "aws-sdk:dynamodb:exportTableToPointInTime",
        {
            "TableArn": "${ResultsTable}",
            "S3Bucket": "${DataBucket}",
            "S3Prefix.$": _named(_COPY),
            "S3SseAlgorithm": "KMS",
            "S3SseKmsKeyId": "${DataKey}",
            "ExportFormat": "DYNAMODB_JSON",
            # Repeated requests of an execution start one export.
            "ClientToken.$": "$$.Execution.Name",
        },
        {"arn.$": "$.ExportDescription.ExportArn"},
        *("copy", _THROTTLED),
    )
    | {"Next": "Wait for copy"},
    "Wait for copy": wait(15, then="Describe copy"),
    "Describe copy": _task(
        "aws-sdk:dynamodb:describeExport",
        {"ExportArn.$": "$.copy.arn"},
        {"status.$": "$.ExportDescription.ExportStatus"},
        *("described", _THROTTLED),
    )
    | {"Next": "Copied?"},
    "Copied?": choice(
        when("described.status", "COMPLETED", then=WRITING),
        when("described.status", "IN_PROGRESS", then="Wait for copy"),
        default="Copy failed",
    ),
    "Copy failed": {"Type": "Fail", "Error": "CopyFailed", "Cause": "DynamoDB could not copy the table."},
    WRITING: _task(
        _WRITE.name,
        _WRITE.parameters,
        {"job.$": "$.ProcessingJobName"},
        *(None, _JOBS),
    )
    | {"Catch": [catch("Describe job", *_WRITE.unconfirmed), catch("Not written")], "Next": "Done"},
    **adoption(*("job", "ProcessingJob", _JOB_NAME), then="Done", failed="Job failed", missing="Not written"),
    "Done": {"Type": "Succeed"},
    "Job failed": {"Type": "Fail", "Error": "JobFailed", "Cause": "The job that writes the file has failed."},
    "Not written": {"Type": "Fail", "ErrorPath": "$.error.Error", "CausePath": "$.error.Cause"},
}
DEFINITION: State = {
    "Comment": "Export results: DynamoDB copies the table to the bucket, and a job writes the file.",
    "StartAt": "Copy table",
    "TimeoutSeconds": MAX_SECONDS,
    "States": STATES,
}

if __name__ == "__main__":
    write_or_check(FILE, json.dumps(DEFINITION, indent=2) + "\n", "statemachine.export")
