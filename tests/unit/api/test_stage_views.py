"""How the API describes the stage."""

from chalicelib.api.stage_views import health
from chalicelib.limits import MAX_IMAGE_BODY
from chalicelib.settings import read_settings


def test_health_names_the_stage_and_its_limits() -> None:
    tables = {"RESULTS_TABLE": "results", "RETRAININGS_TABLE": "retrainings"}
    found = health(read_settings({"STAGE": "local", "DATA_BUCKET": "images", **tables}))
    assert (found["status"], found["stage"], found["data_bucket"]) == ("ok", "local", "images")
    assert found["login"] is None
    assert found["max_image_bytes"] == MAX_IMAGE_BODY
