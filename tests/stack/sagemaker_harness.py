"""A harness for tests of SageMaker: a bucket, a role, small programs and requests for jobs."""

import io
import json
import tarfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.loopback import ask
from tests.stack.client import Client, wait_for

BUCKET = "sagemaker-tests"
ROLE = "arn:aws:iam::000000000000:role/sagemaker-tests"
IMAGE = "pytorch-training:2.8.0-cpu-py312"
PERMISSIONS = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
            "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
        },
        {
            "Effect": "Allow",
            "Action": "cloudwatch:DescribeAlarms",
            "Resource": "arn:aws:cloudwatch:us-east-1:000000000000:alarm:alarm-*",
        },
    ],
}
UNFINISHED = ("InProgress", "Stopping", "Creating", "Updating", "SystemUpdating", "Deleting")

# Answers with its name and the request, and fails in the ways that a request asks for.
INFERENCE = """
import os
import time

def model_fn(model_dir):
    with open(os.path.join(model_dir, "name.txt")) as file:
        return file.read()

def input_fn(body, content_type):
    return content_type, body if isinstance(body, str) else body.decode()

def predict_fn(request, model):
    content_type, text = request
    if text == "crash":
        raise ValueError("asked to crash")
    if text == "exit":
        os._exit(7)
    print("answering", text)
    if text.startswith("wait for "):
        while not os.path.exists(text.removeprefix("wait for ")):
            time.sleep(0.05)
    return "|".join((model, content_type, text, os.environ.get("COLOUR", "")))

def output_fn(answer, accept, context):
    if "unreadable" in answer:
        context.set_response_status(code=415, phrase="Unsupported Media Type")
        return '{"code": "NotAnImage"}', "application/json"
    return answer, accept
"""


def archive(files: Mapping[str, str | bytes]) -> bytes:
    """Pack files into a .tar.gz."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def unarchive(packed: bytes) -> dict[str, str]:
    """The text files of a .tar.gz."""
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        return {
            entry.name: file.read().decode() for entry in tar if (file := tar.extractfile(entry)) is not None
        }


class SageMakerHarness:
    """Runs jobs and endpoints in the emulator's account."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.s3 = client.s3

    @cached_property
    def sagemaker(self) -> Any:
        """A client of SageMaker that does not validate requests."""
        return self._client("sagemaker")

    @cached_property
    def runtime(self) -> Any:
        """A client of SageMaker Runtime."""
        return self._client("sagemaker-runtime")

    def _client(self, service: str) -> Any:
        config = Config(parameter_validation=False, retries={"total_max_attempts": 1})
        return self.client.aws(service, config=config)

    def set_up(self) -> None:
        """Create the bucket and the role."""
        self.s3.create_bucket(Bucket=BUCKET)
        self.role("sagemaker-tests", PERMISSIONS)

    def role(self, name: str, permissions: Mapping[str, Any], service: str = "sagemaker") -> str:
        """Create a role that a service may assume, unless it exists, and return its ARN."""
        iam = self.client.aws("iam")
        principal = {"Service": f"{service}.amazonaws.com"}
        statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        trust = {"Version": "2012-10-17", "Statement": [statement]}
        with suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(permissions))
        return str(iam.get_role(RoleName=name)["Role"]["Arn"])

    def name(self, what: str = "job") -> str:
        """A unique name."""
        return f"{what}-{uuid.uuid4().hex[:8]}"

    def put(self, key: str, content: str | bytes) -> str:
        """Store an object and return its URI."""
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=content)
        return f"s3://{BUCKET}/{key}"

    def get(self, uri: str) -> bytes:
        """The content of an object."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        content: bytes = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return content

    def keys(self, prefix: str) -> set[str]:
        """What is stored under a prefix, relative to it."""
        found = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        return {item["Key"].removeprefix(prefix) for item in found}

    def log(self, group: str, prefix: str) -> list[str]:
        """What stands in a log group's streams whose names begin so."""
        logs = self.client.aws("logs")
        try:
            streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=prefix)["logStreams"]
        except logs.exceptions.ResourceNotFoundException:
            return []
        return [
            event["message"]
            for stream in streams
            for event in logs.get_log_events(
                logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True
            )["events"]
        ]

    # ------------------------------------------------------------------------------------- training

    def training(self, program: str, **changes: Any) -> dict[str, Any]:
        """The request for a training job of a Python program; `changes` replace members of it."""
        name = self.name("training")
        source = self.put(f"code/{name}.tar.gz", archive({"train.py": program}))
        parameters = {"sagemaker_program": "train.py", "sagemaker_submit_directory": source}
        request = {
            "TrainingJobName": name,
            "RoleArn": ROLE,
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/output"},
            "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            **changes,
        }
        request["HyperParameters"] = {**parameters, **changes.get("HyperParameters", {})}
        return request

    def train(self, program: str, **changes: Any) -> str:
        """Start a training job and return its name."""
        request = self.training(program, **changes)
        self.sagemaker.create_training_job(**request)
        return str(request["TrainingJobName"])

    def trained(self, name: str) -> Any:
        """Wait until a training job has ended, and return its description."""
        return self.over(lambda: self.sagemaker.describe_training_job(TrainingJobName=name))

    def is_training(self, name: str) -> Any:
        """Wait until the program of a job runs, and return the description."""

        def training() -> Any:
            job = self.sagemaker.describe_training_job(TrainingJobName=name)
            assert job["TrainingJobStatus"] == "InProgress", job.get("FailureReason")
            return job if job["SecondaryStatus"] == "Training" else None

        return wait_for(training)

    def over(self, describe: Any) -> Any:
        """Wait until no status in a description is unfinished, and return it."""

        def found() -> Any:
            description = describe()
            statuses = [value for key, value in description.items() if key.endswith("Status")]
            return None if set(statuses) & set(UNFINISHED) else description

        return wait_for(found)

    def interrupt(self, name: str) -> int:
        """Interrupt the spot instance of a training job, and return the HTTP status."""
        port = self.client.stack.emulator_port
        return ask(port, f"/_local/sagemaker/training-jobs/{name}/interrupt", method="POST")

    # -------------------------------------------------------------------------------------- serving

    @contextmanager
    def cold_start(self, seconds: float) -> Iterator[None]:
        """Let idle serverless endpoints take so long to start."""
        port = self.client.stack.emulator_port
        assert ask(port, f"/_local/sagemaker/cold-start/{seconds}", method="POST") == 204
        yield
        ask(port, "/_local/sagemaker/cold-start/0", method="POST")

    def model(self, text: str, inference: str = INFERENCE, **environment: str) -> str:
        """Create a model that holds a text, and return its name."""
        files = {"name.txt": text, "code/inference.py": inference}
        return self.model_at(self.put(f"models/{self.name('model')}.tar.gz", archive(files)), **environment)

    def model_at(self, url: str, **environment: str) -> str:
        """Create a model from an archive, and return its name."""
        name = self.name("model")
        container = {"Image": IMAGE, "ModelDataUrl": url, "Environment": environment}
        self.sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
        return name

    def config(self, model: str, **changes: Any) -> str:
        """Create an endpoint configuration with one variant, and return its name."""
        name = self.name("config")
        variant = {
            "VariantName": "AllTraffic",
            "ModelName": model,
            "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5},
            **changes,
        }
        variant = {member: value for member, value in variant.items() if value is not None}
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
        return name

    def endpoint(self, config: str) -> str:
        """Create an endpoint, wait until it is in service, and return its name."""
        name = self.name("endpoint")
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
        described = self.served(name)
        assert described["EndpointStatus"] == "InService", described
        return name

    def served(self, name: str) -> Any:
        """Wait until an endpoint is not being changed, and return its description."""
        return self.over(lambda: self.sagemaker.describe_endpoint(EndpointName=name))

    def ask(self, endpoint: str, body: str, **parameters: Any) -> str:
        """Invoke an endpoint and return its response."""
        parameters = {"ContentType": "text/plain", "Accept": "text/plain", **parameters}
        answer = self.runtime.invoke_endpoint(EndpointName=endpoint, Body=body.encode(), **parameters)
        text: str = answer["Body"].read().decode()
        return text

    def refused(self, endpoint: str, body: bytes, **parameters: Any) -> Any:
        """Invoke an endpoint that refuses, and return the error response."""
        with pytest.raises(ClientError) as error:
            self.runtime.invoke_endpoint(EndpointName=endpoint, Body=body, **parameters)
        return error.value.response

    def remove(self, endpoint: str) -> None:
        """Delete an endpoint and wait until it is gone."""
        self.sagemaker.delete_endpoint(EndpointName=endpoint)
        wait_for(lambda: not self.sagemaker.list_endpoints(NameContains=endpoint)["Endpoints"])


def refusal(error: Any) -> tuple[str, str]:
    """The code and message of a raised error."""
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def pause() -> None:
    """Wait a moment."""
    time.sleep(0.2)
