"""State machines of the emulator use SageMaker, and fail and end as in AWS."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.stack import test_processing_jobs, test_transform_jobs, test_tuning_jobs
from tests.stack.client import wait_for
from tests.stack.functions import deployed
from tests.stack.sagemaker_harness import BUCKET, INFERENCE, ROLE, SageMakerHarness, archive

NOTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}],
}
LEARN = """
import os, sys
print(f"accuracy={sys.argv[sys.argv.index('--accuracy') + 1]};")
with open(os.path.join(os.environ["SM_MODEL_DIR"], "name.txt"), "w") as file:
    file.write("trained")
os.makedirs(os.path.join(os.environ["SM_MODEL_DIR"], "code"))
with open(os.path.join(os.environ["SM_MODEL_DIR"], "code", "inference.py"), "w") as file:
    file.write(open("inference.py").read())
"""
WAIT = "import time\nprint('here', flush=True)\ntime.sleep(600)"


class Machine:
    """A state machine."""

    def __init__(self, harness: SageMakerHarness, states: dict[str, Any]) -> None:
        self.client = harness.client.aws("stepfunctions")
        definition = {"StartAt": next(iter(states)), "States": states}
        self.arn = self.client.create_state_machine(
            name=harness.name("machine"),
            definition=json.dumps(definition),
            roleArn="arn:aws:iam::000000000000:role/sagemaker-tests-states",
        )["stateMachineArn"]

    def start(self, data: Any = None) -> str:
        """Start an execution and return its ARN."""
        arn: str = self.client.start_execution(
            stateMachineArn=self.arn, input=json.dumps(data if data is not None else {})
        )["executionArn"]
        return arn

    def end(self, execution: str) -> Any:
        """The description of an ended execution, with its output parsed."""

        def over() -> Any:
            description = self.client.describe_execution(executionArn=execution)
            return None if description["status"] == "RUNNING" else description

        description = wait_for(over)
        return {**description, "output": json.loads(description.get("output") or "null")}

    def run(self, data: Any = None) -> Any:
        """The description of a new execution after its end."""
        return self.end(self.start(data))


@pytest.fixture(scope="module", autouse=True)
def role(harness: SageMakerHarness) -> None:
    harness.role("sagemaker-tests-states", NOTHING, "states")


def task(resource: str, parameters: dict[str, Any], **more: Any) -> dict[str, Any]:
    state = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": parameters, **more}
    return state if "Next" in state else {**state, "End": True}


def raising(event: Any, _context: Any) -> Any:
    """Raise the error that the event names."""

    class LabelsMissing(Exception):
        pass

    if event.get("fail") == "LabelsMissing":
        raise LabelsMissing("no labels")
    if event.get("fail"):
        raise ValueError("other")
    return event


# ------------------------------------------------------------------------------------------ SageMaker


def test_execution_trains_and_serves_a_model(harness: SageMakerHarness) -> None:
    training = harness.training(LEARN)
    source = harness.put("code/learn.tar.gz", archive({"train.py": LEARN, "inference.py": INFERENCE}))
    training["HyperParameters"] |= {"sagemaker_submit_directory": source, "accuracy.$": "$.accuracy"}
    training["AlgorithmSpecification"]["MetricDefinitions"] = [
        {"Name": "accuracy", "Regex": r"accuracy=([0-9.]+);"}
    ]
    name = training["TrainingJobName"]
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": name,
        "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 1},
    }
    described = task(
        "aws-sdk:sagemaker:describeEndpoint",
        {"EndpointName": name},
        ResultSelector={"status.$": "$.EndpointStatus", "config.$": "$.EndpointConfigName"},
    )
    machine = Machine(
        harness,
        {
            "Train": task(
                "sagemaker:createTrainingJob.sync", training, ResultPath="$.training", Next="Good enough?"
            ),
            "Good enough?": {
                "Type": "Choice",
                "Choices": [
                    {
                        "Variable": "$.training.FinalMetricDataList[0].Value",
                        "NumericGreaterThan": 0.5,
                        "Next": "Model",
                    }
                ],
                "Default": "Rejected",
            },
            "Rejected": {"Type": "Fail", "Error": "Rejected"},
            "Model": task(
                "sagemaker:createModel",
                {
                    "ModelName": name,
                    "ExecutionRoleArn": ROLE,
                    "PrimaryContainer": {
                        "Image": "image",
                        "ModelDataUrl.$": "$.training.ModelArtifacts.S3ModelArtifacts",
                    },
                },
                ResultPath=None,
                Next="Configure",
            ),
            "Configure": task(
                "sagemaker:createEndpointConfig",
                {"EndpointConfigName": name, "ProductionVariants": [variant]},
                ResultPath=None,
                Next="Exists?",
            ),
            "Exists?": {
                **described,
                "Catch": [
                    {"ErrorEquals": ["SageMaker.SageMakerException"], "ResultPath": "$.why", "Next": "Create"}
                ],
            },
            "Create": task(
                "sagemaker:createEndpoint",
                {"EndpointName": name, "EndpointConfigName": name},
                ResultPath=None,
                Next="Wait",
            ),
            "Wait": {"Type": "Wait", "Seconds": 1, "Next": "Look"},
            "Look": {
                key: value for key, value in {**described, "ResultPath": "$.endpoint"}.items() if key != "End"
            }
            | {"Next": "Serves?"},
            "Serves?": {
                "Type": "Choice",
                "Choices": [
                    {"Variable": "$.endpoint.status", "StringEquals": "Creating", "Next": "Wait"},
                ],
                "Default": "Update",
            },
            "Update": task(
                "sagemaker:updateEndpoint",
                {"EndpointName": name, "EndpointConfigName": name},
                ResultPath="$.update",
            ),
        },
    )

    ended = machine.run({"accuracy": "0.9"})

    assert ended["status"] == "SUCCEEDED", ended
    output = ended["output"]
    assert output["training"]["TrainingJobStatus"] == "Completed"
    assert output["training"]["CreationTime"] > 1e12  # milliseconds
    assert output["endpoint"] == {"status": "InService", "config": name}
    assert 'Could not find endpoint "arn:' in output["why"]["Cause"]
    assert harness.served(name)["EndpointStatus"] == "InService"
    assert harness.ask(name, "hello").startswith("trained|")
    harness.remove(name)


def test_failed_job_fails_its_state_with_its_description(harness: SageMakerHarness) -> None:
    training = harness.training("raise ValueError('no images')")
    states = {"Train": task("sagemaker:createTrainingJob.sync", training)}

    ended = Machine(harness, states).run()

    assert (ended["status"], ended["error"]) == ("FAILED", "States.TaskFailed")
    cause = json.loads(ended["cause"])
    assert cause["TrainingJobStatus"] == "Failed"
    assert "no images" in cause["FailureReason"]


def test_refused_request_fails_its_state_with_the_error_of_sagemaker(harness: SageMakerHarness) -> None:
    training = harness.training("pass", RoleArn="arn:aws:iam::000000000000:role/nobody")
    catch = [
        {"ErrorEquals": ["SageMaker.AmazonSageMakerException"], "ResultPath": "$.error", "Next": "Caught"}
    ]
    states = {
        "Train": task("sagemaker:createTrainingJob.sync", training, Catch=catch),
        "Caught": {"Type": "Succeed"},
    }

    ended = Machine(harness, states).run()

    assert ended["status"] == "SUCCEEDED"
    assert "Could not assume role" in ended["output"]["error"]["Cause"]


@pytest.mark.parametrize("kind", ["tuning", "transform", "processing"])
def test_state_waits_for_jobs_of_every_kind(harness: SageMakerHarness, kind: str) -> None:
    harness.put("data/steps/texts/a.txt", "one")
    if kind == "tuning":
        request = test_tuning_jobs.tuning(harness, test_tuning_jobs.TRIAL, jobs=1)
        request["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxParallelTrainingJobs"] = 1
        call, status = "createHyperParameterTuningJob", "HyperParameterTuningJobStatus"
    elif kind == "transform":
        request = test_transform_jobs.transform(harness, harness.model("bob"), f"s3://{BUCKET}/data/steps/")
        call, status = "createTransformJob", "TransformJobStatus"
    else:
        request = test_processing_jobs.processing(harness, "print('done')")
        request["ProcessingInputs"] = request["ProcessingInputs"][:1]
        call, status = "createProcessingJob", "ProcessingJobStatus"

    ended = Machine(harness, {"Work": task(f"sagemaker:{call}.sync", request)}).run()

    assert ended["status"] == "SUCCEEDED", ended
    assert ended["output"][status] == "Completed"


def test_stopped_execution_stops_its_job(harness: SageMakerHarness) -> None:
    training = harness.training(WAIT)
    retry = [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 3}]
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
    machine = Machine(
        harness,
        {
            "Train": task("sagemaker:createTrainingJob.sync", training, Retry=retry, Catch=catch),
            "Caught": {"Type": "Succeed"},
        },
    )
    execution = machine.start()
    wait_for(lambda: harness.log("/aws/sagemaker/TrainingJobs", training["TrainingJobName"]))

    machine.client.stop_execution(executionArn=execution, error="Enough")

    assert harness.trained(training["TrainingJobName"])["TrainingJobStatus"] == "Stopped"
    assert machine.end(execution)["status"] == "ABORTED"
    history = machine.client.get_execution_history(executionArn=execution)["events"]
    assert history[-1]["type"] == "ExecutionAborted"


def test_timeout_of_a_state_stops_its_job(harness: SageMakerHarness) -> None:
    training = harness.training(WAIT)
    states = {"Train": task("sagemaker:createTrainingJob.sync", training, TimeoutSeconds=2)}

    ended = Machine(harness, states).run()

    assert (ended["status"], ended["error"]) == ("FAILED", "States.Timeout")
    assert harness.trained(training["TrainingJobName"])["TrainingJobStatus"] == "Stopped"


# ------------------------------------------------------------------------------------------- the rest


def test_errors_of_lambdas_have_their_names(harness: SageMakerHarness) -> None:
    def states(function: str, **more: Any) -> dict[str, Any]:
        parameters = {"FunctionName": function, "Payload.$": "$"}
        catch = [{"ErrorEquals": ["LabelsMissing"], "ResultPath": "$.error", "Next": "Caught"}]
        return {
            "Call": task("lambda:invoke", parameters, Catch=catch, **more),
            "Caught": {"Type": "Succeed"},
        }

    with deployed(harness.client, raising, "api") as function:
        caught = Machine(harness, states(function.name)).run({"fail": "LabelsMissing"})
        failed = Machine(harness, states(function.name)).run({"fail": "other"})
        before = function.starts()
        retry = [{"ErrorEquals": ["ValueError"], "MaxAttempts": 2, "IntervalSeconds": 1, "BackoffRate": 1.0}]
        Machine(harness, states(function.name, Retry=retry)).run({"fail": "other"})
        tries = function.starts() - before

    assert caught["status"] == "SUCCEEDED"
    assert json.loads(caught["output"]["error"]["Cause"])["errorMessage"] == "no labels"
    assert (failed["status"], failed["error"]) == ("FAILED", "ValueError")
    assert tries == 3


def test_task_waits_for_its_token(harness: SageMakerHarness) -> None:
    queue = harness.client.aws("sqs").create_queue(QueueName=harness.name("approvals"))["QueueUrl"]
    message = {"QueueUrl": queue, "MessageBody": {"token.$": "$$.Task.Token"}}
    machine = Machine(harness, {"Ask": task("sqs:sendMessage.waitForTaskToken", message)})

    execution = machine.start()
    received = wait_for(lambda: harness.client.aws("sqs").receive_message(QueueUrl=queue).get("Messages"))
    token = json.loads(received[0]["Body"])["token"]
    machine.client.send_task_success(taskToken=token, output='{"approved": true}')

    assert machine.end(execution)["output"] == {"approved": True}


def answering(event: Any, _context: Any) -> str:
    """Answer a token. Return "answered" or the error code."""
    import boto3
    from botocore.exceptions import ClientError

    try:
        boto3.client("stepfunctions").send_task_success(taskToken=event["token"], output="{}")
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "answered"


def test_token_can_be_answered_only_with_permission(harness: SageMakerHarness) -> None:
    queue = harness.client.aws("sqs").create_queue(QueueName=harness.name("approvals"))["QueueUrl"]
    message = {"QueueUrl": queue, "MessageBody": {"token.$": "$$.Task.Token"}}
    machine = Machine(harness, {"Ask": task("sqs:sendMessage.waitForTaskToken", message)})
    execution = machine.start()
    received = wait_for(lambda: harness.client.aws("sqs").receive_message(QueueUrl=queue).get("Messages"))

    with deployed(harness.client, answering, "api") as function:  # may answer retrainings
        refused, _ = function.call(json.loads(received[0]["Body"]))

    assert refused == "AccessDeniedException"
    assert machine.client.describe_execution(executionArn=execution)["status"] == "RUNNING"
    machine.client.stop_execution(executionArn=execution)


def test_every_branch_and_attempt_has_its_own_token(harness: SageMakerHarness) -> None:
    sqs = harness.client.aws("sqs")
    queue = sqs.create_queue(QueueName=harness.name("approvals"))["QueueUrl"]
    retry = [{"ErrorEquals": ["Again"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    branches = [
        {
            "StartAt": "Ask",
            "States": {
                "Ask": task(
                    "sqs:sendMessage.waitForTaskToken",
                    {"QueueUrl": queue, "MessageBody": {"token.$": "$$.Task.Token", "branch": branch}},
                    Retry=retry,
                )
            },
        }
        for branch in range(3)
    ]
    machine = Machine(harness, {"All": {"Type": "Parallel", "Branches": branches, "End": True}})

    def tokens() -> dict[int, str]:
        received: dict[int, str] = {}

        def all_received() -> bool:
            answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=600)
            bodies = [json.loads(message["Body"]) for message in answer.get("Messages", [])]
            received.update({body["branch"]: body["token"] for body in bodies})
            return len(received) == len(branches)

        wait_for(all_received)
        return received

    execution = machine.start()
    for token in tokens().values():
        machine.client.send_task_failure(taskToken=token, error="Again")
    again = tokens()
    assert len(set(again.values())) == len(branches)
    for branch, token in again.items():
        machine.client.send_task_success(taskToken=token, output=str(branch))

    assert machine.end(execution)["output"] == [0, 1, 2]


def test_task_does_not_wait_if_its_lambda_fails(harness: SageMakerHarness) -> None:
    with deployed(harness.client, raising, "api") as function:
        parameters = {
            "FunctionName": function.name,
            "Payload": {"fail": "LabelsMissing", "token.$": "$$.Task.Token"},
        }
        ended = Machine(harness, {"Ask": task("lambda:invoke.waitForTaskToken", parameters)}).run()

    assert (ended["status"], ended["error"]) == ("FAILED", "LabelsMissing")


@pytest.mark.parametrize("mode", ["INLINE", "DISTRIBUTED"])
def test_map_processes_every_item(harness: SageMakerHarness, mode: str) -> None:
    with deployed(harness.client, raising, "api") as function:
        call = task(
            "lambda:invoke",
            {"FunctionName": function.name, "Payload": {"key.$": "$.key", "of.$": "$.of"}},
            OutputPath="$.Payload",
        )
        processor = {"ProcessorConfig": {"Mode": mode}, "StartAt": "Call", "States": {"Call": call}}
        if mode == "DISTRIBUTED":
            processor["ProcessorConfig"]["ExecutionType"] = "STANDARD"  # type: ignore[index]
        each = {
            "Type": "Map",
            "ItemsPath": "$.keys",
            "ItemSelector": {"key.$": "$$.Map.Item.Value", "of.$": "$.task"},
            "MaxConcurrency": 2,
            "ItemProcessor": processor,
            "End": True,
        }
        ended = Machine(harness, {"Each": each}).run({"keys": ["a", "b", "c"], "task": "chest"})

    assert ended["output"] == [{"key": key, "of": "chest"} for key in "abc"]


def test_distributed_map_lists_objects(harness: SageMakerHarness) -> None:
    for key in ("a", "b"):
        harness.put(f"data/mapped/{key}", key)
    each = {
        "Type": "Map",
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:listObjectsV2",
            "Parameters": {"Bucket": BUCKET, "Prefix.$": "$.prefix"},
        },
        "ItemSelector": {"key.$": "$$.Map.Item.Value.Key"},
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "Keep",
            "States": {"Keep": {"Type": "Pass", "End": True}},
        },
        "End": True,
    }

    ended = Machine(harness, {"Each": each}).run({"prefix": "data/mapped/"})

    assert ended["output"] == [{"key": "data/mapped/a"}, {"key": "data/mapped/b"}]


def test_intrinsic_functions_of_the_retraining_are_evaluated(harness: SageMakerHarness) -> None:
    parameters = {
        "name.$": "States.Format('{}-{}', $.task, States.ArrayGetItem("
        "States.StringSplit($$.Execution.Id, ':'), 6))",
        "uri.$": "States.Format('s3://{}/training/{}/', $.bucket, $$.Execution.Name)",
        "number.$": "States.MathAdd($.number, 1)",
        "text.$": "States.JsonToString($.facts)",
        "facts.$": "States.StringToJson($.json)",
        "merged.$": "States.JsonMerge($.facts, States.StringToJson($.json), false)",
        "hash.$": "States.Hash($.task, 'SHA-256')",
        "list.$": "States.Array($.task, $.number)",
        "length.$": "States.ArrayLength($.list)",
    }
    data = {"task": "chest", "bucket": "b", "number": 2, "list": [1, 2]}
    data |= {"facts": {"a": 1}, "json": '{"b": [1, 2]}'}
    machine = Machine(harness, {"Make": {"Type": "Pass", "Parameters": parameters, "End": True}})

    execution = machine.start(data)
    output = machine.end(execution)["output"]

    name = execution.rpartition(":")[2]
    assert output["name"] == f"chest-{machine.arn.rpartition(':')[2]}"
    assert output["uri"] == f"s3://b/training/{name}/"
    assert (output["number"], output["length"]) == (3, 2)
    assert json.loads(output["text"]) == {"a": 1}
    assert output["facts"] == {"b": [1, 2]}
    assert output["merged"] == {"a": 1, "b": [1, 2]}
    assert output["list"] == ["chest", 2]
    assert len(output["hash"]) == 64


def test_stopped_execution_ends_parallel_branches(harness: SageMakerHarness) -> None:
    jobs = [harness.training(WAIT), harness.training(WAIT)]
    branches = [
        {"StartAt": "Train", "States": {"Train": task("sagemaker:createTrainingJob.sync", job)}}
        for job in jobs
    ]
    machine = Machine(harness, {"Both": {"Type": "Parallel", "Branches": branches, "End": True}})
    execution = machine.start()
    for job in jobs:
        wait_for(lambda job=job: harness.log("/aws/sagemaker/TrainingJobs", job["TrainingJobName"]))  # type: ignore[misc]

    machine.client.stop_execution(executionArn=execution)

    for job in jobs:
        assert harness.trained(job["TrainingJobName"])["TrainingJobStatus"] == "Stopped"
    assert machine.end(execution)["status"] == "ABORTED"


def test_unknown_integration_fails(harness: SageMakerHarness) -> None:
    ended = Machine(harness, {"Make": task("sagemaker:createEndpoint.sync", {})}).run()

    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")
    assert "is not recognized" in ended["cause"]


def test_stopped_execution_stays_stopped(harness: SageMakerHarness) -> None:
    machine = Machine(harness, {"Wait": {"Type": "Wait", "Seconds": 600, "End": True}})
    execution = machine.start()

    machine.client.stop_execution(executionArn=execution)

    assert machine.end(execution)["status"] == "ABORTED"
    with pytest.raises(ClientError):
        machine.client.send_task_success(taskToken="none", output="{}")
