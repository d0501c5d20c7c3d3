"""How the API describes the stage."""

from chalicelib.api.stage_views import describe, health
from chalicelib.limits import MAX_IMAGE_BODY
from chalicelib.settings import read_settings

VARIABLES = {"DATA_BUCKET": "images", "RESULTS_TABLE": "results", "RETRAININGS_TABLE": "retrainings"}
LOGIN = {"USER_POOL_ARN": "arn", "LOGIN_ORIGIN": "https://login.example", "LOGIN_CLIENT_ID": "4711"}


def test_health_names_the_login_only() -> None:
    assert health(read_settings({"STAGE": "local", **VARIABLES})) == {"status": "ok", "login": None}
    login = {"origin": "https://login.example", "client_id": "4711"}
    found = health(read_settings({"STAGE": "prod", **VARIABLES, **LOGIN}))
    assert found == {"status": "ok", "login": login}


def test_describe_names_the_stage_and_its_limits() -> None:
    found = describe(read_settings({"STAGE": "local", **VARIABLES}))
    assert (found["stage"], found["data_bucket"]) == ("local", "images")
    assert found["max_image_bytes"] == MAX_IMAGE_BODY
