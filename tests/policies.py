"""What the policies of a role allow, by the emulator's evaluation of IAM, and what a call to AWS needs.

The mapping from calls to actions and resources follows the Service Authorization Reference.
"""

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from ministack.core.iam_evaluator import EvalContext, ParsedStatement, evaluate, parse_policy_document

from tests.cloud import BATCHES, FOUNDATION, RETRAINING, template
from tests.stage import BUCKET, RETRAININGS_TABLE, TABLE

REGION, ACCOUNT = "us-east-1", "123456789012"
STAGE = "test"
_ARN = f"{REGION}:{ACCOUNT}"
_NAMES = {
    "${AWS::Partition}": "aws",
    "${AWS::Region}": REGION,
    "${AWS::AccountId}": ACCOUNT,
    "${Stage}": STAGE,
    "DataBucket.Arn": f"arn:aws:s3:::{BUCKET}",
    "DataBucket": BUCKET,
    "ResultsTable": TABLE,
    "ResultsTable.Arn": f"arn:aws:dynamodb:{_ARN}:table/{TABLE}",
    "RetrainingsTable.Arn": f"arn:aws:dynamodb:{_ARN}:table/{RETRAININGS_TABLE}",
    "DataKey.Arn": f"arn:aws:kms:{_ARN}:key/data",
    "DataKeyArn": f"arn:aws:kms:{_ARN}:key/data",
    "LostEvents.Arn": f"arn:aws:sqs:{_ARN}:negatoscope-{STAGE}-lost-events",
    "SageMakerRole.Arn": f"arn:aws:iam::{ACCOUNT}:role/negatoscope-{STAGE}-sagemaker",
    "ExportJobRole.Arn": f"arn:aws:iam::{ACCOUNT}:role/negatoscope-{STAGE}-export-job",
    "${ResultsTable}": TABLE,
    "AccessLogs.Arn": f"arn:aws:logs:{_ARN}:log-group:negatoscope-{STAGE}-access:*",
    "UserPool.Arn": f"arn:aws:cognito-idp:{_ARN}:userpool/pool",
    "Topic": f"arn:aws:sns:{_ARN}:negatoscope-{STAGE}-retraining",
}
USER_POOL = _NAMES["UserPool.Arn"]
TOPIC = _NAMES["Topic"]
SAGEMAKER_ROLE = _NAMES["SageMakerRole.Arn"]
ROLES = {
    "api": "ApiRole",
    "decode": "DecodeRole",
    "prepare": "PrepareRole",
    "classify": "ClassifyRole",
    "sweep": "SweepRole",
    "drift-monitor": "DriftMonitorRole",
    "administration": "AdministrationRole",
    "retraining": "RetrainingRole",
    "batch": "BatchRole",
}
"""The role of each Lambda, in foundation.yaml or batches.yaml."""


@dataclass(frozen=True)
class Need:
    """A permission that a call needs."""

    action: str
    resource: str
    context: tuple[tuple[str, str], ...] = field(default=())
    """Condition keys of the request."""

    def __str__(self) -> str:
        return f"{self.action} on {self.resource}"


def rule(name: str) -> str:
    """The ARN of a rule of EventBridge."""
    return f"arn:aws:events:{_ARN}:rule/{name}"


# ------------------------------------------------------------------------------------------- policies


@cache
def statements(path: Path, role: str) -> list[ParsedStatement]:
    """All statements of a role: its own, and those of policies that are attached to it."""
    resources = template(path)["Resources"]
    properties = resources[role]["Properties"]
    documents = [policy["PolicyDocument"] for policy in properties["Policies"]]
    known = dict(resources)
    for other in (FOUNDATION, BATCHES, RETRAINING):
        known = template(other)["Resources"] | known
    # A stack names what is in another one: policies by their ARNs, and roles by their names.
    managed = [name.rpartition("/")[2] for name in properties.get("ManagedPolicyArns", ())]
    names = {role, properties["RoleName"]}
    for name, one in known.items():
        kind, attached = one["Type"], one["Properties"]
        if kind == "AWS::IAM::ManagedPolicy":
            given = {name, attached["ManagedPolicyName"]} & {*managed}
        else:
            given = kind == "AWS::IAM::Policy" and names & {*attached["Roles"]}
        if given:
            documents.append(attached["PolicyDocument"])
    parsed = (parse_policy_document(json.dumps(_known(document))) for document in documents)
    return [statement for document in parsed for statement in document]


def _known(value: Any) -> Any:
    """A part of a template with the names of the stage."""
    if isinstance(value, list):
        return [_known(one) for one in value]
    if isinstance(value, dict):
        return {key: _known(one) for key, one in value.items()}
    if not isinstance(value, str):
        return value
    for name, known in _NAMES.items():
        value = known if value == name else value.replace(name if "$" in name else f"${{{name}}}", known)
    return value


def allows(path: Path, role: str, need: Need) -> bool:
    """Whether a role has a permission."""
    return _decision(need, statements(path, role)) == "Allow"


def policy_allows(path: Path, resource: str, need: Need) -> bool:
    """Whether the policy document of a resource allows something."""
    document = template(path)["Resources"][resource]["Properties"]["PolicyDocument"]
    return _decision(need, parse_policy_document(json.dumps(_known(document)))) == "Allow"


def _decision(need: Need, found: list[ParsedStatement]) -> str:
    request = EvalContext(
        principal_arn=f"arn:aws:iam::{ACCOUNT}:role/any",
        principal_type="AssumedRole",
        principal_account=ACCOUNT,
        action=need.action,
        resource_arn=need.resource,
        region=REGION,
        secure_transport=True,
        service_context=dict(need.context),
    )
    return str(evaluate(request, [found]).decision)


@cache
def lambda_allows(function: str, need: Need) -> bool:
    """Whether a Lambda has a permission."""
    return allows(template_of(function), ROLES[function], need)


def template_of(function: str) -> Path:
    """The template with the role of a Lambda."""
    return BATCHES if function == "batch" else FOUNDATION


@cache
def state_machine_allows(need: Need) -> bool:
    """Whether the state machine has a permission."""
    return allows(RETRAINING, "StatesRole", need)


def grants(path: Path, role: str) -> Iterator[tuple[str, str, ParsedStatement]]:
    """Every pair of an action and a resource that a role is allowed, with its statement."""
    for statement in statements(path, role):
        for action in statement.actions:
            for resource in statement.resources:
                yield action, resource, statement


def grant_covers(action: str, resource: str, need: Need, statement: ParsedStatement) -> bool:
    """Whether a pair of an action and a resource of a statement is what allows something."""
    one = ParsedStatement("", statement.effect, [action], [], [resource], [], statement.conditions)
    return _decision(need, [one]) == "Allow"


# ---------------------------------------------------------------------------------------------- calls


class Watch:
    """What the Lambdas of this process have needed, and what of it their roles do not allow."""

    def __init__(self) -> None:
        self.needed: set[tuple[str, Need]] = set()
        """Each with the name of the Lambda."""
        self.forbidden: set[str] = set()

    def call(self, function: str, service: str, operation: str, request: Mapping[str, Any]) -> list[Need]:
        """Check a call that a Lambda makes; parameters as in `needs`."""
        found = needs(service, operation, request)
        self.needed |= {(function, need) for need in found}
        self.forbidden |= {f"{function}: {need}" for need in found if not lambda_allows(function, need)}
        return found


WATCH = Watch()


def needs(service: str, operation: str, request: Mapping[str, Any]) -> list[Need]:
    """The permissions that a call needs, with names of the stage `test`.

    Args:
        service: as boto3 calls it.
        operation: as in AWS's API, such as GetObject.
        request: its parameters.
    """
    found = _SERVICES[service](operation, request)
    return [
        Need(one.action, one.resource.replace("negatoscope-local", "negatoscope-test"), one.context)
        for one in found
    ]


def _s3(operation: str, request: Mapping[str, Any]) -> list[Need]:
    bucket = f"arn:aws:s3:::{request['Bucket']}"
    target = f"{bucket}/{request.get('Key', '')}"
    version = "Version" if "VersionId" in request else ""
    match operation:
        case "GetObject" | "HeadObject":
            return [Need(f"s3:GetObject{version}", target), _key("Decrypt")]
        case "PutObject":
            conditions = {"s3:if-none-match": "IfNoneMatch", "s3:if-match": "IfMatch"}
            context = tuple((key, request[name]) for key, name in conditions.items() if name in request)
            return [Need("s3:PutObject", target, context), _key("GenerateDataKey")]
        case "CopyObject":
            source = request["CopySource"]
            version = "Version" if "VersionId" in source else ""
            origin = f"arn:aws:s3:::{source['Bucket']}/{source['Key']}"
            # Tags are copied, too, and files that other people store may have some.
            tags = source["Key"].startswith("inbox/")
            reads = [f"s3:GetObject{version}", *([f"s3:GetObject{version}Tagging"] if tags else [])]
            writes = ["s3:PutObject", *(["s3:PutObjectTagging"] if tags else [])]
            return [
                *(Need(action, origin) for action in reads),
                *(Need(action, target) for action in writes),
                _key("Decrypt"),
                _key("GenerateDataKey"),
            ]
        case "DeleteObject":
            return [Need(f"s3:DeleteObject{version}", target)]
        case "ListObjectsV2":
            return [Need("s3:ListBucket", bucket, (("s3:prefix", request.get("Prefix", "")),))]
        case "ListObjectVersions":
            return [Need("s3:ListBucketVersions", bucket, (("s3:prefix", request.get("Prefix", "")),))]
    raise AssertionError(f"s3:{operation} is not known here")


def _key(action: str) -> Need:
    return Need(f"kms:{action}", _NAMES["DataKey.Arn"])


def _dynamodb(operation: str, request: Mapping[str, Any]) -> list[Need]:
    names = list(request["RequestItems"]) if "RequestItems" in request else [request["TableName"]]
    index = f"/index/{request['IndexName']}" if "IndexName" in request else ""
    tables = [f"arn:aws:dynamodb:{_ARN}:table/{name}{index}" for name in names]
    return [Need(f"dynamodb:{operation}", table) for table in tables]


def _lambda(operation: str, request: Mapping[str, Any]) -> list[Need]:
    assert operation == "Invoke"
    return [Need("lambda:InvokeFunction", f"arn:aws:lambda:{_ARN}:function:{request['FunctionName']}")]


def _states(operation: str, request: Mapping[str, Any]) -> list[Need]:
    machine = f"arn:aws:states:{_ARN}:stateMachine:negatoscope-{STAGE}-retrain"
    resource = (
        request.get("executionArn") or request.get("mapRunArn") or request.get("stateMachineArn") or machine
    )
    return [Need(f"states:{operation}", resource)]


_SAGEMAKER = {
    "EndpointName": "endpoint",
    "EndpointConfigName": "endpoint-config",
    "ModelName": "model",
    "ProcessingJobName": "processing-job",
    "TrainingJobName": "training-job",
    "TransformJobName": "transform-job",
    "HyperParameterTuningJobName": "hyper-parameter-tuning-job",
    "ModelPackageGroupName": "model-package-group",
}
"""Types of resources by the parameters that name them."""


def _sagemaker(operation: str, request: Mapping[str, Any]) -> list[Need]:
    if "ModelPackageArn" in request:
        # The fake of SageMaker makes names without the rest of an ARN.
        return [
            Need(f"sagemaker:{operation}", f"arn:aws:sagemaker:{_ARN}:model-package/negatoscope-{STAGE}-x/1")
        ]
    own = re.sub(r"^[A-Z][a-z]+", "", operation)
    both = ("EndpointName", "EndpointConfigName")
    wanted = {"CreateEndpoint": both, "UpdateEndpoint": both, "InvokeEndpoint": ("EndpointName",)}
    members = wanted.get(operation) or (f"{own}Name",)
    if operation == "CreateModelPackage":
        members = ("ModelPackageGroupName",)
    # Tests give configurations short names.
    names = [
        f"negatoscope-{STAGE}-{name.removeprefix(f'negatoscope-{STAGE}-')}"
        for name in map(str, (request[one] for one in members))
    ]
    kinds = [(_SAGEMAKER[member], name) for member, name in zip(members, names, strict=True)]
    return [Need(f"sagemaker:{operation}", f"arn:aws:sagemaker:{_ARN}:{kind}/{name}") for kind, name in kinds]


def _sns(operation: str, request: Mapping[str, Any]) -> list[Need]:
    return [Need(f"sns:{operation}", request["TopicArn"]), _key("GenerateDataKey"), _key("Decrypt")]


def _cloudwatch(operation: str, request: Mapping[str, Any]) -> list[Need]:
    return [Need(f"cloudwatch:{operation}", f"arn:aws:cloudwatch:{_ARN}:alarm:{request['AlarmName']}")]


def _autoscaling(operation: str, _request: Mapping[str, Any]) -> list[Need]:
    target = f"arn:aws:application-autoscaling:{_ARN}:scalable-target/1"
    context = (("application-autoscaling:service-namespace", "sagemaker"),)
    return [Need(f"application-autoscaling:{operation}", target, context)]


def _logs(operation: str, request: Mapping[str, Any]) -> list[Need]:
    return [Need(f"logs:{operation}", f"{_NAMES['AccessLogs.Arn']}")]


def _cognito(operation: str, request: Mapping[str, Any]) -> list[Need]:
    pool = f"arn:aws:cognito-idp:{_ARN}:userpool/{request['UserPoolId']}"
    return [Need(f"cognito-idp:{operation}", pool)]


_SERVICES = {
    "cognito-idp": _cognito,
    "s3": _s3,
    "dynamodb": _dynamodb,
    "lambda": _lambda,
    "stepfunctions": _states,
    "sagemaker": _sagemaker,
    "sagemaker-runtime": _sagemaker,
    "sns": _sns,
    "logs": _logs,
    "cloudwatch": _cloudwatch,
    "application-autoscaling": _autoscaling,
}


class Running:
    """The Lambda that makes a call, in tests that run all Lambdas in one process."""

    def __init__(self) -> None:
        self._entered: list[tuple[int, str]] = []
        """Each with its thread. The first waits for the others."""

    @contextmanager
    def entered(self, function: str) -> Iterator[None]:
        """Run a Lambda in this block; a person, if it has no name."""
        entry = threading.get_ident(), function
        self._entered.append(entry)
        try:
            yield
        finally:
            last = max(index for index, one in enumerate(self._entered) if one == entry)
            del self._entered[last]

    @property
    def function(self) -> str:
        """The Lambda that the current thread runs, or else that which began; empty if it is a person's."""
        own = [function for thread, function in self._entered if thread == threading.get_ident()]
        return own[-1] if own else next((function for _, function in self._entered), "")
