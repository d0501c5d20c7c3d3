"""A batch over a whole archive, in whose middle the emulator is killed."""

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from chalicelib.storage import inbox
from local.stack import BUCKET
from tests.soak.images import fresh, unusable
from tests.soak.report import Report
from tests.soak.scenarios import reported
from tests.soak.system import SENDERS, System
from tests.stack.client import TASK, wait_for

HOURS = 3600.0


def archive(system: System, images: int) -> Report:
    """An archive, one file in a hundred unusable. The emulator is killed when half of it is done."""
    with reported(system, "archive", images) as report:
        folder = f"archive/soak-{time.time_ns()}/"
        bad = _store(system, folder, images)
        system.say(f"  {images} files in {folder}")
        started = time.monotonic()
        name = _ask(system, "POST", "", task=TASK, source=folder)["name"]
        done = _wait_for_half(system, name, images)
        os.kill(system.stack.processes["AWS emulator"], signal.SIGKILL)
        system.stack.stop()
        system.stack.start()
        kept = len(_results(system))
        system.say(f"  killed with {done} of {images} files in finished parts, and {kept} results")
        assert _ask(system, "GET", f"/{name}")["status"] in ("failed", "stopped")
        _ask(system, "POST", f"/{name}/continue")
        found = _wait_for_report(system, name)
        seconds = time.monotonic() - started
        report.remarks += [
            f"killed with {kept} results, {images / seconds:.1f} files a second",
            f"report: {json.dumps({key: found[key] for key in ('images', 'classified', 'failures')})}",
        ]
        expected = {"images": images, "classified": images - bad, "failed": bad}
        report.problems += [
            f"the report says {found[key]} {key} instead of {number}"
            for key, number in expected.items()
            if found[key] != number
        ]
        # Twice the same image would be more results than files.
        results = len(_results(system))
        report.remarks.append(f"{results} results of {images - bad} usable files")
        if results != images - bad:
            report.problems.append(f"{results} results instead of {images - bad}")
    return report


def _store(system: System, folder: str, images: int) -> int:
    """Store files in the archive; returns the number of those that cannot be used."""

    def put(number: int) -> bool:
        usable = number % 100 != 99
        key = f"{folder}{number // 1000:04d}/{number:06d}.png"
        body = fresh() if usable else unusable()
        etag = system.s3.put_object(Bucket=BUCKET, Key=key, Body=body)["ETag"].strip('"')
        if usable:
            system.arrived[inbox.new_id("archive", TASK, key, etag)] = ""
        return usable

    with ThreadPoolExecutor(SENDERS) as senders:
        return images - sum(senders.map(put, range(images)))


def _results(system: System) -> dict[str, Any]:
    system.stage.look()
    return {image: item for image, item in system.stage.items.items() if item.get("arrival") == "archive"}


def _ask(system: System, method: str, path: str, **body: Any) -> Any:
    data = json.dumps(body).encode() if body else None
    answer = system.client.api(method, f"/api/batches{path}", data, Content_Type="application/json")
    assert answer.status in (200, 201), answer.body
    return answer.json


def _wait_for_half(system: System, name: str, images: int) -> int:
    def half() -> int:
        progress = _ask(system, "GET", f"/{name}")["progress"] or {"done": 0}
        return int(progress["done"]) if progress["done"] >= images / 2 else 0

    return wait_for(half, patience=HOURS, pause=0.5)


def _wait_for_report(system: System, name: str) -> Any:
    def ended() -> Any:
        found = _ask(system, "GET", f"/{name}")
        assert found["status"] in ("running", "ended"), found
        return found["report"] if found["status"] == "ended" else None

    return wait_for(ended, patience=HOURS, pause=0.5)
