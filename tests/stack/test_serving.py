"""The model that answers: promotion, idle and woken endpoints, and rollback, with served models."""

import json
from collections.abc import Iterator

import pytest

from chalicelib.models.package import BUNDLED_MODELS
from tests.stack.client import TASK, Client, asking, wait_for
from tests.stack.model_deployer import ENDPOINT, ModelDeployer
from tests.stack.sagemaker_harness import SageMakerHarness


@pytest.fixture(scope="module")
def deployer(harness: SageMakerHarness, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelDeployer]:
    deployer = ModelDeployer(harness, tmp_path_factory.mktemp("models"))
    bundled = deployer.registry.current(TASK)
    assert bundled is not None, "deploying registers the bundled models"
    yield deployer
    deployer.registry.promote(TASK, bundled.version, None, None)
    if harness.sagemaker.list_endpoints(NameContains=ENDPOINT)["Endpoints"]:
        harness.served(ENDPOINT)
        harness.remove(ENDPOINT)


def test_bundled_models_are_registered(client: Client) -> None:
    tasks = {task["name"]: task["model"] for task in client.api("GET", "/api/tasks").json["tasks"]}
    for file in BUNDLED_MODELS.glob("*/model.json"):
        folder = file.parent
        versions = client.api("GET", f"/api/tasks/{folder.name}/models").json["models"]
        (version,) = [one for one in versions if one.get("origin") == "bundled"]
        facts = json.loads((folder / "model.json").read_text())
        assert (version["version"], version["status"]) == (facts["version"], "current")
        assert tasks[folder.name]["since"] == version["since"]
        path = f"/api/tasks/{folder.name}/models/{facts['version']}"
        assert client.api("GET", f"{path}/card.md").body == (folder / "card.md").read_bytes()
        plot = client.api("GET", f"{path}/roc.svg")
        assert plot.body == (folder / "plots" / "roc.svg").read_bytes()
        assert plot.headers["Content-Type"] == "image/svg+xml"
    assert client.api("GET", f"/api/tasks/{TASK}/models/none/card.md").status == 404


def test_promotion_endpoints_and_rollback(deployer: ModelDeployer) -> None:
    bundled = deployer.registry.current(TASK)
    assert bundled is not None
    first, second = deployer.register("first"), deployer.register("second")
    assert deployer.answered_by() == (bundled.version, "embedded")

    # Promoted: processes that start later use it at once. That the others follow within a minute is tested by
    # test_retraining.py, which goes on asking while a model is deployed, and by
    # tests/unit/models/test_deployed_models.py.
    deployer.harness.sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName=first)
    assert deployer.harness.served(ENDPOINT)["EndpointStatus"] == "InService"
    deployer.registry.promote(TASK, "first", ENDPOINT, first)
    deployer.restart_lambdas()
    wait_for(deployer.is_answered_by("first", "endpoint"))

    # Taken down: no call fails, the same version answers.
    with asking(deployer.answered_by) as heard:
        said = deployer.script("idle")
        wait_for(lambda: ("first", "embedded") in heard)
    assert heard <= {("first", "endpoint"), ("first", "embedded")}
    assert f"{ENDPOINT}: deleted" in said
    assert deployer.is_answered_by("first", "embedded")()
    assert "no endpoints" in deployer.script("idle")

    # Brought back: the same configuration, used at once.
    with asking(deployer.answered_by) as heard:
        said = deployer.script("wake")
        wait_for(lambda: ("first", "endpoint") in heard)
    assert heard <= {("first", "endpoint"), ("first", "embedded")}
    assert f"{ENDPOINT}: creating with {first}" in said
    assert deployer.harness.served(ENDPOINT)["EndpointConfigName"] == first
    assert "creating with" not in deployer.script("wake")

    # Replaced on the same endpoint, and rolled back there; only what is promoted answers. The Lambda that
    # rolls back is started first, or the update could end before it asks.
    nothing = deployer.client.api("POST", "/api/tasks/chest-xray/rollback")
    assert nothing.json["code"] == "NothingToRollBackTo"
    deployer.harness.sagemaker.update_endpoint(EndpointName=ENDPOINT, EndpointConfigName=second)
    refused = deployer.client.api("POST", f"/api/tasks/{TASK}/rollback")
    assert (refused.status, refused.json["code"]) == (409, "EndpointNotChanged")
    assert deployer.harness.served(ENDPOINT)["EndpointConfigName"] == second
    assert deployer.answered_by() == ("first", "embedded")
    deployer.registry.promote(TASK, "second", ENDPOINT, second)
    assert deployer.answered_by() == ("second", "endpoint")
    with asking(deployer.answered_by) as heard:
        assert deployer.rolled_back() | {"since": ""} == {
            "version": "first",
            "sha256": deployer.registry.record(TASK, "first")["sha256"],
            "endpoint": ENDPOINT,
            "config": first,
            "previous": "second",
            "since": "",
        }
        wait_for(lambda: ("first", "endpoint") in heard)
    assert heard <= {
        ("second", "endpoint"),
        ("second", "embedded"),
        ("first", "embedded"),
        ("first", "endpoint"),
    }
    assert deployer.harness.served(ENDPOINT)["EndpointConfigName"] == first

    # Rolled back to the bundled model: the endpoint goes, nothing fails.
    deployer.registry.promote(TASK, bundled.version, None, None)
    deployer.registry.promote(TASK, "first", ENDPOINT, first)
    with asking(deployer.answered_by) as heard:
        assert deployer.rolled_back()["endpoint"] is None
        wait_for(lambda: (bundled.version, "embedded") in heard)
    wait_for(deployer.is_answered_by(bundled.version, "embedded"), pause=1.0)
    wait_for(lambda: not deployer.harness.sagemaker.list_endpoints(NameContains=ENDPOINT)["Endpoints"])
