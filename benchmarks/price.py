"""What classifying costs on Lambda: GB-seconds and dollars of 1,000 images, from measured times."""

import math
from typing import Any

from benchmarks.section import Bars, Section
from deploy.costs import PriceList, lambda_of_image, requests_of_image

COLUMNS = ("", "Lambda / MB", "GB-s, warm", "$, warm", "GB-s, cold", "$, cold", "$ warm: × floor")
TEXT = """\
1,000 images, each in a request to a Lambda of its own, at the prices in `deploy/prices.toml`: all warm,
with the median time of the first table, or all cold. A Lambda has a whole core from 1,769 MB on, as the
processes above had; where they needed more memory, it has that much. Nothing was measured on AWS, whose
cores are others: compare the columns with each other. [Costs](costs.md) counts everything else that an
image needs."""
FULL_CORE = 1769
"""MB of memory with which a Lambda has one core."""
IMAGES = 1000


def section_of(handlers: Section, prices: PriceList | None = None) -> Section:
    """The costs of all that the section of handlers has times of."""
    prices = prices or PriceList()
    section = Section("Costs of 1,000 images", TEXT, COLUMNS)
    column = {name: number for number, name in enumerate(handlers.columns)}
    least: float | None = None
    rows: list[tuple[str, list[Any]]] = []
    for row in handlers.rows:
        cold, warm, memory = (row[column[name]] for name in ("cold start / s", "p50 / ms", "memory / MB"))
        if not (isinstance(cold, float) and isinstance(warm, float) and isinstance(memory, float)):
            continue
        megabytes = max(FULL_CORE, math.ceil(memory))
        warm_use, cold_use = (IMAGES * seconds * megabytes / 1024 for seconds in (warm / 1000, cold))
        warm_price, cold_price = (
            use * prices["lambda_gb_second"] + IMAGES * prices["lambda_request"]
            for use in (warm_use, cold_use)
        )
        if str(row[0]).startswith("floor"):
            least = warm_price
        rows.append((str(row[0]), [float(megabytes), warm_use, warm_price, cold_use, cold_price]))
    for name, values in rows:
        section.add(name, *values, values[2] / least if least else None)
    lambdas, requests = (IMAGES * cost(prices) for cost in (lambda_of_image, requests_of_image))
    section.remarks.append(
        f"In the drop folder, with all its Lambdas and with assumed times, `make cost` counts ${lambdas:.3f} "
        f"for Lambda, and ${requests:.3f} for requests to S3 and DynamoDB."
    )
    section.charts = [Bars("costs", "Dollars for 1,000 warm images on Lambda", "$, warm")]
    return section
