"""Where retrainings keep what they need."""

from chalicelib.retraining.locations import plan_key, retraining_folder


def test_retraining_has_a_folder_with_its_plan() -> None:
    assert retraining_folder("chest-xray", "run-1") == "retrainings/chest-xray/run-1/"
    assert plan_key("chest-xray", "run-1") == "retrainings/chest-xray/run-1/plan.json"
