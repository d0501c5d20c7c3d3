"""Scenarios for images: many at once, stray events, killed processes, restarts."""

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chalicelib.storage import inbox
from chalicelib.storage.inbox import InboxObject
from tests.soak.images import fresh, mammograms
from tests.soak.report import Report
from tests.soak.system import System
from tests.stack.client import PATIENCE, TASK
from tests.stack.processes import kill

KILL_SECONDS = 1.5
KILLED_AT_ONCE = 2
MIN_KILLED = 12
"""The least number of killed processes; images keep arriving until then."""


@contextmanager
def reported(system: System, name: str, images: int) -> Iterator[Report]:
    """The report of a scenario, complete after everything has come to rest."""
    report = Report(name, images)
    redriven, swept, started = system.redriven, system.swept, time.monotonic()
    yield report
    report.problems += system.rest(PATIENCE)
    report.seconds = time.monotonic() - started
    report.redriven, report.swept = system.redriven - redriven, system.swept - swept


def burst(system: System, images: int, reserved: int | None = None) -> Report:
    """Many images dropped at once, with the functions' own concurrency limits or a `reserved` one."""
    with reported(system, "burst", images) as report:
        for function in ("prepare", "classify"):
            name = f"negatoscope-local-{function}"
            if reserved is not None:
                system.client.functions.put_function_concurrency(
                    FunctionName=name, ReservedConcurrentExecutions=reserved
                )
            limit = system.client.functions.get_function_concurrency(FunctionName=name)
            own = limit.get("ReservedConcurrentExecutions")
            report.remarks.append(f"{function}: {'no limit of its own' if own is None else f'at most {own}'}")
        before = set(system.lambdas())
        try:
            started = time.monotonic()
            system.drop_synthetic(images)
            system.wait_for_events(PATIENCE)
            report.problems += _too_many_processes(system, before)
            report.remarks.append(f"{images / (time.monotonic() - started):.1f} images a second")
        finally:
            if reserved is not None:
                for function in ("prepare", "classify"):
                    system.client.functions.delete_function_concurrency(
                        FunctionName=f"negatoscope-local-{function}"
                    )
    return report


def _too_many_processes(system: System, before: set[int]) -> list[str]:
    """AWS would start an environment for each image; here, they would all share the cores of this machine.

    The images pass three functions, and the sweep may run meanwhile.
    """
    cores, running = os.cpu_count() or 2, set(system.lambdas())
    functions = len(system.client.functions.list_functions()["Functions"])
    if len(running - before) <= 3 * cores + 1 and len(running) <= functions * cores:
        return []
    return [f"{len(running)} processes run Lambdas, {len(running - before)} of them new"]


def events(system: System, images: int) -> Report:
    """Events that arrive twice, in another order, early, or never."""
    with reported(system, "events astray", images) as report:
        contents = [fresh() for _ in range(images)]
        with system.without_notifications():
            before = set(system.arrived)
            system.drop(contents)
        ids = [image_id for image_id in system.arrived if image_id not in before]
        lost, delivered = ids[: images // 4], ids[images // 4 :]
        early = [_classify_event(system, image_id) for image_id in delivered[: images // 10]]
        sent = [("classify", event) for event in early]
        sent += [("prepare", _prepare_event(system, image_id)) for image_id in delivered for _ in range(2)]
        random.Random(images).shuffle(sent)
        for function, event in sent:
            system.send_event(function, event)
        system.wait_for_events(PATIENCE)
        for image_id in random.Random(1).sample(delivered, len(delivered) // 2):
            system.send_event("classify", _classify_event(system, image_id))
        report.remarks.append(f"{len(lost)} never announced, {len(early)} before their time")
    return report


def _prepare_event(system: System, image_id: str) -> Any:
    key = system.arrived[image_id]
    head = system.s3.head_object(Bucket=system.stage.bucket, Key=key)
    return inbox.event_for(
        InboxObject(system.stage.bucket, key, head["ETag"].strip('"'), head["ContentLength"])
    )


def _classify_event(system: System, image_id: str) -> Any:
    return inbox.event_for(InboxObject(system.stage.bucket, inbox.prepared_key(TASK, image_id), "0" * 32, 1))


def kills(system: System, images: int, real_images: Path) -> Report:
    """Real mammograms and API calls, while processes of Lambdas are killed all the time."""
    with reported(system, "Lambdas killed", images) as report:
        contents, before = mammograms(real_images), len(system.arrived)

        def kill_some() -> int:
            running = system.lambdas()
            return kill(random.sample(running, min(KILLED_AT_ONCE, len(running))))

        # On a busy machine processes start slowly; killed earlier, none would ever do any work.
        kill(system.lambdas())
        started = time.monotonic()
        failed = _classify_stubbornly(system, next(contents))
        interval = max(KILL_SECONDS, time.monotonic() - started)
        with system.killing(kill_some, interval) as killed:
            system.drop(
                content for content, _ in zip(contents, range(images - images // 10 - 1), strict=False)
            )
            for number in range(images // 10):
                failed += _classify_stubbornly(system, next(contents))
                system.say(f"  {number + 1} calls of the API, {failed} repeated")
            while sum(killed) < MIN_KILLED:
                system.drop([next(contents)])
                failed += _classify_stubbornly(system, next(contents))
            system.wait_for_events(PATIENCE)
        report.images = len(system.arrived) - before
        report.remarks.append(
            f"{sum(killed)} processes killed, {KILLED_AT_ONCE} every {interval:.1f} s at first, "
            f"{failed} calls of the API repeated"
        )
    return report


def _classify_stubbornly(system: System, content: bytes) -> int:
    """Call the API until it has classified an image, and return the number of failed calls."""
    for failed in range(50):
        if system.classify(content) == 200:
            return failed
    raise AssertionError("the API failed 50 times in a row")


def restarts(system: System, images: int, number: int = 1) -> Report:
    """The emulator stopped regularly, and killed, while images are in progress."""
    with reported(system, "emulator restarted", images) as report:
        for _ in range(number):
            for graceful in (True, False):
                system.drop_synthetic(images // (2 * number))
                left = system.pending()
                if not graceful:
                    os.kill(system.stack.processes["AWS emulator"], signal.SIGKILL)
                system.stack.stop()
                system.stack.start()
                how = "stopped" if graceful else "killed"
                report.remarks.append(f"{how} with {left} events under way")
    return report
