"""What a stage costs in a month, component by component."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from statistics import mean
from typing import Any, Self, get_args

from chalicelib.batches import estimate
from chalicelib.pipeline import inbox_check
from chalicelib.retraining.planning.builder import SMALL as PROCESSING_INSTANCE
from chalicelib.tasks import ServingKind, load_tasks
from chalicelib.tasks.task import Serving
from deploy import retraining, usage
from statemachine.batch import PART_IMAGES
from statemachine.export import INSTANCE_TYPE as EXPORT_INSTANCE

PRICES = Path(__file__).with_name("prices.toml")
HOURS, DAYS = 730, 30
"""Of a month."""
SECONDS = DAYS * 86_400
SWEEPS = SECONDS / 600
SAMPLES = "samples"
"""No kind of serving here: for each task an endpoint that runs all the time, as AWS's samples deploy it."""
KINDS = (*get_args(ServingKind), SAMPLES)

Costs = dict[str, float | None]
"""Dollars a month by kind of serving; None for what was not counted."""


@dataclass(frozen=True)
class Workload:
    """What happens in a month."""

    images: int
    """New ones."""
    stored: int
    """All images, including the new ones."""
    tasks: int = 1
    """Tasks that images are classified for, each with an endpoint if there are endpoints."""


class PriceList:
    """The file of prices. Of a list that is `verified`, all other prices are 0."""

    def __init__(self, path: Path = PRICES, *, verified: bool = False) -> None:
        self._path, self._verified = path, verified
        with path.open("rb") as file:
            self._content: dict[str, Any] = tomllib.load(file)
        self.date = str(self._content["date"])
        self.region = str(self._content["region"])
        self.sample_instance = str(self._content["samples"]["instance"])

    def __getitem__(self, name: str) -> float:
        """The price of one unit, or of an hour of an instance.

        Raises:
            KeyError: if the file lacks it.
        """
        group = "hours" if name.startswith("ml.") else "prices"
        price = self._content[group][name]
        return 0.0 if self._verified and not price["seen"] else float(price["usd"])

    def verified(self) -> Self:
        """The same list with verified prices only."""
        return type(self)(self._path, verified=True)

    def assumption(self, name: str) -> float:
        """A number that no file of the project says."""
        return float(self._content["assumptions"][name])

    def unseen(self) -> list[str]:
        """Names of the prices that could not be verified."""
        both = self._content["prices"] | self._content["hours"]
        return [name for name, price in both.items() if not price["seen"]]


def table(prices: PriceList, work: Workload) -> dict[str, Costs]:
    """Costs by component, and their sum."""
    shared = {name: dict.fromkeys(KINDS, cost) | {SAMPLES: None} for name, cost in _shared(prices, work)}
    rows: dict[str, Costs] = {**shared, "endpoints": {kind: endpoints(prices, work, kind) for kind in KINDS}}
    rows["sum"] = {kind: sum(row[kind] or 0.0 for row in rows.values()) for kind in KINDS}
    return rows


def _shared(prices: PriceList, work: Workload) -> Iterator[tuple[str, float]]:
    """The components that do not depend on how models are served."""
    yield "encryption key", usage.count_keys() * prices["key_month"]
    yield "alarms", usage.count_alarms() * prices["alarm_month"]
    yield "dashboard", usage.count_dashboards() * prices["dashboard_month"]
    metrics = usage.count_metrics(work.tasks) if work.images else len(usage.METRICS_OF_STAGE)
    yield "custom metrics", metrics * prices["metric_month"]
    yield "sweep and drift watch", upkeep(prices, work)
    yield "Lambda for images", work.images * lambda_of_image(prices)
    yield "S3 and DynamoDB requests", work.images * requests_of_image(prices)
    yield (
        "logs and traces",
        work.images * (prices.assumption("log_kb") / 1e6 * prices["log_gb"] + 3 * prices["trace"]),
    )
    yield "images and results at rest", work.stored * storage_of_image(prices)
    if work.stored:  # without images nobody looks, and nothing is trained
        yield "open pages of users", pages(prices)
        yield "retrainings", prices.assumption("retrainings") * retraining_run(prices)
        yield "exports", prices.assumption("exports") * export(prices, work.stored)


def upkeep(prices: PriceList, work: Workload) -> float:
    """The sweep, which lists the inbox and looks up its recent files, and the daily watch for drift."""
    assume = prices.assumption
    runs = SWEEPS * _run(prices, "sweep", assume("sweep_seconds"))
    runs += DAYS * _run(prices, "drift-monitor", assume("drift_seconds"))
    lists = work.stored / 1000
    pause = inbox_check.SMALL_INBOX if lists <= inbox_check.PAGES else inbox_check.LARGE_INBOX
    recent = work.images * min(1.0, inbox_check.MAX_AGE.days / DAYS)
    one_pass = lists * prices["s3_put"] + recent * prices["dynamodb_read"]
    return runs + SECONDS / pause.total_seconds() * one_pass


def lambda_of_image(prices: PriceList) -> float:
    """Its three Lambdas, and the request for its upload."""
    assume = prices.assumption
    upload = prices["api_request"] + _run(prices, "api_handler", assume("request_seconds"))
    prepare = _run(prices, "prepare", assume("prepare_seconds")) + _run(
        prices, "decode", assume("decode_seconds")
    )
    return upload + prepare + _run(prices, "classify", assume("classify_seconds"))


def requests_of_image(prices: PriceList) -> float:
    """Its reads and writes of the bucket and the table."""
    bucket = sum(usage.PUTS.values()) * prices["s3_put"] + usage.GETS * prices["s3_get"]
    table = usage.write_units() * prices["dynamodb_write"] + usage.TABLE_READS * prices["dynamodb_read"]
    return bucket + table


def batch_image(prices: PriceList, seconds: float, part: int, *, decoded: bool) -> float:
    """An image of a batch.

    Args:
        prices: the price list.
        seconds: of the Lambda `batch`, for this image.
        part: images of a part, which is an execution with two transitions and an input and an output.
        decoded: whether it is decoded; else its array is read.
    """
    cost = seconds * usage.memory_gb("batch") * prices["lambda_gb_second"]
    cost += (prices["lambda_request"] + 4 * prices["transition"]) / part
    puts = ("pictures", "prepared", "results") if decoded else ("results",)
    cost += sum(usage.PUTS[prefix] for prefix in puts) * prices["s3_put"] + usage.GETS * prices["s3_get"]
    writes = ceil(usage.WRITTEN_KB[-1]) * (1 + usage.full_indexes()) * (1 if decoded else 2)
    cost += writes * prices["dynamodb_write"] + usage.TABLE_READS * prices["dynamodb_read"]
    if decoded:  # the array's event starts the Lambda `classify`, which finds the result
        cost += _run(prices, "decode", prices.assumption("decode_seconds")) + _run(prices, "classify", 0.05)
    return cost


def transformed_image(prices: PriceList, seconds: float, part: int) -> float:
    """What an image of a batch costs more if a transform job classifies it, without the job's instance.

    Args:
        prices: the price list.
        seconds: of the Lambda `batch`, to record its answer.
        part: images of a part, which is an execution as in `batch_image`.
    """
    cost = seconds * usage.memory_gb("batch") * prices["lambda_gb_second"]
    cost += (prices["lambda_request"] + 4 * prices["transition"]) / part
    # Its array and its answer are stored. A part looks for the array, the job reads it, a part reads both.
    return cost + 2 * prices["s3_put"] + 4 * prices["s3_get"] + prices["dynamodb_read"]


def transform_instance(prices: PriceList) -> float:
    """An hour of the instance of a transform job."""
    return prices[retraining.parameter_defaults()["TransformInstanceType"]]


def batches(prices: PriceList, images: int) -> dict[str, tuple[float, float]]:
    """What batches of so many images cost: without a transform job, and with one."""
    more = transformed_image(prices, estimate.SECONDS["transformed"], PART_IMAGES) * images
    hours = (estimate.INSTANCE_SECONDS["start"] + images * estimate.INSTANCE_SECONDS["image"]) / 3600
    more += hours * transform_instance(prices)
    titles = {"decoded": "images of an archive", "prepared": "classified again by another model"}
    alone = {
        title: images * batch_image(prices, estimate.SECONDS[way], PART_IMAGES, decoded=way == "decoded")
        for way, title in titles.items()
    }
    return {title: (cost, cost + more) for title, cost in alone.items()}


def storage_of_image(prices: PriceList) -> float:
    """A month of its objects, and of its item in the table and the indexes, with recovery."""
    assume = prices.assumption
    document = assume("item_kb") / 1e6
    objects = (assume("image_mb") + assume("picture_mb") + usage.prepared_mb()) / 1000 + document
    items = document * (1 + usage.full_indexes()) * prices["dynamodb_gb_month"]
    return objects * prices["s3_gb_month"] + items + document * prices["dynamodb_recovery_gb_month"]


def pages(prices: PriceList) -> float:
    """The requests of open pages."""
    assume = prices.assumption
    one = prices["api_request"] + _run(prices, "api_handler", assume("request_seconds"))
    one += assume("request_reads") * prices["dynamodb_read"]
    return assume("page_hours") * assume("page_requests") * one


def retraining_run(prices: PriceList) -> float:
    """One retraining: its jobs, and the transitions of its execution."""
    assume, defaults = prices.assumption, retraining.parameter_defaults()
    specs = [task.training for task in load_tasks().values()]
    # Half of the hours of processing are those of the preparation.
    processing = (1 + mean(spec.preparation_instance_count for spec in specs)) / 2
    jobs = assume("processing_hours") * processing * prices[PROCESSING_INSTANCE]
    instances = mean(spec.instance_count for spec in specs)
    jobs += assume("training_hours") * instances * prices[defaults["TrainingInstanceType"]]
    jobs += assume("transform_hours") * prices[defaults["TransformInstanceType"]]
    return jobs + assume("transitions") * prices["transition"]


def export(prices: PriceList, results: int) -> float:
    """One export: DynamoDB's copy of the table, and the job that reads it. The file is deleted after days."""
    assume, millions = prices.assumption, results / 1e6
    hours = assume("export_start_hours") + millions * assume("export_hours_million")
    return (
        millions * assume("export_gb_million") * prices["dynamodb_export_gb"]
        + hours * prices[EXPORT_INSTANCE]
    )


def endpoints(prices: PriceList, work: Workload, kind: str) -> float:
    """What classifies besides the Lambdas."""
    serving = Serving()
    match kind:
        case "serverless":
            seconds = work.images * prices.assumption("endpoint_seconds")
            return seconds * serving.memory_mb / 1024 * prices["serverless_gb_second"]
        case "provisioned":
            alarms = work.tasks * prices["alarm_month"]
            return work.tasks * serving.instances * HOURS * prices[serving.instance_type] + alarms
        case "samples":
            return work.tasks * HOURS * prices[prices.sample_instance]
    return 0.0


def _run(prices: PriceList, function: str, seconds: float) -> float:
    """One run of a Lambda."""
    return prices["lambda_request"] + seconds * usage.memory_gb(function) * prices["lambda_gb_second"]
