"""A stage in memory for retraining: the state machine, its Lambda, and the services that they call."""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np
from botocore.exceptions import ClientError, ReadTimeoutError

from chalicelib.errors import NegatoscopeError
from chalicelib.imaging.decoded import Pixels
from chalicelib.models.backend import Backend, ModelIdentity, ModelOutputs
from chalicelib.models.endpoint_manager import EndpointManager
from chalicelib.models.registry import Registry
from chalicelib.models.scaling import Scaling
from chalicelib.models.thresholds import Thresholds
from chalicelib.retraining.candidate import Candidates
from chalicelib.retraining.creation_checker import CreationChecker
from chalicelib.retraining.executions import Executions
from chalicelib.retraining.finalization import Finalization
from chalicelib.retraining.planning.builder import PlanBuilder
from chalicelib.retraining.planning.planner import Planner
from chalicelib.retraining.repository import RetrainingRepository
from chalicelib.retraining.rollout import Rollout
from chalicelib.retraining.steps import Steps
from chalicelib.retraining.stopper import Stopper
from chalicelib.retraining.task_lock import TaskLock
from chalicelib.storage.bucket import DataBucket
from chalicelib.tasks import ServingKind
from tests import policies
from tests.asl import Execution, TaskFailed
from tests.injection.faults import Fault, Killed, Kind
from tests.memory import (
    ConditionalCheckFailedException,
    MemoryS3,
    MemorySageMaker,
    MemoryStepFunctions,
    MemoryTable,
    client_error,
)
from tests.models import TASK
from tests.policies import Need
from tests.registry import archive
from tests.stage import BUCKET, RETRAININGS_TABLE, ROOT

DEFINITION: Mapping[str, Any] = json.loads((ROOT / "statemachine" / "retrain.asl.json").read_text())
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:negatoscope-test-retrain"
ENDPOINT = f"negatoscope-test-{TASK}"
LOST = ReadTimeoutError(endpoint_url="https://aws")
PROVISIONED = [{"VariantName": "AllTraffic", "InstanceType": "ml.c5.large", "InitialInstanceCount": 1}]
SERVERLESS = [{"VariantName": "AllTraffic", "ServerlessConfig": {"MemorySizeInMB": 2048}}]


@dataclass
class Wire:
    """Carries calls to AWS. One of them fails, or all from then on until the state is left."""

    fault: Fault | None = None
    stubborn: bool = False
    undo_fails: bool = False
    """Whether calls fail in the state `Roll back` too, after a stubborn fault."""
    calls: list[str] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    """The state of the state machine at each call."""
    state: str = ""
    """The current state."""
    function: str = ""
    """The Lambda that runs; empty for none."""
    needed: set[tuple[str, Need]] = field(default_factory=set)
    """What the Lambdas needed, each with the name of the Lambda."""
    broken: str | None = None
    """The state in which every call fails."""

    def needs(self, service: str, operation: str, request: Mapping[str, Any]) -> None:
        """Check a call of the Lambda that runs, with the names of this module."""
        if not self.function:
            return
        boto = {"autoscaling": "application-autoscaling", "states": "stepfunctions"}.get(service, service)
        name = "".join(part.capitalize() for part in operation.split("_"))
        table = {"TableName": RETRAININGS_TABLE} if service == "dynamodb" else {}
        found = policies.WATCH.call(self.function, boto, name, {**table, **request})
        self.needed |= {(self.function, need) for need in found}

    def call(self, name: str, carry_out: Callable[[], Any]) -> Any:
        """Carry out a call, unless it is to fail."""
        number = len(self.calls)
        self.calls.append(name)
        self.states.append(self.state)
        if self.broken is not None and (
            self.broken == self.state or (self.undo_fails and self.state == "Roll back")
        ):
            raise client_error("ServiceUnavailable", "injected", name)
        if self.fault is None or self.fault.call != number:
            return carry_out()
        if self.stubborn:
            self.broken = self.state
        if self.fault.kind is Kind.REFUSED:
            raise client_error("ServiceUnavailable", "injected", name)
        if self.fault.kind is Kind.KILLED_BEFORE:
            raise Killed
        carry_out()
        if self.fault.kind is Kind.KILLED_AFTER:
            raise Killed
        if self.fault.kind is Kind.TIMED_OUT:
            raise LOST
        raise client_error("InternalError", "injected", name)


class Proxy:
    """A client whose calls go through a `Wire`."""

    exceptions = SimpleNamespace(ClientError=ClientError, ObjectNotFoundException=KeyError)

    def __init__(self, wire: Wire, service: str, client: Any):
        self._wire, self._service, self._client = wire, service, client

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if name == "get_paginator":
            return lambda operation: Proxy(self._wire, f"{self._service}:{operation}", method(operation))
        if name == "paginate":
            method = _listed(method)

        def over_the_wire(*arguments: Any, **request: Any) -> Any:
            service, _, operation = f"{self._service}:{name}".removesuffix(":paginate").partition(":")
            if name == "copy":  # boto3's own method, which calls CopyObject
                names = ("CopySource", "Bucket", "Key")
                self._wire.needs(service, "copy_object", dict(zip(names, arguments, strict=False)))
            else:
                self._wire.needs(service, operation, request)
            return self._wire.call(f"{self._service}:{name}", lambda: method(*arguments, **request))

        return over_the_wire


def _listed(method: Any) -> Callable[..., Any]:
    return lambda *arguments, **request: list(method(*arguments, **request))


class Anything:
    """A service that accepts every call and keeps nothing."""

    def __getattr__(self, _: str) -> Any:
        return lambda **_: None


class Answering:
    """A backend that identifies itself as a given version."""

    def __init__(self, sha256: str | None):
        self._sha256 = sha256

    def run(self, images: Pixels) -> ModelOutputs:
        probabilities = np.tile(np.array([0.25, 0.75], np.float32), (len(images), 1))
        return ModelOutputs(
            probabilities, None, None, Thresholds(), ModelIdentity("v", self._sha256, "endpoint")
        )


class Stage:
    """Version `1` classifies, on the task's endpoint with the configuration `old`, or embedded."""

    def __init__(
        self,
        kind: ServingKind = "serverless",
        *,
        before: ServingKind | None = None,
        request: Mapping[str, Any] = MappingProxyType({"force": True}),
        fingerprint: str = "f",
        accepted: bool = True,
        approved: bool = True,
        slow: bool = False,
    ):
        """Set everything up.

        Args:
            kind: how the new model is to be served.
            before: how the current one is; None for the same.
            request: for the retraining.
            fingerprint: of its data; the current model has learnt from `f00`.
            accepted: the decision of the evaluation job.
            approved: the answer to a request for approval.
            slow: whether jobs take a while, and the endpoint is being changed at the start.
        """
        self.kind: ServingKind = kind
        self.converts = {kind, before} == {"serverless", "provisioned"}
        """Whether serverless replaces instances, or the other way round."""
        self._request, self._fingerprint = request, fingerprint
        self._accepted, self._approved = accepted, approved
        self.s3, self.table = MemoryS3(), MemoryTable()
        self.sagemaker, self.states = MemorySageMaker(self.s3), MemoryStepFunctions()
        self.messages: list[str] = []
        self.performed: list[tuple[str, Mapping[str, Any]]] = []
        """States that the state machine entered to do something, with their parameters."""
        self.s3.objects[f"datasets/{TASK}/left-cc/a.png"] = b"x"
        self.wire = Wire()
        self.connect(self.wire)
        self.register("1")
        if (before or kind) == "embedded":
            self.registry.promote(TASK, "1", None, None)
        else:
            self.serve("old", before or kind)
            self.registry.promote(TASK, "1", ENDPOINT, "old")
        self.sagemaker.slow = slow
        if slow and ENDPOINT in self.sagemaker.endpoints:
            self.sagemaker.update_endpoint(ENDPOINT, "old")

    def register(self, version: str) -> None:
        """A version that may be deployed."""
        self.registry.add(TASK, archive(version), {})
        self.registry.decide(TASK, version, accepted=True, reasons=["Good."])

    def serve(self, config: str, kind: ServingKind) -> None:
        """Let the task's endpoint serve a configuration."""
        self.sagemaker.models.add(config)
        self.sagemaker.configs[config] = PROVISIONED if kind == "provisioned" else SERVERLESS
        self.sagemaker.endpoints[ENDPOINT] = {"EndpointStatus": "InService", "EndpointConfigName": config}

    def connect(self, wire: Wire) -> None:
        """Start a new process whose calls go through this wire."""
        self.wire = wire
        resource = SimpleNamespace(
            Table=lambda _: Proxy(wire, "dynamodb", self.table),
            meta=SimpleNamespace(
                client=SimpleNamespace(
                    exceptions=SimpleNamespace(
                        ConditionalCheckFailedException=ConditionalCheckFailedException
                    )
                )
            ),
        )
        sagemaker = Proxy(wire, "sagemaker", self.sagemaker)
        self.bucket = DataBucket(Proxy(wire, "s3", self.s3), BUCKET)
        self.repository = RetrainingRepository(resource, "retrainings")
        self.registry = Registry(self.bucket)
        self.endpoint_manager = EndpointManager(
            sagemaker, Scaling(lambda: Proxy(wire, "autoscaling", Anything()))
        )
        rollout = Rollout(self.endpoint_manager, lambda: Proxy(wire, "cloudwatch", Anything()))
        executions = Executions(Proxy(wire, "states", self.states), MACHINE)
        task_lock = TaskLock(
            self.bucket, self.repository, self.registry, rollout, executions, lambda: sagemaker
        )
        no_results: Any = SimpleNamespace(every=lambda _: iter(()))
        builder = PlanBuilder("test", self.bucket, no_results, self.registry, {TASK: self.kind})
        candidates = Candidates(self.bucket, self.registry, lambda: sagemaker, "test")
        self._steps = Steps(
            bucket=self.bucket,
            repository=self.repository,
            planner=Planner(builder, self.bucket, self.repository, {}, task_lock.acquire),
            candidates=candidates,
            rollout=rollout,
            creation_checker=CreationChecker(lambda: sagemaker, self.endpoint_manager),
            finalization=Finalization(self.repository, candidates, rollout),
            backend=self._backend,
            publish=lambda *message: wire.call("sns:publish", lambda: self.messages.append(message[2])),
        )

        self._stopper = Stopper(
            self.repository,
            executions,
            self.bucket,
            self.registry,
            self.endpoint_manager,
            lambda: sagemaker,
        )

    @property
    def steps(self) -> Steps:
        """The Lambda `retraining`."""
        self.wire.function = "retraining"
        return self._steps

    @property
    def stopper(self) -> Stopper:
        """A part of the Lambda `administration`."""
        self.wire.function = "administration"
        return self._stopper

    # -------------------------------------------------------------------------- the state machine

    def begin(self, name: str) -> Any:
        """Run an execution until its model is registered and a job runs; returns the plan."""
        arn = f"{MACHINE.replace(':stateMachine:', ':execution:')}:{name}"
        self.states.statuses[arn] = "RUNNING"
        request = {"task": TASK, **self._request}
        given = {"request": request, "execution": arn, "code": f"s3://{BUCKET}/code", "commit": ""}
        plan = self.steps.run({"step": "plan", **given})
        key = f"retrainings/{TASK}/{name}/training/model.tar.gz"
        self.s3.objects[key] = archive(plan["name"][-8:])
        trained = {"job": plan["name"], "model": f"s3://{BUCKET}/{key}"}
        self.steps.run({"step": "register", "plan": plan, "trained": trained, "image": "image"})
        self.sagemaker.create_model(plan["name"])
        self.sagemaker.slow = True
        self.sagemaker.job("TransformJob", plan["name"])
        return plan

    def retrain(self, name: str) -> Execution:
        """Run an execution to its end."""
        arn = f"{MACHINE.replace(':stateMachine:', ':execution:')}:{name}"
        self.states.statuses[arn] = "RUNNING"
        given = {"task": TASK, **self._request}
        execution = Execution(DEFINITION, given, self._perform, arn, self.sagemaker.pass_time)
        self.states.statuses[arn] = "FAILED" if execution.error else "SUCCEEDED"
        return execution

    def _perform(self, name: str, parameters: Mapping[str, Any]) -> Any:
        self.wire.state = name
        self.performed.append((name, parameters))
        resource = DEFINITION["States"][name]["Resource"]
        if resource == "${RetrainingFunction}":
            return self._invoke(parameters)
        if resource.endswith("lambda:invoke.waitForTaskToken"):
            self._invoke(parameters["Payload"])
            return {"approved": self._approved, "by": "physicist", "comment": ""}
        call = resource.rpartition(":")[2]
        try:
            return self.wire.call(f"state:{call}", lambda: self._create(call, parameters))
        except (ClientError, ReadTimeoutError, Killed) as error:
            # Step Functions itself is never killed, but its calls may be lost.
            raise TaskFailed(_error_name(resource, error), str(error)) from None

    def _invoke(self, event: Mapping[str, Any]) -> Any:
        try:
            return json.loads(json.dumps(self.steps.run(event)))
        except Killed:
            raise TaskFailed("Runtime.ExitError", "signal: killed") from None
        except (NegatoscopeError, RuntimeError, ClientError) as error:
            raise TaskFailed(type(error).__name__, json.dumps({"errorMessage": str(error)})) from None

    def _create(self, call: str, parameters: Mapping[str, Any]) -> Any:
        match call.removesuffix(".sync"):
            case "createProcessingJob":
                return self._process(parameters)
            case "createTrainingJob":
                return self._train(parameters)
            case "createHyperParameterTuningJob":
                return self._tune(parameters)
            case "createTransformJob":
                folder = _key(parameters["TransformOutput"]["S3OutputPath"])
                answer = {"probabilities": [[0.25, 0.75]]}
                self.s3.objects[f"{folder}/a.npy.out"] = json.dumps(answer).encode()
                return self.sagemaker.job("TransformJob", parameters["TransformJobName"])
            case "publish":
                return self.messages.append(parameters["Message"])
            case "describeTrainingJob":
                return self.sagemaker.describe_training_job(**parameters)
            case "describeEndpoint":
                return self.sagemaker.describe_endpoint(**parameters)
            case "updateEndpoint":
                return self.sagemaker.update_endpoint(**parameters)
            case other:
                operation = {"createEndpoint": "create_endpoint", "createModel": "create_model"}
                untagged = {name: value for name, value in parameters.items() if name != "Tags"}
                return getattr(self.sagemaker, operation.get(other, "create_endpoint_config"))(**untagged)

    def _process(self, parameters: Mapping[str, Any]) -> Any:
        job = self.sagemaker.job("ProcessingJob", parameters["ProcessingJobName"])
        folder = _key(parameters["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"])
        if folder.endswith("evaluation"):
            decision = {"accepted": self._accepted, "reasons": ["Compared."]}
            self.s3.objects[f"{folder}/decision.json"] = json.dumps(decision).encode()
        else:
            array = io.BytesIO()
            np.save(array, np.zeros((1, 4, 4), np.uint8))
            facts = {"fingerprint": self._fingerprint, "split": {}, "findings": []}
            self.s3.objects |= {
                f"{folder}/data.json": json.dumps(facts).encode(),
                f"{folder}/manifest.csv": b"part,class,sha256\ntest,left-cc,a\n",
                f"{folder}/test/a.npy": array.getvalue(),
            }
        return job

    def _tune(self, parameters: Mapping[str, Any]) -> Any:
        name = parameters["HyperParameterTuningJobName"]
        best = {"TrainingJobName": f"{name}-001"}
        job = self.sagemaker.job("HyperParameterTuningJob", name, BestTrainingJob=best)
        self._train({**parameters["TrainingJobDefinition"], **best})
        return job

    def _train(self, parameters: Mapping[str, Any]) -> Any:
        name = parameters["TrainingJobName"]
        key = f"{_key(parameters['OutputDataConfig']['S3OutputPath'])}/{name}/model.tar.gz"
        job = self.sagemaker.job(
            "TrainingJob", name, ModelArtifacts={"S3ModelArtifacts": f"s3://{BUCKET}/{key}"}
        )
        self.s3.objects[key] = archive(name[-8:])
        return job

    def _backend(self, _task: str, _endpoint: str | None, version: str) -> Backend:
        return Answering(version.rjust(64, "0"))

    # --------------------------------------------------------------------------------- what must hold

    def check_answers(self) -> None:
        """Check that the current version can answer requests."""
        self.connect(Wire())
        current = self.registry.current(TASK)
        assert current is not None
        assert self.registry.archive(TASK, current.version), "its package can be run anywhere"
        assert self.registry.record(TASK, current.version)["sha256"] == current.sha256

    def check_settled(self) -> None:
        """Check that endpoint and registry agree, and nothing is left of models that were not deployed."""
        self.check_answers()
        self.sagemaker.pass_time()
        current = self.registry.current(TASK)
        assert current is not None
        endpoint = self.sagemaker.endpoints.get(ENDPOINT)
        # An endpoint that cannot be converted is deleted, and an administrator creates it again.
        if current.endpoint and (endpoint or not self.converts):
            assert endpoint == {"EndpointStatus": "InService", "EndpointConfigName": current.config}
        deployed = {"old", current.config} | {
            self.registry.record(TASK, version)["config"]
            for version in (current.version, current.previous)
            if version
        }
        assert set(self.sagemaker.configs) <= deployed, "configurations of what was not deployed"
        assert self.table.items.keys().isdisjoint({f"lock/{TASK}"}), "the lock is free"
        runs = [entry for entry in self.table.items.values() if "listing" in entry]
        assert all(entry["status"] != "running" and entry["ended_at"] for entry in runs)
        versions = list(self.registry.versions(TASK))
        jobs = [record.get("job") for record in versions if record.get("job")]
        assert len(jobs) == len(set(jobs)), "registered twice"
        assert len(self.sagemaker.packages) <= len(jobs), "registered twice with SageMaker"


def _key(uri: str) -> str:
    return uri.removeprefix(f"s3://{BUCKET}/")


def _error_name(resource: str, error: BaseException) -> str:
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    if ":sns:" in resource:
        return "SNS.AmazonSNSException"
    if code == "ResourceInUse":
        return "SageMaker.ResourceInUseException"
    return "SageMaker.SageMakerException" if "aws-sdk" in resource else "SageMaker.AmazonSageMakerException"
