"""What a process loads before its first answer."""

import os
import subprocess
import sys

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
