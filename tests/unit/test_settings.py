"""Settings from the environment."""

import re
from dataclasses import replace

import pytest

import chalicelib.settings
from chalicelib.settings import SettingsError, read_endpoints, read_settings
from chalicelib.tasks import EndpointSpec, load_tasks
from tests.stage import ROOT

GOOD = {
    "STAGE": "prod",
    "DATA_BUCKET": "b",
    "RESULTS_TABLE": "t",
    "RETRAININGS_TABLE": "r",
    "USER_POOL_ARN": "arn:aws:cognito-idp:eu-central-1:000000000000:userpool/x",
    "LOGIN_ORIGIN": "https://login.example",
    "LOGIN_CLIENT_ID": "c",
}


def test_complete_environment_is_read() -> None:
    settings = read_settings(GOOD | {"ENDPOINTS": '{"chest-xray": "my-endpoint"}'})
    assert (settings.stage, settings.data_bucket, settings.results_table) == ("prod", "b", "t")
    assert settings.prepare_function == "negatoscope-prod-prepare"
    assert settings.endpoints == {"chest-xray": EndpointSpec("my-endpoint", "negatoscope")}


def test_stage_overrides_the_endpoint_and_keeps_its_protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = load_tasks()
    named = replace(tasks["chest-xray"], endpoint=EndpointSpec("of-the-task", "image-classification"))
    monkeypatch.setattr(chalicelib.settings, "load_tasks", lambda: tasks | {"chest-xray": named})
    assert read_endpoints("{}") == {"chest-xray": EndpointSpec("of-the-task", "image-classification")}
    assert read_endpoints('{"chest-xray": "of-the-stage", "retinal-oct": "other"}') == {
        "chest-xray": EndpointSpec("of-the-stage", "image-classification"),
        "retinal-oct": EndpointSpec("other", "negatoscope"),
    }


def test_all_missing_variables_are_named() -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({})
    for name in GOOD:
        assert name in str(caught.value)


def test_login_is_optional_only_in_the_local_stage() -> None:
    of_login = ("USER_POOL_ARN", "LOGIN_ORIGIN", "LOGIN_CLIENT_ID")
    open_api = {name: value for name, value in GOOD.items() if name not in of_login}
    with pytest.raises(SettingsError) as caught:
        read_settings(open_api)
    assert all(f"{name} is not set" in str(caught.value) for name in of_login)
    local = read_settings(open_api | {"STAGE": "local"})
    assert (local.user_pool_arn, local.login) == (None, None)


@pytest.mark.parametrize("stage", ["local", "prod"])
def test_login_is_read(stage: str) -> None:
    login = {"origin": "https://login.example", "client_id": "c"}
    assert read_settings(GOOD | {"STAGE": stage}).login == login
    with pytest.raises(SettingsError, match="LOGIN_ORIGIN is not set"):
        read_settings({**GOOD, "STAGE": stage, "LOGIN_ORIGIN": ""})


def test_serving_of_the_stage_is_read() -> None:
    assert read_settings(GOOD | {"SERVING": '{"chest-xray": "embedded"}'}).serving == {
        "chest-xray": "embedded"
    }
    for wrong in ("{", "[]", '{"feet": "embedded"}', '{"chest-xray": "cheap"}', '{"chest-xray": ["x"]}'):
        with pytest.raises(SettingsError, match="SERVING is not a JSON object"):
            read_settings(GOOD | {"SERVING": wrong})


@pytest.mark.parametrize(
    "endpoints",
    ["{", "[]", '{"chest-xray": 1}', '{"feet": "x"}', '{"chest-xray": "a/b"}', '{"chest-xray": ""}'],
)
def test_invalid_endpoints_are_refused(endpoints: str) -> None:
    with pytest.raises(SettingsError, match="ENDPOINTS"):
        read_settings(GOOD | {"ENDPOINTS": endpoints})


def test_state_machine_of_exports_is_read() -> None:
    assert read_settings(GOOD).export_arn is None
    assert read_settings(GOOD | {"EXPORT_ARN": "arn"}).export_arn == "arn"


def test_retrain_on_drift_needs_a_state_machine() -> None:
    settings = read_settings(GOOD)
    assert (settings.retraining_arn, settings.retrain_on_drift) == (None, False)
    machine = {"RETRAINING_ARN": "arn:aws:states:eu-central-1:000000000000:stateMachine:x"}
    assert not read_settings(GOOD | machine).retrain_on_drift
    settings = read_settings(GOOD | machine | {"RETRAIN_ON_DRIFT": "true"})
    assert (settings.retraining_arn, settings.retrain_on_drift) == (machine["RETRAINING_ARN"], True)
    with pytest.raises(SettingsError, match="RETRAINING_ARN names no state machine"):
        read_settings(GOOD | {"RETRAIN_ON_DRIFT": "true"})
    with pytest.raises(SettingsError, match="RETRAIN_ON_DRIFT must be true or false"):
        read_settings(GOOD | machine | {"RETRAIN_ON_DRIFT": "yes"})


def test_environment_is_read_only_by_the_settings() -> None:
    readers = [
        path.name
        for path in [ROOT / "app.py", *(ROOT / "chalicelib").rglob("*.py")]
        if re.search(r"\bos\.(environ|getenv)\b", path.read_text())
    ]
    assert readers == ["settings.py"]


def test_aws_library_is_imported_only_by_adapters() -> None:
    adapters = {
        "batches/executions.py",
        "dependencies.py",
        "models/endpoint.py",
        "models/endpoint_manager.py",
        "pipeline/decoder.py",
        "storage/bucket.py",
        "storage/errors.py",
    }
    steps = ("candidate", "creation_checker", "executions", "jobs", "steps", "training_jobs")
    of_retraining = {f"retraining/{name}.py" for name in steps}
    importers = {
        path.relative_to(ROOT / "chalicelib").as_posix()
        for path in (ROOT / "chalicelib").rglob("*.py")
        if re.search(r"^\s*(import|from) (boto3|botocore)\b", path.read_text(), re.MULTILINE)
    }
    assert importers == adapters | of_retraining
