"""Endpoints serve models, and change what they serve without anybody noticing."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.stack.client import wait_for
from tests.stack.functions import deployed
from tests.stack.lab import BUCKET, IMAGE, INFERENCE, ROLE, Lab, refusal

INSTANCES = {"ServerlessConfig": None, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}


@pytest.fixture(scope="module")
def endpoint(lab: Lab) -> Iterator[str]:
    """An endpoint that serves the model `one`."""
    name = lab.endpoint(lab.config(lab.model("one")))
    yield name
    lab.remove(name)


def test_an_endpoint_answers(lab: Lab, endpoint: str) -> None:
    answer = lab.runtime.invoke_endpoint(
        EndpointName=endpoint, Body=b"hello", ContentType="text/plain; charset=utf-8", Accept="text/x-bob"
    )

    assert answer["Body"].read() == b"one|text/plain; charset=utf-8|hello|"
    assert answer["ContentType"] == "text/x-bob"
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    described = lab.sagemaker.describe_endpoint(EndpointName=endpoint)
    (variant,) = described["ProductionVariants"]
    assert variant["CurrentServerlessConfig"]["MemorySizeInMB"] == 2048
    group = f"/aws/sagemaker/Endpoints/{endpoint}"
    wait_for(lambda: "answering hello" in lab.log(group, "AllTraffic/"))


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [("unreadable", 415, '{"code": "NotAnImage"}'), ("crash", 500, "asked to crash")],
)
def test_what_the_model_refuses_is_told_as_its_refusal(
    lab: Lab, endpoint: str, body: str, status: int, message: str
) -> None:
    response = lab.refused(endpoint, body.encode(), ContentType="text/plain")

    assert response["Error"]["Code"] == "ModelError"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["OriginalStatusCode"] == status
    assert response["OriginalMessage"].startswith(message)
    assert lab.ask(endpoint, "still there") == "one|text/plain|still there|"


def test_an_endpoint_that_is_not_there_is_a_validation_error(lab: Lab) -> None:
    with pytest.raises(ClientError) as error:
        lab.ask("nothing", "hello")

    assert refusal(error) == ("ValidationError", "Endpoint nothing of account 000000000000 not found.")


def test_too_large_a_request_is_refused(lab: Lab, endpoint: str) -> None:
    with pytest.raises(ClientError) as error:
        lab.ask(endpoint, "x" * (4 * 1024 * 1024 + 1))

    assert refusal(error)[0] == "ValidationError"


def test_a_container_that_dies_is_replaced(lab: Lab, endpoint: str) -> None:
    with pytest.raises(ClientError) as error:
        lab.ask(endpoint, "exit")
    assert refusal(error)[0] == "ModelError"

    wait_for(lambda: answers(lab, endpoint, "back"))


def answers(lab: Lab, endpoint: str, body: str) -> str | None:
    """What the endpoint answers, None while it has no container."""
    try:
        return lab.ask(endpoint, body)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("ModelNotReadyException", "ModelError"):
            return None
        raise


def test_an_endpoint_goes_on_without_its_model_and_configuration(lab: Lab) -> None:
    model = lab.model("kept")
    config = lab.config(model)
    endpoint = lab.endpoint(config)
    lab.sagemaker.delete_model(ModelName=model)
    lab.sagemaker.delete_endpoint_config(EndpointConfigName=config)

    lab.refused(endpoint, b"exit", ContentType="text/plain")

    assert wait_for(lambda: answers(lab, endpoint, "back")).startswith("kept|")
    lab.remove(endpoint)


def test_an_update_is_noticed_only_in_the_answers(lab: Lab) -> None:
    endpoint = lab.endpoint(lab.config(lab.model("before"), **INSTANCES))
    second = lab.config(lab.model("after"), **INSTANCES)
    heard: list[str] = []
    over = threading.Event()

    def ask_on() -> None:
        while not over.is_set():
            try:
                heard.append(lab.ask(endpoint, "hello").partition("|")[0])
            except ClientError as error:
                heard.append(str(error))

    threads = [threading.Thread(target=ask_on) for _ in range(3)]
    for thread in threads:
        thread.start()
    lab.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=second)
    during = lab.sagemaker.describe_endpoint(EndpointName=endpoint)
    described = lab.served(endpoint)
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
    lab.remove(endpoint)
    with pytest.raises(ClientError, match="not found"):
        lab.ask(endpoint, "hello")


def test_a_serverless_variant_serves_no_more_requests_at_a_time_than_it_may(lab: Lab) -> None:
    config = lab.config(lab.model("one"), ServerlessConfig={"MemorySizeInMB": 2048, "MaxConcurrency": 1})
    endpoint = lab.endpoint(config)
    slow = threading.Thread(target=lambda: lab.ask(endpoint, "sleep 2"))
    slow.start()
    wait_for(lambda: "answering sleep 2" in lab.log(f"/aws/sagemaker/Endpoints/{endpoint}", "AllTraffic/"))

    with pytest.raises(ClientError) as error:
        lab.ask(endpoint, "hello")
    slow.join()

    assert refusal(error) == ("ThrottlingException", "Rate exceeded")
    assert lab.ask(endpoint, "hello").startswith("one|")
    lab.remove(endpoint)


def test_an_answer_under_way_is_given_before_its_container_ends(lab: Lab) -> None:
    endpoint = lab.endpoint(lab.config(lab.model("before")))
    heard: list[str] = []
    slow = threading.Thread(target=lambda: heard.append(lab.ask(endpoint, "sleep 5")))
    slow.start()
    wait_for(lambda: "answering sleep 5" in lab.log(f"/aws/sagemaker/Endpoints/{endpoint}", "AllTraffic/"))

    lab.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=lab.config(lab.model("after")))
    lab.served(endpoint)
    assert lab.ask(endpoint, "hello").startswith("after")
    slow.join()

    assert heard == ["before|text/plain|sleep 5|"]
    lab.remove(endpoint)


def test_an_update_to_a_model_that_does_not_start_changes_nothing(lab: Lab) -> None:
    first = lab.config(lab.model("good"))
    endpoint = lab.endpoint(first)
    broken = lab.model("bad", INFERENCE + "\nraise RuntimeError('not today')")

    lab.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=lab.config(broken))
    described = lab.served(endpoint)

    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", first)
    assert "did not pass the ping health check" in described["FailureReason"]
    assert lab.ask(endpoint, "hello").startswith("good|")
    log = lab.log(f"/aws/sagemaker/Endpoints/{endpoint}", "AllTraffic/")
    assert "RuntimeError: not today" in log
    lab.remove(endpoint)


def test_an_endpoint_whose_model_does_not_start_fails(lab: Lab) -> None:
    name = lab.name("endpoint")
    config = lab.config(lab.model("bad", "def model_fn(folder): return None"))
    lab.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)

    described = lab.served(name)

    assert described["EndpointStatus"] == "Failed"
    assert "did not pass the ping health check" in described["FailureReason"]
    log = lab.log(f"/aws/sagemaker/Endpoints/{name}", "AllTraffic/")
    assert "inference.py does not define input_fn, predict_fn, output_fn." in log
    with pytest.raises(ClientError, match=r"Endpoint .* not found"):
        lab.ask(name, "hello")
    lab.remove(name)


def test_an_endpoint_that_is_being_updated_serves_and_cannot_be_changed(lab: Lab) -> None:
    first = lab.config(lab.model("good"), **INSTANCES)
    endpoint = lab.endpoint(first)
    second = lab.config(lab.model("slow", f"import time\ntime.sleep(3)\n{INFERENCE}"), **INSTANCES)
    lab.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=second)

    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        lab.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=second)
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        lab.sagemaker.delete_endpoint(EndpointName=endpoint)

    assert lab.ask(endpoint, "meanwhile").startswith("good|")
    assert lab.served(endpoint)["EndpointConfigName"] == second
    lab.remove(endpoint)


def test_traffic_goes_to_variants_by_their_weights(lab: Lab) -> None:
    config = lab.name("config")
    variants = [
        {"VariantName": name, "ModelName": lab.model(name), "InitialVariantWeight": weight, **INSTANCES}
        for name, weight in (("never", 0.0), ("always", 1.0))
    ]
    for variant in variants:
        del variant["ServerlessConfig"]
    lab.sagemaker.create_endpoint_config(EndpointConfigName=config, ProductionVariants=variants)
    endpoint = lab.endpoint(config)

    heard = {lab.ask(endpoint, "hello").partition("|")[0] for _ in range(10)}

    assert heard == {"always"}
    assert lab.ask(endpoint, "hello", TargetVariant="never").startswith("never|")
    with pytest.raises(ClientError, match="Variant nobody"):
        lab.ask(endpoint, "hello", TargetVariant="nobody")
    lab.remove(endpoint)


def test_what_is_not_there_cannot_be_served(lab: Lab) -> None:
    model = lab.model("one")
    with pytest.raises(ClientError) as error:
        lab.model_at(f"s3://{BUCKET}/models/nothing.tar.gz")
    assert refusal(error)[1].startswith(f"Could not find model data at s3://{BUCKET}/models/nothing.tar.gz.")
    with pytest.raises(ClientError, match='Could not find model "arn:'):
        lab.config("nobody")
    with pytest.raises(ClientError, match="Could not find endpoint configuration"):
        lab.sagemaker.create_endpoint(EndpointName=lab.name(), EndpointConfigName="nothing")
    with pytest.raises(ClientError, match="Could not find endpoint "):
        lab.sagemaker.describe_endpoint(EndpointName="nothing")
    with pytest.raises(ClientError, match="Cannot create already existing model"):
        lab.sagemaker.create_model(
            ModelName=model,
            ExecutionRoleArn=ROLE,
            PrimaryContainer={"Image": IMAGE, "ModelDataUrl": lab.put("models/again.tar.gz", "any")},
        )


def invoking(event: Any, _context: Any) -> list[str]:
    """The codes of the errors with which an endpoint, and SageMaker when asked about it, answer."""
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


def test_a_lambda_may_call_the_endpoints_that_its_role_allows(lab: Lab, endpoint: str) -> None:
    with deployed(lab.client, invoking, "classify") as function:
        denied = "AccessDeniedException"
        assert function.call("negatoscope-local-nothing") == (["ValidationError", denied], None)
        assert function.call(endpoint) == ([denied, denied], None)
