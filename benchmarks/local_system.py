"""Compares `POST classify` and the drop folder of the local system with what they cannot do without."""

import http.client
import os
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks import made_up_results
from benchmarks.contestants import OURS
from benchmarks.peers.negatoscope import TASK
from benchmarks.plan import Plan
from benchmarks.program import Program, family, peak_megabytes
from benchmarks.samples import different_mammograms
from benchmarks.section import Section
from benchmarks.timing import median_ratio, percentile
from local.account import root_client
from local.stack import BUCKET, LocalStack
from tests.stack.ports import free_ports

COLUMNS = ("", "value", "unit", "floor", "× floor", "rounds")
TEXT = """\
The whole system on this machine, as `make run` starts it, with a new image for each request. The floor of
`POST classify` is the time of `GET health` and of our handler alone, for the same image in the same
round. The floor of the drop folder is the rate at which one core prepares and classifies the same images
in a plain loop; its value is the rate from the first file to the last result, for each core of the
machine. It is measured again when made-up results of another task have been stored. A start with
nothing kept makes the archive of the Lambdas' packages too, which takes ten seconds, unless the project
folder has it."""
PATIENCE = 600.0
"""Seconds for all images of the drop folder."""
SENDERS = 8
"""Files that are sent at a time, about as the AWS command line does."""


class Client:
    """Sends requests to a running system over one connection."""

    def __init__(self, stack: LocalStack) -> None:
        self._connection = http.client.HTTPConnection("localhost", stack.port, timeout=60)
        self._s3 = root_client("s3", stack.aws_url)

    def milliseconds(self, method: str, path: str, body: bytes | None = None) -> float:
        """How long a request takes.

        Raises:
            RuntimeError: if it does not succeed.
        """
        start = time.perf_counter()
        headers = {"Content-Type": "image/jpeg"} if body else {}
        self._connection.request(method, f"/api/{path}", body, headers)
        response = self._connection.getresponse()
        said = response.read()
        if response.status != http.client.OK:
            raise RuntimeError(f"{method} {path} answered {response.status}: {said[:200]!r}")
        return (time.perf_counter() - start) * 1000

    def drop(self, images: list[bytes]) -> None:
        """Put images into the drop folder."""
        with ThreadPoolExecutor(SENDERS) as pool:
            list(pool.map(self._put, range(len(images)), images))

    def count_results(self) -> int:
        """The number of results in the bucket."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"results/{TASK}/")
        return sum(page["KeyCount"] for page in pages)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _put(self, number: int, image: bytes) -> Any:
        return self._s3.put_object(Bucket=BUCKET, Key=f"inbox/{TASK}/{number}.jpg", Body=image)


def measure(plan: Plan) -> Section:
    """Start the system, send it images, and stop it. A failure leaves what was measured before."""
    section = Section("The whole system on this machine", TEXT, COLUMNS)
    stack = LocalStack(plan.folder / "system", *free_ports(), say=lambda text: plan.say(f"  {text}"))
    images = different_mammograms()
    try:
        add_start(section, plan, stack, "start, with nothing kept")
        if not plan.quick:
            stack.stop()
            add_start(section, plan, stack, "start, with state kept")
        client = Client(stack)
        core = max(os.sched_getaffinity(0))
        with Program([str(OURS), "-m", "benchmarks.peers.negatoscope"], core) as handler:
            plan.say("POST classify")
            add_route(section, client, handler, images, plan.folder / "image", plan.choose(100, 10))
            plan.say("Drop folder")
            number, stored = plan.choose(300, 30), plan.choose(50_000, 500)
            add_drop_folder(section, client, handler, list(islice(images, number)), plan.folder)
            before = memory_of(stack)
            plan.say(f"Storing {stored:,} made-up results")
            made_up_results.store(stack.aws_url, stored)
            more = f"with {stored:,} results stored"
            add_drop_folder(section, client, handler, list(islice(images, number)), plan.folder, f", {more}")
        client.close()
        section.remarks.append(
            f"All processes of the system together had at most {before:,.0f} MB of memory, and "
            f"{memory_of(stack):,.0f} MB {more}."
        )
    except Exception as error:  # whatever it is, the rest of the report counts
        section.failure = f"{type(error).__name__}: {error}"[:500]
    finally:
        stack.stop()
    return section


def add_start(section: Section, plan: Plan, stack: LocalStack, name: str) -> None:
    """Start the system, and add how long that took."""
    plan.say(name)
    start = time.monotonic()
    stack.start()
    section.add(name, time.monotonic() - start, "s", None, None, "1")


def add_route(
    section: Section, client: Client, handler: Program, images: Iterator[bytes], file: Path, rounds: int
) -> None:
    """Send images to `POST classify`, each after a request for the health and the handler alone."""
    route: dict[int, float] = {}
    floor: dict[int, float] = {}
    health: dict[int, float] = {}
    for number in range(rounds + 1):
        image = next(images)
        file.write_bytes(image)
        health[number] = client.milliseconds("GET", "health")
        floor[number] = health[number] + handler.ask(file).ms
        route[number] = client.milliseconds("POST", f"tasks/{TASK}/classify", image)
    section.add("first `POST classify`", route.pop(0), "ms", None, None, "1")
    times, least = list(route.values()), statistics.median([floor[number] for number in route])
    counted = str(rounds)
    section.add("`POST classify`", statistics.median(times), "ms", least, median_ratio(route, floor), counted)
    section.add("`POST classify`, 99th percentile", percentile(times, 99), "ms", None, None, counted)
    section.add(
        "`GET health`", statistics.median([health[number] for number in route]), "ms", None, None, counted
    )


def memory_of(stack: LocalStack) -> float:
    """The largest memory of all processes of a system, in MB."""
    return sum(peak_megabytes(one) for root in stack.processes.values() for one in family(root))


def add_drop_folder(
    section: Section, client: Client, handler: Program, images: list[bytes], folder: Path, more: str = ""
) -> None:
    """Drop images and wait for their results; the handler alone runs before and after that."""
    files = []
    for number, image in enumerate(images):
        files.append(folder / f"{number}.jpg")
        files[-1].write_bytes(image)
    seconds = sum(handler.ask(file).ms for file in files) / 1000
    before = client.count_results()  # the last image of the route has got its document meanwhile
    start = time.perf_counter()
    client.drop(images)
    while (done := client.count_results() - before) < len(images):
        if time.perf_counter() - start > PATIENCE:
            raise TimeoutError(f"{done} of {len(images)} dropped images had a result after {PATIENCE:.0f} s")
        time.sleep(0.2)
    taken = time.perf_counter() - start
    seconds = (seconds + sum(handler.ask(file).ms for file in files) / 1000) / 2
    rate, floor = len(images) / taken / len(os.sched_getaffinity(0)), len(images) / seconds
    section.add(f"drop folder{more}", rate, "images/s and core", floor, rate / floor, f"{len(images)} images")
