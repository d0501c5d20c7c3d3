"""Nothing that could name a patient appears in results, logs, metrics or traces."""

import json
from io import StringIO
from traceback import format_exception
from typing import Any

import boto3
import numpy as np
import pytest
from chalice.test import Client
from PIL import Image

from chalicelib import observability
from tests import images
from tests.functional.cloudwatch import World
from tests.functional.conftest import Call
from tests.functional.test_events import prepared_event
from tests.models import TASK
from tests.stage import BUCKET, TABLE

FILE = "Jane Doe 1955-12-24"
NAMES = (FILE, "Jane", "Doe", "Unmistakable", "UNMISTAKABLE", "19551224", "1955-12-24")


def exif() -> Image.Exif:
    described = Image.Exif()
    described[0x010E] = images.PATIENT
    return described


PIXELS = images.gradient(high=4095).astype(np.uint16)

FILES = {
    "dicom": images.dicom(PIXELS, PatientComments=images.PATIENT),
    "dicom-with-a-name-in-a-code": images.dicom(PIXELS, ViewPosition="DOE JANE 1955"),
    "jpeg": images.grey_file("JPEG", exif=exif(), comment=images.PATIENT.encode()),
    "damaged-dicom": images.dicom(PIXELS)[:-4000],
    "report": images.structured_report(),
    "text": f"Letter about {images.PATIENT}".encode(),
}


def assert_anonymous(where: str, text: str) -> None:
    found = [name for name in NAMES if name in text]
    assert not found, f"{found} in {where}"


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """The log with all its fields; the logger keeps the output stream of its start."""
    stream = StringIO()
    monkeypatch.setattr(observability.logger.registered_handler, "stream", stream)
    return stream


@pytest.mark.parametrize("kind", FILES)
def test_dropped_file_leaves_no_identity(
    client: Client, kind: str, capfd: pytest.CaptureFixture[str], log: StringIO
) -> None:
    key = f"inbox/{TASK}/{FILE}.dcm"
    s3 = boto3.client("s3")
    etag = s3.put_object(Bucket=BUCKET, Key=key, Body=FILES[kind])["ETag"].strip('"')
    entry = {"key": key.replace(" ", "+"), "eTag": etag, "size": len(FILES[kind])}
    client.lambda_.invoke("prepare", {"Records": [{"s3": {"bucket": {"name": BUCKET}, "object": entry}}]})
    for listed in s3.list_objects_v2(Bucket=BUCKET, Prefix="prepared/").get("Contents", ()):
        client.lambda_.invoke("classify", prepared_event(listed["Key"]))

    output = capfd.readouterr()
    assert '"task"' in log.getvalue()  # the log is not empty
    assert_anonymous("the log and the metrics", output.out + output.err + log.getvalue())
    items = boto3.resource("dynamodb").Table(TABLE).scan()["Items"]
    assert len(items) == 1
    assert_anonymous("the table", str(items))
    for listed in s3.list_objects_v2(Bucket=BUCKET)["Contents"]:
        if listed["Key"].startswith(("inbox/", "quarantine/")) and not listed["Key"].endswith(".json"):
            continue  # the quarantined file itself
        stored = s3.get_object(Bucket=BUCKET, Key=listed["Key"])
        text = stored["Body"].read().decode("latin-1") + json.dumps(stored["Metadata"])
        assert_anonymous(listed["Key"], text + listed["Key"])


@pytest.mark.parametrize("kind", FILES)
def test_posted_file_leaves_no_identity(
    call: Call, kind: str, capfd: pytest.CaptureFixture[str], log: StringIO
) -> None:
    response = call("POST", f"/tasks/{TASK}/classify", FILES[kind], Content_Type="application/octet-stream")
    assert_anonymous("the answer", response.body.decode())
    assert_anonymous("the list", call("GET", "/results").body.decode())
    assert_anonymous("the table", call("GET", "/results.csv").body.decode())
    output = capfd.readouterr()
    assert_anonymous("the log and the metrics", output.out + output.err + log.getvalue())


def test_upload_leaves_no_file_name(call: Call, capfd: pytest.CaptureFixture[str], log: StringIO) -> None:
    body: dict[str, Any] = {
        "task": TASK,
        "filename": f"{FILE}.dcm",
        "size": 5,
        "content_type": "application/dicom",
    }
    response = call("POST", "/uploads", json=body)
    assert_anonymous("the answer", response.body.decode())
    assert_anonymous("the list", call("GET", "/results").body.decode())
    output = capfd.readouterr()
    assert_anonymous("the log and the metrics", output.out + output.err + log.getvalue())


@pytest.mark.parametrize("refused", ["S3", "DynamoDB"])
def test_failing_aws_leaves_no_identity(world: World, log: StringIO, refused: str) -> None:
    """This holds for dropped and posted files, and for the sweeper."""
    event = world.store(f"inbox/{TASK}/{FILE}.dcm", FILES["dicom"])
    world.refuse(refused)
    with pytest.raises(Exception) as raised:  # noqa: PT011 - whatever it is, Lambda writes it into the log
        world.client.lambda_.invoke("prepare", event)
    assert_anonymous("the error that Lambda logs", "".join(format_exception(raised.value)))
    response = world.request(
        "POST", f"/tasks/{TASK}/classify", FILES["dicom"], Content_Type="application/dicom"
    )
    assert response is not None
    assert response.status_code == 500
    assert_anonymous("the answer", response.body.decode())
    world.recover()
    world.schedule("sweep")

    output = world.output()
    assert "InternalErrors" in output
    assert "OldestUnfinishedAge" in output
    assert_anonymous("the log and the metrics", output + log.getvalue())
