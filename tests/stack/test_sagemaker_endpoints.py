"""Endpoints serve models, and updates fail no request."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.stack.client import wait_for
from tests.stack.functions import deployed
from tests.stack.sagemaker_harness import BUCKET, IMAGE, INFERENCE, ROLE, SageMakerHarness, refusal

INSTANCES = {"ServerlessConfig": None, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}


@pytest.fixture(scope="module")
def endpoint(harness: SageMakerHarness) -> Iterator[str]:
    """An endpoint that serves the model `one`."""
    name = harness.endpoint(harness.config(harness.model("one")))
    yield name
    harness.remove(name)


def test_endpoint_answers(harness: SageMakerHarness, endpoint: str) -> None:
    answer = harness.runtime.invoke_endpoint(
        EndpointName=endpoint, Body=b"hello", ContentType="text/plain; charset=utf-8", Accept="text/x-bob"
    )

    assert answer["Body"].read() == b"one|text/plain; charset=utf-8|hello|"
    assert answer["ContentType"] == "text/x-bob"
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    described = harness.sagemaker.describe_endpoint(EndpointName=endpoint)
    (variant,) = described["ProductionVariants"]
    assert variant["CurrentServerlessConfig"]["MemorySizeInMB"] == 2048
    group = f"/aws/sagemaker/Endpoints/{endpoint}"
    wait_for(lambda: "answering hello" in harness.log(group, "AllTraffic/"))


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [("unreadable", 415, '{"code": "NotAnImage"}'), ("crash", 500, "asked to crash")],
)
def test_errors_of_the_model_are_model_errors(
    harness: SageMakerHarness, endpoint: str, body: str, status: int, message: str
) -> None:
    response = harness.refused(endpoint, body.encode(), ContentType="text/plain")

    assert response["Error"]["Code"] == "ModelError"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["OriginalStatusCode"] == status
    assert response["OriginalMessage"].startswith(message)
    assert harness.ask(endpoint, "still there") == "one|text/plain|still there|"


def test_missing_endpoint_is_a_validation_error(harness: SageMakerHarness) -> None:
    with pytest.raises(ClientError) as error:
        harness.ask("nothing", "hello")

    assert refusal(error) == ("ValidationError", "Endpoint nothing of account 000000000000 not found.")


def test_too_large_request_is_refused(harness: SageMakerHarness, endpoint: str) -> None:
    with pytest.raises(ClientError) as error:
        harness.ask(endpoint, "x" * (4 * 1024 * 1024 + 1))

    assert refusal(error)[0] == "ValidationError"


def test_container_that_exits_is_replaced(harness: SageMakerHarness, endpoint: str) -> None:
    with pytest.raises(ClientError) as error:
        harness.ask(endpoint, "exit")
    assert refusal(error)[0] == "ModelError"

    wait_for(lambda: answers(harness, endpoint, "back"))


def answers(harness: SageMakerHarness, endpoint: str, body: str) -> str | None:
    """The response of the endpoint; None while it has no container."""
    try:
        return harness.ask(endpoint, body)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("ModelNotReadyException", "ModelError"):
            return None
        raise


def test_endpoint_survives_deletion_of_its_model_and_configuration(harness: SageMakerHarness) -> None:
    model = harness.model("kept")
    config = harness.config(model)
    endpoint = harness.endpoint(config)
    harness.sagemaker.delete_model(ModelName=model)
    harness.sagemaker.delete_endpoint_config(EndpointConfigName=config)

    harness.refused(endpoint, b"exit", ContentType="text/plain")

    assert wait_for(lambda: answers(harness, endpoint, "back")).startswith("kept|")
    harness.remove(endpoint)


def test_update_fails_no_request(harness: SageMakerHarness) -> None:
    endpoint = harness.endpoint(harness.config(harness.model("before"), **INSTANCES))
    second = harness.config(harness.model("after"), **INSTANCES)
    heard: list[str] = []
    over = threading.Event()

    def ask_on() -> None:
        while not over.wait(0.02):
            try:
                heard.append(harness.ask(endpoint, "hello").partition("|")[0])
            except ClientError as error:
                heard.append(str(error))

    threads = [threading.Thread(target=ask_on) for _ in range(3)]
    for thread in threads:
        thread.start()
    harness.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=second)
    during = harness.sagemaker.describe_endpoint(EndpointName=endpoint)
    described = harness.served(endpoint)
    asked = len(heard)
    wait_for(lambda: len(heard) > asked + 10)
    over.set()
    for thread in threads:
        thread.join()

    assert during["EndpointStatus"] == "Updating"
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", second)
    assert described["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    assert set(heard) == {"before", "after"}
    assert heard[-5:] == ["after"] * 5
    harness.remove(endpoint)
    with pytest.raises(ClientError, match="not found"):
        harness.ask(endpoint, "hello")


def answering(harness: SageMakerHarness, endpoint: str, text: str) -> Callable[[], bool]:
    """Whether the endpoint's model has received a request."""
    group = f"/aws/sagemaker/Endpoints/{endpoint}"
    return lambda: f"answering {text}" in harness.log(group, "AllTraffic/")


def test_serverless_variant_throttles_above_its_concurrency(
    harness: SageMakerHarness, tmp_path: Path
) -> None:
    config = harness.config(
        harness.model("one"), ServerlessConfig={"MemorySizeInMB": 2048, "MaxConcurrency": 1}
    )
    endpoint = harness.endpoint(config)
    release = tmp_path / "release"
    slow = threading.Thread(target=lambda: harness.ask(endpoint, f"wait for {release}"))
    slow.start()
    wait_for(answering(harness, endpoint, f"wait for {release}"))

    with pytest.raises(ClientError) as error:
        harness.ask(endpoint, "hello")
    release.touch()
    slow.join()

    assert refusal(error) == ("ThrottlingException", "Rate exceeded")
    assert harness.ask(endpoint, "hello").startswith("one|")
    harness.remove(endpoint)


def test_idle_serverless_endpoint_has_to_start(harness: SageMakerHarness) -> None:
    config = harness.config(harness.model("one"))
    with harness.cold_start(2):
        endpoint = harness.endpoint(config)
        with pytest.raises(ClientError) as error:
            harness.ask(endpoint, "hello")
        assert refusal(error) == ("ModelNotReadyException", f"The endpoint {endpoint} is starting.")
        assert wait_for(lambda: answers(harness, endpoint, "again")).startswith("one|")
    harness.remove(endpoint)


def test_update_waits_for_invocations_under_way(harness: SageMakerHarness, tmp_path: Path) -> None:
    endpoint = harness.endpoint(harness.config(harness.model("before")))
    heard: list[str] = []
    release = tmp_path / "release"
    slow = threading.Thread(target=lambda: heard.append(harness.ask(endpoint, f"wait for {release}")))
    slow.start()
    wait_for(answering(harness, endpoint, f"wait for {release}"))

    harness.sagemaker.update_endpoint(
        EndpointName=endpoint, EndpointConfigName=harness.config(harness.model("after"))
    )
    harness.served(endpoint)
    assert harness.ask(endpoint, "hello").startswith("after")
    assert heard == []
    release.touch()
    slow.join()

    assert heard == [f"before|text/plain|wait for {release}|"]
    harness.remove(endpoint)


def test_failed_update_keeps_the_previous_model(harness: SageMakerHarness) -> None:
    first = harness.config(harness.model("good"))
    endpoint = harness.endpoint(first)
    broken = harness.model("bad", INFERENCE + "\nraise RuntimeError('not today')")

    harness.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=harness.config(broken))
    described = harness.served(endpoint)

    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", first)
    assert "did not pass the ping health check" in described["FailureReason"]
    assert harness.ask(endpoint, "hello").startswith("good|")
    log = harness.log(f"/aws/sagemaker/Endpoints/{endpoint}", "AllTraffic/")
    assert "RuntimeError: not today" in log
    harness.remove(endpoint)


@pytest.mark.parametrize(
    ("kind", "state", "updated", "reason"),
    [
        ("alarm", "OK", True, None),
        ("alarm", "ALARM", False, "is ALARM"),
        ("alarm", None, False, "is missing"),
        ("forbidden", "OK", False, "not authorized"),
    ],
    ids=["quiet", "ringing", "missing", "forbidden"],
)
def test_update_is_taken_back_if_its_alarm_rings(
    harness: SageMakerHarness, kind: str, state: str | None, updated: bool, reason: str | None
) -> None:
    """Also if it is missing, or the role of the model may not read it."""
    alarm, cloudwatch = harness.name(kind), harness.client.aws("cloudwatch")
    if state:
        cloudwatch.put_metric_alarm(
            AlarmName=alarm,
            Namespace="N",
            MetricName="M",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=0,
            ComparisonOperator="GreaterThanThreshold",
        )
        cloudwatch.set_alarm_state(AlarmName=alarm, StateValue=state, StateReason="test")
    first, second = (harness.config(harness.model(text), **INSTANCES) for text in ("first", "second"))
    endpoint = harness.endpoint(first)

    harness.sagemaker.update_endpoint(
        EndpointName=endpoint,
        EndpointConfigName=second,
        DeploymentConfig={
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 60}
            },
            "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm}]},
        },
    )

    described = harness.served(endpoint)
    assert described["EndpointConfigName"] == (second if updated else first)
    assert reason is None or reason in described["FailureReason"]
    harness.remove(endpoint)


def test_scaled_variant_keeps_its_instances_if_that_is_asked(harness: SageMakerHarness) -> None:
    model = harness.model("one")
    first, second = harness.config(model, **INSTANCES), harness.config(model, **INSTANCES)
    endpoint = harness.endpoint(first)

    def instances() -> int:
        (variant,) = harness.served(endpoint)["ProductionVariants"]
        return int(variant["CurrentInstanceCount"])

    wanted = [{"VariantName": "AllTraffic", "DesiredInstanceCount": 3}]
    harness.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=endpoint, DesiredWeightsAndCapacities=wanted
    )
    assert instances() == 3
    named = {"EndpointName": endpoint, "EndpointConfigName": second}
    harness.sagemaker.update_endpoint(**named, RetainAllVariantProperties=True)
    assert instances() == 3
    harness.sagemaker.update_endpoint(**named)
    assert instances() == 1
    harness.remove(endpoint)


def test_instances_are_not_converted_to_serverless(harness: SageMakerHarness) -> None:
    model = harness.model("one")
    serverless, instances = harness.config(model), harness.config(model, **INSTANCES)
    endpoint = harness.endpoint(serverless)
    harness.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=instances)
    harness.served(endpoint)

    with pytest.raises(ClientError) as error:
        harness.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=serverless)

    assert refusal(error)[0] == "ValidationException"
    described = harness.served(endpoint)
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", instances)
    harness.remove(endpoint)


def test_only_endpoints_can_be_scaled(harness: SageMakerHarness) -> None:
    client = harness.client.aws("application-autoscaling")
    target = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": "endpoint/nothing/variant/AllTraffic",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    with pytest.raises(ClientError, match="No endpoint"):
        client.register_scalable_target(**target, MinCapacity=1, MaxCapacity=4)
    with pytest.raises(client.exceptions.ObjectNotFoundException):
        client.put_scaling_policy(**target, PolicyName="invocations")
    with pytest.raises(client.exceptions.ObjectNotFoundException):
        client.deregister_scalable_target(**target)


def test_endpoint_whose_model_does_not_start_fails(harness: SageMakerHarness) -> None:
    name = harness.name("endpoint")
    config = harness.config(harness.model("bad", "def model_fn(folder): return None"))
    harness.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)

    described = harness.served(name)

    assert described["EndpointStatus"] == "Failed"
    assert "did not pass the ping health check" in described["FailureReason"]
    log = harness.log(f"/aws/sagemaker/Endpoints/{name}", "AllTraffic/")
    assert "inference.py does not define input_fn, predict_fn, output_fn." in log
    with pytest.raises(ClientError, match=r"Endpoint .* not found"):
        harness.ask(name, "hello")
    harness.remove(name)


def test_endpoint_serves_and_cannot_be_changed_during_an_update(
    harness: SageMakerHarness, tmp_path: Path
) -> None:
    first = harness.config(harness.model("good"), **INSTANCES)
    endpoint = harness.endpoint(first)
    release = tmp_path / "release"
    loads = f"import os, time\nwhile not os.path.exists({str(release)!r}):\n    time.sleep(0.05)\n"
    second = harness.config(harness.model("slow", loads + INFERENCE), **INSTANCES)
    harness.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=second)

    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        harness.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=second)
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        harness.sagemaker.delete_endpoint(EndpointName=endpoint)

    assert harness.ask(endpoint, "meanwhile").startswith("good|")
    release.touch()
    assert harness.served(endpoint)["EndpointConfigName"] == second
    harness.remove(endpoint)


def test_traffic_is_split_by_variant_weights(harness: SageMakerHarness) -> None:
    config = harness.name("config")
    variants = [
        {"VariantName": name, "ModelName": harness.model(name), "InitialVariantWeight": weight, **INSTANCES}
        for name, weight in (("never", 0.0), ("always", 1.0))
    ]
    for variant in variants:
        del variant["ServerlessConfig"]
    harness.sagemaker.create_endpoint_config(EndpointConfigName=config, ProductionVariants=variants)
    endpoint = harness.endpoint(config)

    heard = {harness.ask(endpoint, "hello").partition("|")[0] for _ in range(10)}

    assert heard == {"always"}
    assert harness.ask(endpoint, "hello", TargetVariant="never").startswith("never|")
    with pytest.raises(ClientError, match="Variant missing"):
        harness.ask(endpoint, "hello", TargetVariant="missing")
    harness.remove(endpoint)


def test_missing_models_and_configurations_are_refused(harness: SageMakerHarness) -> None:
    model = harness.model("one")
    with pytest.raises(ClientError) as error:
        harness.model_at(f"s3://{BUCKET}/models/nothing.tar.gz")
    assert refusal(error)[1].startswith(f"Could not find model data at s3://{BUCKET}/models/nothing.tar.gz.")
    with pytest.raises(ClientError, match='Could not find model "arn:'):
        harness.config("missing")
    with pytest.raises(ClientError, match="Could not find endpoint configuration"):
        harness.sagemaker.create_endpoint(EndpointName=harness.name(), EndpointConfigName="nothing")
    with pytest.raises(ClientError, match="Could not find endpoint "):
        harness.sagemaker.describe_endpoint(EndpointName="nothing")
    with pytest.raises(ClientError, match="Cannot create already existing model"):
        harness.sagemaker.create_model(
            ModelName=model,
            ExecutionRoleArn=ROLE,
            PrimaryContainer={"Image": IMAGE, "ModelDataUrl": harness.put("models/again.tar.gz", "any")},
        )


def invoking(event: Any, _context: Any) -> list[str]:
    """The error codes of an invocation of an endpoint and of its description."""
    import boto3
    from botocore.exceptions import ClientError

    codes = []
    for call, more in (
        (boto3.client("sagemaker-runtime").invoke_endpoint, {"Body": b"hello"}),
        (boto3.client("sagemaker").describe_endpoint, {}),
    ):
        try:
            call(EndpointName=event, **more)
            codes.append("allowed")
        except ClientError as error:
            codes.append(str(error.response["Error"]["Code"]))
    return codes


def test_lambda_may_call_only_endpoints_that_its_role_allows(
    harness: SageMakerHarness, endpoint: str
) -> None:
    with deployed(harness.client, invoking, "classify") as function:
        denied = "AccessDeniedException"
        assert function.call("negatoscope-local-nothing") == (["ValidationError", denied], None)
        assert function.call(endpoint) == ([denied, denied], None)
