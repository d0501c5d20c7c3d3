"""The definition of the state machine of exports: current, valid, and allowed."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint_file

from chalicelib.exports.service import REQUEST, WRITING
from statemachine.export import DEFINITION, FILE
from tests import policies
from tests.asl import Execution, TaskFailed
from tests.cloud import RETRAINING, foundation, template
from tests.policies import Need
from tests.stage import BUCKET, TABLE

STATES: dict[str, Any] = DEFINITION["States"]
_ARN = "us-east-1:123456789012"
TABLE_ARN = f"arn:aws:dynamodb:{_ARN}:table/{TABLE}"
JOB = f"arn:aws:sagemaker:{_ARN}:processing-job/negatoscope-test-export-20261129-120000-0a1b2c3d"
JOB_ROLE = "arn:aws:iam::123456789012:role/negatoscope-test-export-job"


def test_definition_that_is_deployed_is_current() -> None:
    assert FILE.read_text() == json.dumps(DEFINITION, indent=2) + "\n", "run `make generate`"


def test_definition_is_valid_with_the_substitutions_of_the_template(tmp_path: Path) -> None:
    text = FILE.read_text()
    known = template(RETRAINING)["Resources"]["Export"]["Properties"]["DefinitionSubstitutions"]
    assert set(re.findall(r"\$\{(\w+)\}", text)) == known.keys()
    filled = re.sub(r"\$\{\w+\}", "x", text.replace("${Partition}", "aws"))
    properties = {"RoleArn": "arn:aws:iam::123456789012:role/x", "Definition": json.loads(filled)}
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    (tmp_path / "template.json").write_text(json.dumps({"Resources": {"Machine": machine}}))
    assert [str(match) for match in lint_file(tmp_path / "template.json")] == []


def test_state_that_writes_is_the_one_that_progress_names() -> None:
    assert STATES[WRITING]["Resource"].endswith("sagemaker:createProcessingJob.sync")
    inputs = {one["InputName"]: one["S3Input"] for one in STATES[WRITING]["Parameters"]["ProcessingInputs"]}
    assert inputs["request"]["S3Uri.$"].startswith("States.Format('s3://${DataBucket}/{}" + REQUEST)


def test_tasks_are_repeated() -> None:
    assert all(state["Retry"] for state in STATES.values() if state["Type"] == "Task")


# ---------------------------------------------------------------------------------------- ways through it

COPIED = {"ExportDescription": {"ExportArn": "arn", "ExportStatus": "COMPLETED"}}


def execution(**answers: Any) -> Execution:
    """An execution; `answers` are results or errors, by the first word, and lists have one for each time."""

    def perform(name: str, _parameters: Any) -> Any:
        found = COPIED if name.endswith("copy") or name == "Copy table" else answers[name.split()[0]]
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        if isinstance(found, TaskFailed):
            raise found
        return found

    definition = json.loads(re.sub(r"\$\{\w+\}", "x", FILE.read_text()))
    return Execution(definition, {"folder": "exports/u/n/"}, perform, "arn:n")


def test_export_writes_a_file() -> None:
    found = execution(Write={"ProcessingJobName": "job"})

    assert (found.passed[-2:], found.error) == ([WRITING, "Done"], None)


@pytest.mark.parametrize(
    "error",
    [
        "SageMaker.AmazonSageMakerException",
        "SageMaker.ResourceInUseException",
        "SageMaker.SdkClientException",
    ],
)
def test_job_whose_creation_was_not_confirmed_is_waited_for(error: str) -> None:
    described = [{"ProcessingJobStatus": "InProgress"}, {"ProcessingJobStatus": "Completed"}]

    found = execution(Write=TaskFailed(error), Describe=described)

    assert found.passed.count("Wait for job") == 1
    assert (found.end, found.error) == ("Done", None)


def test_job_that_was_not_created_fails_the_export_with_the_cause() -> None:
    refused = TaskFailed("SageMaker.AmazonSageMakerException", "Denied.")

    found = execution(Write=refused, Describe=TaskFailed("SageMaker.ResourceNotFoundException"))

    assert found.error == refused.output


@pytest.mark.parametrize("status", ["Failed", "Stopped"])
def test_job_that_was_waited_for_and_fails_fails_the_export(status: str) -> None:
    refused = TaskFailed("SageMaker.ResourceInUseException")

    found = execution(Write=refused, Describe={"ProcessingJobStatus": status})

    assert found.end == "Job failed"


def test_failed_job_fails_the_export_with_its_cause() -> None:
    found = execution(Write=TaskFailed("States.TaskFailed", "No memory left."))

    assert found.error == {"Error": "States.TaskFailed", "Cause": "No memory left."}


# ------------------------------------------------------------------------------------------- permissions


def of_machine() -> Iterator[Need]:
    """What the states need (Step Functions developer guide, "IAM policies for integrated services")."""
    yield Need("dynamodb:ExportTableToPointInTime", TABLE_ARN)
    yield Need("dynamodb:DescribeExport", f"{TABLE_ARN}/export/01693685827463-2d8752fd")
    copy = f"arn:aws:s3:::{BUCKET}/table-exports/20261129-120000-0a1b2c3d/AWSDynamoDB/x/data/y.json.gz"
    for action in ("AbortMultipartUpload", "PutObject", "PutObjectAcl"):
        yield Need(f"s3:{action}", copy)
    for action in (
        "CreateProcessingJob",
        "DescribeProcessingJob",
        "StopProcessingJob",
        "AddTags",
        "ListTags",
    ):
        yield Need(f"sagemaker:{action}", JOB)
    yield Need("iam:PassRole", JOB_ROLE, (("iam:passedtoservice", "sagemaker.amazonaws.com"),))
    rule = policies.rule("StepFunctionsGetEventsForSageMakerProcessingJobsRule")
    for action in ("DescribeRule", "PutRule", "PutTargets"):
        yield Need(f"events:{action}", rule)


def of_job() -> Iterator[Need]:
    """What SageMaker needs to run the job."""
    bucket = f"arn:aws:s3:::{BUCKET}"
    folder = "exports/4711/20261129-120000-0a1b2c3d"
    for key in ("code/0a/run.sh", f"{folder}/{REQUEST}", "table-exports/20261129-120000-0a1b2c3d/x.json.gz"):
        yield Need("s3:GetObject", f"{bucket}/{key}")
        yield Need("s3:ListBucket", bucket, (("s3:prefix", key),))
    yield Need("s3:PutObject", f"{bucket}/{folder}/results.csv")


FORBIDDEN = (
    Need("s3:GetObject", f"arn:aws:s3:::{BUCKET}/inbox/chest-xray/film.dcm"),
    Need("s3:GetObject", f"arn:aws:s3:::{BUCKET}/results/chest-xray/0.json"),
    Need("s3:GetObject", f"arn:aws:s3:::{BUCKET}/exports/4711/x/results.csv"),
    Need("s3:PutObject", f"arn:aws:s3:::{BUCKET}/models/chest-xray/current.json"),
    Need("dynamodb:Scan", TABLE_ARN),
    Need("iam:PassRole", policies.SAGEMAKER_ROLE, (("iam:passedtoservice", "sagemaker.amazonaws.com"),)),
)
BY_SERVICES = ("kms:", "logs:", "xray:", "ecr:", "cloudwatch:")
"""What the services do with a role besides: encryption, logs, traces, metrics and images."""


def test_roles_allow_what_is_needed_and_no_more() -> None:
    for role, needed in (("ExportRole", [*of_machine()]), ("ExportJobRole", [*of_job()])):
        assert [str(need) for need in needed if not policies.allows(RETRAINING, role, need)] == []
        assert [str(need) for need in FORBIDDEN if policies.allows(RETRAINING, role, need)] == []
        unused = {
            f"{action} on {resource}"
            for action, resource, statement in policies.grants(RETRAINING, role)
            if not action.startswith(BY_SERVICES)
            and not any(policies.grant_covers(action, resource, need, statement) for need in needed)
        }
        assert unused == set()


def test_training_jobs_cannot_read_copies_of_the_table() -> None:
    (copy,) = (need for need in of_job() if need.resource.endswith("x.json.gz"))
    assert not policies.allows(RETRAINING, "SageMakerRole", copy)
    assert not policies.lambda_allows("api", copy)


def test_copies_of_the_table_are_deleted_soon() -> None:
    rules: list[Mapping[str, Any]] = foundation()["DataBucket"]["Properties"]["LifecycleConfiguration"][
        "Rules"
    ]
    days = {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "ExpirationInDays" in rule}
    assert (days["table-exports/"], days["exports/"]) == (1, 7)
