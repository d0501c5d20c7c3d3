"""The running system never logs, measures, stores or returns the identity of a patient."""

import json

import numpy as np

from local.stack import BUCKET
from tests import images
from tests.stack.client import TASK, Client, wait_for
from tests.stack.functions import Function

FILE = "Jane Doe 1955-12-24"
NAMES = ("Jane", "Unmistakable", "UNMISTAKABLE", "19551224", "1955-12-24")
FUNCTIONS = tuple(f"negatoscope-local{name}" for name in ("", "-decode", "-prepare", "-classify"))


def test_no_file_or_patient_name_is_logged_or_stored(client: Client) -> None:
    known = client.ids()
    pixels = images.gradient(high=4095).astype(np.uint16)
    client.drop(f"{TASK}/{FILE}.dcm", images.dicom(pixels, WindowCenter=2048, WindowWidth=4096))
    client.drop(f"{TASK}/{FILE} report.dcm", images.structured_report())
    client.drop(f"{TASK}/{FILE} cut off.dcm", images.dicom(pixels)[:-3000])
    client.drop(f"{FILE}.dcm", images.dicom(pixels))
    results = client.finished(4, known)
    posted = client.api(
        "POST", f"/api/tasks/{TASK}/classify", images.dicom(pixels), Content_Type="application/dicom"
    )
    assert posted.status == 200

    logs = {name: "".join(Function(client, name).log()) for name in FUNCTIONS}
    # Metrics travel in the log. What the API classifies may be counted by `classify`, too.
    assert '"Quarantined"' in logs["negatoscope-local-prepare"]
    assert '"Classified"' in logs["negatoscope-local-classify"]
    for name, log in logs.items():
        assert_anonymous(f"the log of {name}", log)
    assert_anonymous("the answers", json.dumps(results) + posted.body.decode())
    assert_anonymous("the table", client.api("GET", "/api/results.csv").body.decode())
    ids = [result["id"] for result in (*results, posted.json)]

    def own() -> list[str]:
        keys = client.keys("results/") + client.keys("prepared/")
        return [key for key in keys if any(name in key for name in ids)]

    # One result each, and an array for each of the two good images. The posted one gets its document last.
    wait_for(lambda: len(own()) == len(ids) + 2)
    for key in own():
        stored = client.s3.get_object(Bucket=BUCKET, Key=key)
        text = key + json.dumps(stored["Metadata"]) + stored["Body"].read().decode("latin-1")
        assert_anonymous(key, text)


def assert_anonymous(where: str, text: str) -> None:
    found = [name for name in NAMES if name in text]
    assert not found, f"{found} in {where}"
