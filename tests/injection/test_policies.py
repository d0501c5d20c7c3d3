"""Each role allows exactly what its Lambda, or the state machine, calls.

All tests in this folder that use `new_world` fail if a call of a Lambda is not allowed. These look for the
opposite: permissions that no call needs, and calls of one Lambda that another might make as well.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from chalicelib import dependencies
from chalicelib.api import export
from chalicelib.batches import locations, part
from chalicelib.models import rollback
from chalicelib.monitoring import drift
from chalicelib.storage.audit import Audit
from tests import lambdas, policies
from tests.cloud import BATCHES, RETRAINING
from tests.injection.conftest import NewWorld
from tests.injection.retraining import DEFINITION, ENDPOINT, Stage, Wire
from tests.injection.scenarios import CLASSES, HANDLERS, ROUTES, SWEEPS
from tests.injection.test_batches import answered, archived, begun, prepared_before, transforming
from tests.injection.test_drift_monitor import ANSWERS, Days
from tests.injection.test_reads import READS, ask
from tests.injection.test_reads import world as stocked  # noqa: F401 - a fixture
from tests.injection.test_removal import uploaded
from tests.injection.test_retraining import ENDS, KINDS, other_stage
from tests.injection.world import World
from tests.models import TASK
from tests.policies import Need
from tests.stage import BUCKET

Needed = set[tuple[str, Need]]
"""What Lambdas needed, each with the name of the Lambda."""


def of_handlers(new_world: NewWorld) -> Iterator[World]:
    """Stages in which every handler, sweep and writing route ran."""
    for handler in HANDLERS:
        world = new_world()
        world.invoke(handler.function, handler.prepare(world))
        world.settle()
        yield world
    for sweep in SWEEPS:
        world = new_world()
        world.sweep(sweep.prepare(world))
        world.settle()
        yield world
    for route in ROUTES:
        world = new_world()
        world.ask(**route.prepare(world))
        world.settle()
        yield world


def of_removal(new_world: NewWorld) -> World:
    world = new_world()
    assert world.ask("DELETE", "/results/{id}", id=uploaded(world))[0] == 200
    world.pass_time()
    return world


def of_requests(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests that other tests make in stages of their own."""
    size = {"size": 7, "content_type": "image/png"}
    form = world.ask("POST", "/uploads", {"task": TASK, **size})[1]
    world.ask("DELETE", "/uploads/{id}", id=form["id"])
    labelled = {"images": [{"label": CLASSES[0], "sha256": "0f" * 32, **size}]}
    world.ask("POST", "/tasks/{task}/labelled-images", labelled, task=TASK)
    with monkeypatch.context() as patch:
        patch.setattr(export, "MAX_INLINE_BYTES", 10)
        world.ask("GET", "/results.csv")
    world.ask("PUT", "/tasks/{task}/review-rule", {"version": "current", "min_probability": 0.6}, task=TASK)
    world.fakes |= {
        "stepfunctions:StartExecution": lambda call: {"executionArn": call.parameters["name"]},
        "stepfunctions:SendTaskSuccess": lambda _: {},
        "lambda:Invoke": lambda _: lambdas.answer(
            lambda event: {"code": "UnknownModel", "message": str(event)}, b"1"
        ),
    }
    world.ask("POST", "/retrainings", {"task": TASK})
    started = world.ask("POST", "/exports")[1]["name"]
    world.fakes["stepfunctions:StopExecution"] = lambda _: {}
    world.ask("POST", "/exports/{export}/stop", export=started)
    batches(world)
    with world.process():
        dependencies._repository().update("run", task_token="token")
    assert world.ask("POST", "/retrainings/{name}/approval", {"approved": True}, name="run")[0] == 200
    world.ask("POST", "/tasks/{task}/rollback", task=TASK)


def batches(world: World) -> None:
    """A batch of a list, which is stopped and resumed."""
    _, name = begun(world)
    world.ask("POST", "/batches/{batch}/stop", batch=name)
    world.ask("POST", "/batches/{batch}/continue", batch=name)
    world.ask("POST", "/batches", {"task": TASK, "again": True, "dry_run": True})
    world.drop("archive/list.csv", b"Key\narchive/a.png\n")
    world.ask("POST", "/batches", {"task": TASK, "source": "archive/list.csv", "dry_run": True})


def of_batches(new_world: NewWorld, folder: Path) -> Iterator[World]:
    """Stages in which a part of a batch was classified, for the first time and again, and reported.

    In the last one, a transform job has classified; `folder` is the temporary one of the test.
    """
    for prepare in (archived, prepared_before):
        world = new_world()
        event = prepare(world)
        world.invoke("batch", event)
        with world.process():
            dependencies.bucket().write_json("batches/batch-1/manifest.json", {"ResultFiles": {}})
        report = {"step": "report", "batch": event["batch"], "manifest": "batches/batch-1/manifest.json"}
        assert world.invoke("batch", report)
        world.settle()
        yield world
    world = new_world()
    event = transforming(world)
    world.invoke("batch", event)
    world.invoke("batch", {"step": "plan", "batch": event["batch"], "execution": "batch-1.1"})
    assert world.invoke("batch", answered(world, folder / "current" / TASK, event))
    yield world


def retrainings() -> Iterator[Stage]:
    """Stages in which a retraining ended in each way."""
    for kind, before in KINDS:
        yield Stage(kind, before=before)
    for _, options in ENDS.values():
        yield other_stage(options)


def of_retrainings() -> Needed:
    found: Needed = set()
    for stage in retrainings():
        wire = Wire()
        stage.connect(wire)
        stage.retrain("run")
        found |= wire.needed
    return found


def of_administration() -> Needed:
    stage, wire = Stage("provisioned"), Wire()
    stage.begin("run")
    stage.connect(wire)
    stage.stopper.stop("run", "me")
    found = wire.needed
    for kind in ("provisioned", "serverless"):
        stage, wire = Stage(kind), Wire()
        stage.register("2")
        stage.serve("2", "serverless")
        stage.registry.promote(TASK, "2", ENDPOINT, "2")
        stage.connect(wire)
        wire.function = "administration"
        Audit(stage.bucket).record("me", "roll-back-model", TASK)
        rollback.roll_back(TASK, stage.registry, stage.endpoint_manager, "2")
        found |= wire.needed
    return found


# ------------------------------------------------------------------------------------------- Lambdas

BY_AWS = {
    *("logs on", "logs:CreateLogStream", "logs:PutLogEvents", "xray on *", "sqs on", "sqs:SendMessage"),
    *("xray:PutTelemetryRecords", "xray:PutTraceSegments"),
}
"""What Lambda itself does with a role: logs, traces, and events that failed."""
ELSEWHERE: Mapping[str, set[str]] = {
    "api": {
        *("sagemaker on endpoint", "sagemaker on OtherEndpoints", "sagemaker:InvokeEndpoint"),
        *("s3 on retrainings/*/checkpoints", "s3 on retrainings/*/judgement"),
    },
    "prepare": {
        *("dynamodb:GetItem", "s3:GetObject", "s3 on models", "s3 on results", "s3:GetObjectVersionTagging"),
        *("s3:ListBucket", "s3 on bucket"),
    },
    "classify": {
        *("sagemaker on endpoint", "sagemaker on OtherEndpoints", "sagemaker:InvokeEndpoint"),
        "dynamodb:UpdateItem",
        *("s3 on models", "s3 on results", "s3:ListBucket", "s3 on bucket"),
    },
    "batch": {
        *("sagemaker on endpoint", "sagemaker on OtherEndpoints", "sagemaker:InvokeEndpoint"),
        *("s3 on models",),
    },
    "sweep": {"s3:GetObjectVersion", "s3:GetObjectVersionTagging", "s3 on quarantine"},
    "drift-monitor": {
        *("s3 on models", "s3:GetObject", "s3:PutObject", "s3 on audit", "s3:ListBucket", "s3 on bucket"),
        *("states on execution", "states:DescribeExecution", "dynamodb on table", "dynamodb:GetItem"),
    },
    "administration": {
        *("s3:ListBucket", "s3 on bucket", "sagemaker:DeleteEndpoint"),
        *("application-autoscaling on", "application-autoscaling:DeregisterScalableTarget"),
        *("cloudwatch on alarm:TargetTracking", "cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms"),
    },
    "retraining": {
        *("cloudwatch on alarm:TargetTracking", "cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms"),
        *("cloudwatch:PutMetricAlarm", "iam on role/aws-service-role", "iam:CreateServiceLinkedRole"),
        *("sagemaker:UpdateEndpointWeightsAndCapacities", "sns on", "sns:Publish", "states on execution"),
        *("states:DescribeExecution", "dynamodb:GetItem", "dynamodb:Query", "dynamodb on table"),
        *("sagemaker on endpoint", "sagemaker:DeleteEndpoint", "sagemaker:InvokeEndpoint"),
        *("sagemaker:UpdateEndpoint", "sagemaker:Describe", "sagemaker:Stop", "sagemaker on *-job"),
    },
}
"""Beginnings of what a role allows without a call in these runs: for runs that other tests in this folder
break, for endpoints, for Application Auto Scaling, which acts with the permissions of its caller, and the
right to list, without which S3 says "access denied" of a missing object."""
WIDER: Mapping[str, set[str]] = {
    "prepare": {"s3:ListBucket on bucket"},
    "classify": {"s3:ListBucket on bucket models"},
    "batch": {"s3:ListBucket on bucket models"},
    "sweep": {"s3:ListBucket on bucket", "s3:GetObjectVersion on inbox", "s3:GetObject on results"},
    "drift-monitor": {"s3:ListBucket on bucket"},
    "administration": {"s3:ListBucket on bucket models", "s3:ListBucket on bucket retrainings"},
    "retraining": {"s3:ListBucket on bucket models"},
}
"""Beginnings of other Lambdas' calls that a role allows as well, besides those of `ELSEWHERE`."""


def test_roles_allow_what_their_lambdas_call_and_nothing_of_others(
    new_world: NewWorld,
    stocked: World,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    subtests: pytest.Subtests,
) -> None:
    monkeypatch.setattr(part, "READERS", 1)  # calls of several threads could be taken for those of others
    needed = of_retrainings() | of_administration()
    with monkeypatch.context() as patch:
        for read in READS:
            ask(stocked, read, patch)
        of_requests(stocked, patch)
    dependencies.pipeline.cache_clear()  # its model was that stage's
    needed |= stocked.needed
    for world in [*of_handlers(new_world), *of_batches(new_world, tmp_path), of_removal(new_world)]:
        needed |= world.needed
    monkeypatch.setattr(drift, "MIN_ANSWERS", ANSWERS)
    days = Days(new_world(), tmp_path / "packages")
    days.look()
    needed |= days.world.needed
    everyone = {need for _, need in needed}
    for function, role in policies.ROLES.items():
        with subtests.test(function):
            own = {need for name, need in needed if name == function}
            assert own
            assert {str(need) for need in own if not policies.lambda_allows(function, need)} == set()
            elsewhere = ELSEWHERE.get(function, set())
            known = tuple(BY_AWS | elsewhere)
            assert {
                one for one in unused(policies.template_of(function), role, own) if not one.startswith(known)
            } == set()
            wider = tuple(WIDER.get(function, ()))
            assert {
                one for one in shared(function, own, everyone) if not _is_known(one, wider, elsewhere)
            } == set()


def unused(path: Path, role: str, own: set[Need]) -> set[str]:
    """The actions and resources of a role's statements that no call needs."""
    grants = defaultdict(list)
    for action, resource, statement in policies.grants(path, role):
        used = any(policies.grant_covers(action, resource, need, statement) for need in own)
        grants[id(statement), action].append(used)
        grants[id(statement), f"{action.split(':')[0]} on {_tail(resource)}"].append(used)
    return {what for (_, what), used in grants.items() if not any(used)}


def shared(function: str, own: set[Need], everyone: set[Need]) -> set[str]:
    """Calls of other Lambdas that this one makes none like, but may make."""
    kinds = {_kind(need) for need in own}
    others = {need for need in everyone if _kind(need) not in kinds}
    return {_kind(need) for need in others if policies.lambda_allows(function, need)}


def _is_known(kind: str, wider: tuple[str, ...], elsewhere: set[str]) -> bool:
    action, _, resource = kind.partition(" on ")
    on = f"{action.split(':')[0]} on {resource}"
    return kind.startswith(wider) or any(action.startswith(one) or on.startswith(one) for one in elsewhere)


def _tail(resource: str) -> str:
    return resource.split(":", 5)[-1].removeprefix(BUCKET).removeprefix("/") or "bucket"


def _kind(need: Need) -> str:
    """A call, whatever the image, task or retraining."""
    tail = _tail(need.resource)
    prefix = dict(need.context).get("s3:prefix", "").split("/")[0]
    kind = tail.split("/")[0] if need.action.startswith("s3:") else tail.rsplit("/", 1)[0]
    return f"{need.action} on {kind} {prefix}".rstrip()


# ---------------------------------------------------------------------------------- the state machine

RULES = {
    "createProcessingJob": "ProcessingJobs",
    "createTrainingJob": "TrainingJobs",
    "createTransformJob": "TransformJobs",
    "createHyperParameterTuningJob": "TuningJobs",
}
"""EventBridge tells Step Functions of the end of a job through a rule of this name."""
SERVICE_ITSELF = ("logs", "xray", "kms", "cloudwatch on", "cloudwatch:DescribeAlarms")
"""What Step Functions does for logs, traces and the encrypted topic, and SageMaker for an update."""


def of_state(name: str, parameters: Mapping[str, Any]) -> list[Need]:
    """What the state machine needs in a state (Step Functions developer guide, "IAM policies")."""
    resource: str = DEFINITION["States"][name]["Resource"]
    if resource == "${RetrainingFunction}" or ":lambda:" in resource:
        return policies.needs("lambda", "Invoke", {"FunctionName": "negatoscope-test-retraining"})
    call, _, waits = resource.rpartition(":")[2].partition(".")
    if call == "publish":
        return [Need("sns:Publish", policies.TOPIC)]
    found = policies.needs("sagemaker", call[0].upper() + call[1:], parameters)
    if not waits:
        return found + ([Need("sagemaker:AddTags", found[0].resource)] if call.startswith("create") else [])
    (created,) = found
    passed = (("iam:passedtoservice", "sagemaker.amazonaws.com"),)
    return [*of_job(created, RULES[call]), Need("iam:PassRole", policies.SAGEMAKER_ROLE, passed)]


def of_job(created: Need, jobs: str) -> list[Need]:
    """What Step Functions needs to start a job of SageMaker and to wait for it."""
    job = created.action.removeprefix("sagemaker:Create")
    rule = policies.rule(f"StepFunctionsGetEventsForSageMaker{jobs}Rule")
    return [
        created,
        *(Need(f"sagemaker:{verb}{job}", created.resource) for verb in ("Describe", "Stop")),
        *(Need(f"sagemaker:{verb}Tags", created.resource) for verb in ("Add", "List")),
        *(Need(f"events:{verb}", rule) for verb in ("DescribeRule", "PutRule", "PutTargets")),
    ]


def test_state_machine_allows_what_its_states_do_and_nothing_of_lambdas() -> None:
    needed = set()
    for stage in retrainings():
        stage.retrain("run")
        needed |= {need for name, given in stage.performed for need in of_state(name, given)}

    assert {str(need) for need in needed if not policies.state_machine_allows(need)} == set()
    assert {
        one for one in unused(RETRAINING, "StatesRole", needed) if not one.startswith(SERVICE_ITSELF)
    } == set()
    foreign = {need for _, need in of_retrainings() if need.action.startswith(("s3:", "dynamodb:"))}
    assert foreign
    assert not any(policies.state_machine_allows(need) for need in foreign)


def test_state_machine_of_batches_allows_what_its_states_do() -> None:
    region = f"{policies.REGION}:{policies.ACCOUNT}"
    machine, objects = f"negatoscope-{policies.STAGE}-batch", f"arn:aws:s3:::{BUCKET}"
    execution = f"arn:aws:states:{region}:execution:{machine}/folder:1"
    job = policies.needs("sagemaker", "CreateTransformJob", {"TransformJobName": "batch-0f"})[0]
    needed = {
        *policies.needs("lambda", "Invoke", {"FunctionName": machine}),
        Need("states:StartExecution", f"arn:aws:states:{region}:stateMachine:{machine}"),
        *(Need(f"states:{verb}Execution", execution) for verb in ("Describe", "Stop")),
        *(
            Need("s3:ListBucket", objects, (("s3:prefix", prefix),))
            for prefix in ("archive/2019/", f"prepared/{TASK}/", locations.ARRAYS.format("batch-1"))
        ),
        Need("s3:GetObject", f"{objects}/archive/list.csv"),
        *(
            Need(f"s3:{verb}", f"{objects}/{locations.RESULTS.format('batch-1')}/run/SUCCEEDED_0.json")
            for verb in ("AbortMultipartUpload", "GetObject", "ListMultipartUploadParts", "PutObject")
        ),
        *of_job(job, "TransformJobs"),
    }

    assert {str(need) for need in needed if not policies.allows(BATCHES, "StatesRole", need)} == set()
    assert {
        one for one in unused(BATCHES, "StatesRole", needed) if not one.startswith(SERVICE_ITSELF)
    } == set()
    others = policies.needs("sagemaker", "CreateTransformJob", {"TransformJobName": f"{TASK}-run"})
    assert not any(policies.allows(BATCHES, "StatesRole", need) for need in others)


def test_role_of_models_reads_and_writes_what_transform_jobs_do() -> None:
    objects = f"arn:aws:s3:::{BUCKET}"
    array, answer = (
        f"{objects}/{folder.format('batch-1')}{'0' * 32}.npy"
        for folder in (locations.ARRAYS, locations.ANSWERS)
    )

    def allowed(action: str, resource: str, *context: tuple[str, str]) -> bool:
        return policies.allows(RETRAINING, "SageMakerRole", Need(f"s3:{action}", resource, context))

    assert allowed("GetObject", array)
    assert allowed("PutObject", f"{answer}.out")
    assert allowed("ListBucket", objects, ("s3:prefix", locations.ARRAYS.format("batch-1")))
    assert not allowed("PutObject", array)
    assert not allowed("GetObject", f"{objects}/batches/batch-1/failures.jsonl")
    assert not allowed("GetObject", f"{objects}/archive/a.png")
