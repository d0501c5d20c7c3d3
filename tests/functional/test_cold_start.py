"""What a process loads before its first answer."""

import os
import subprocess
import sys

import pytest

from tests import images
from tests.stage import ROOT

WITH_IMAGES = {
    ("POST", "/tasks/{task}/classify"),
    ("GET", "/results/{id}/preview"),
    ("GET", "/results/{id}/heatmap"),
}
"""The routes that decode an image or run a model."""

PROGRAM = f"""
import sys
from chalice.test import Client
import tests.conftest
from tests.cloud import account

def loaded():
    return sorted({{"numpy", "PIL", "onnxruntime", "pydicom"}} & set(sys.modules))

with account():
    import app
    from chalicelib import dependencies
    from chalicelib.api.http import api
    from chalicelib.results import result_document
    from chalicelib.storage import inbox

    image_id = inbox.new_id("api", "mammography-views", b"image")
    dependencies.table().receive(result_document.received(image_id, "mammography-views", "api"), "{{}}")
    known = {{"task": "mammography-views", "id": image_id, "name": "run", "version": "v", "file": "card.md"}}
    known["export"] = "export"
    known["batch"] = "run"
    with Client(app.app) as client:
        for route in api.routes:
            if (route.method, route.path) not in {WITH_IMAGES}:
                body = b'{{"task": "mammography-views", "label": "left-cc"}}'
                headers = {{"Content-Type": "application/json"}}
                client.http.request(route.method, route.path.format(**known), headers=headers, body=body)
                print(route.method, route.path, *loaded())
"""


def test_requests_without_an_image_do_not_wait_for_numpy_pillow_and_onnxruntime() -> None:
    account = {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, env=os.environ | account, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    routes = [line for line in run.stdout.splitlines() if line.startswith(("GET", "POST", "PUT", "DELETE"))]
    assert len(routes) > 20
    assert [route for route in routes if len(route.split()) > 2] == []


IMPORT = """
import gc, sys
import app
print(*sys.modules)
assert gc.isenabled() and gc.get_freeze_count()
"""
STAGE = {
    "STAGE": "local",
    "DATA_BUCKET": "data",
    "RESULTS_TABLE": "results",
    "RETRAININGS_TABLE": "retrainings",
    "LAMBDA_TASK_ROOT": "/var/task",
}
LATER = (
    *("aws_xray_sdk", "wrapt", "asyncio", "tarfile", "numpy", "PIL", "onnxruntime", "pydicom"),
    *("chalicelib.hyperparameters", "chalicelib.labelled_data", "chalicelib.models.endpoint_manager"),
    *("chalicelib.monitoring.drift_monitor", "chalicelib.retraining.service", "chalicelib.retraining.steps"),
    *("chalicelib.retraining.planning", "chalicelib.imaging", "chalicelib.pipeline.pipeline"),
    "chalicelib.exports.service",
)
"""What no Lambda imports before it is asked for something that needs it, if at all."""


def test_importing_the_application_imports_little_else() -> None:
    run = subprocess.run([sys.executable, "-c", IMPORT], cwd=ROOT, env=STAGE, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    imported = run.stdout.split()
    assert {"chalice", "boto3", "chalicelib.routes.tasks", "chalicelib.models.classifier"} <= set(imported)
    assert [name for name in LATER if name in imported] == []


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_file_waits_for_the_code_of_its_own_format_only(kind: str) -> None:
    program = (
        "import sys; from chalicelib.imaging import prepare; from chalicelib.tasks import load_task;"
        "prepare(sys.stdin.buffer.read(), load_task('mammography-views').input); print(*sys.modules)"
    )
    file = images.grey_file(kind)
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, input=file, capture_output=True)
    assert run.returncode == 0, run.stderr.decode()
    readers = {"chalicelib.imaging.jpeg", "chalicelib.imaging.png", "chalicelib.imaging.tiff"}
    assert readers & set(run.stdout.decode().split()) == {f"chalicelib.imaging.{kind.lower()}"}
