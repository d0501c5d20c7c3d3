"""A plan of a retraining."""

from chalicelib.retraining.planning.plan import Plan

PLAN: Plan = {
    "run": "run",
    "execution": "arn",
    "task": "chest-xray",
    "title": "Chest",
    "plain": True,
    "approval": False,
    "name": "negatoscope-test-chest-xray-0",
    "tuning_name": "negatoscope-test-0",
    "trials": 0,
    "folder": "s3://bucket/retrainings/chest-xray/run/",
    "data": {"images": 1, "corrections": 0},
    "preparing": {"arguments": ["training.prepare"], "instance_count": 1},
    "processing": {"instance_type": "ml.m7i.large", "volume_gb": 30},
    "training": {"hyperparameters": {}, "resources": {}, "inputs": [], "spot": False, "stopping": {}},
    "current": {
        "deployed": None,
        "version": None,
        "origin": "",
        "uri": "s3://bucket/plan.json",
        "path": "",
        "fingerprint": None,
    },
    "serving": {
        "kind": "serverless",
        "endpoint": "e",
        "alarm": "a",
        "variants": [],
        "update": {},
        "spec": {},
    },
}
