"""What a stage costs in a month: `python -m deploy.cost --images 100000 --stored 1000000`."""

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from typing import get_args

from chalicelib.tasks import ServingKind, load_tasks
from deploy.costs import KINDS, SAMPLES, PriceList, Workload, table

TITLES = dict(zip(KINDS, get_args(ServingKind), strict=False)) | {
    SAMPLES: "always-on endpoint of AWS's samples"
}

ABOUT = "≈"
"""Before amounts that rest on prices that were not verified."""
MAX_IMAGES = 10**12


def main() -> None:
    """Print the table."""
    prices = PriceList()
    arguments = parse_arguments(prices.region)
    work = Workload(arguments.images, arguments.stored, arguments.tasks)
    kinds = (arguments.serving, SAMPLES) if arguments.serving else KINDS
    try:
        lines = [*render(prices, work, kinds)]
    except KeyError as error:
        sys.exit(f"deploy/prices.toml has no price of {error.args[0]}. Add it from https://calculator.aws.")
    print("\n".join((*lines, "", *remarks(prices))))


def parse_arguments(region: str) -> argparse.Namespace:
    """Parse the command line; `region` is the one that there are prices of."""
    parser = argparse.ArgumentParser(
        usage="make cost IMAGES=100000 [STORED=1000000] [TASKS=3] [SERVING=embedded]",
        description="Estimate what a stage costs in a month, in US dollars.",
    )
    parser.add_argument("--images", type=natural, default=0, help="new images in the month")
    parser.add_argument("--stored", type=natural, help="all images, including the new ones (default: these)")
    parser.add_argument("--tasks", type=natural, default=1, help="tasks that images are classified for")
    parser.add_argument("--serving", choices=get_args(ServingKind), help="only this kind of serving")
    parser.add_argument("--region", default=region, help="region of the prices")
    arguments = parser.parse_args()
    if arguments.stored is None:
        arguments.stored = arguments.images
    if arguments.stored < arguments.images:
        parser.error("STORED includes the new images, so it cannot be less than IMAGES")
    if arguments.tasks not in range(1, len(load_tasks()) + 1):
        parser.error(f"there are {len(load_tasks())} tasks, so TASKS must be 1 to {len(load_tasks())}")
    if arguments.region != region:
        parser.error(f"the prices are those of {region}; deploy/prices.toml says how to enter others")
    return arguments


def natural(text: str) -> int:
    """A whole number from 0 to MAX_IMAGES; `100,000` and `100_000` are read, too."""
    number = text.replace(",", "").replace("_", "")
    if not re.fullmatch(r"[0-9]{1,15}", number) or int(number) > MAX_IMAGES:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is not a whole number from 0 to {MAX_IMAGES:,}")
    return int(number)


def render(prices: PriceList, work: Workload, kinds: Sequence[str] = KINDS) -> Iterator[str]:
    """The lines of the table, in Markdown. Amounts with unverified prices are marked."""
    rows, verified = table(prices, work), table(prices.verified(), work)
    yield f"| a month | {' | '.join(TITLES[kind] for kind in kinds)} |"
    yield f"|---|{'---:|' * len(kinds)}"
    for name, row in rows.items():
        if name == "sum":
            cells = [f"**{dollars(row[kind])}**" for kind in kinds]
        else:
            cells = [cell(row[kind], verified[name][kind]) for kind in kinds]
        yield f"| {'**sum**' if name == 'sum' else name} | {' | '.join(cells)} |"


def cell(cost: float | None, verified: float | None) -> str:
    """The amount of a component; empty if it was not counted."""
    return "" if cost is None else ("" if cost == verified else ABOUT) + dollars(cost)


def dollars(cost: float | None) -> str:
    """An amount with two decimals."""
    return f"${cost or 0.0:,.2f}"


def remarks(prices: PriceList) -> Iterator[str]:
    """Where the numbers come from."""
    yield (
        f"List prices of {prices.region}, {prices.date}, without free allowances, taxes and data transfer: "
        "deploy/prices.toml, which also has the assumptions."
    )
    if unseen := prices.unseen():
        yield (
            f"{ABOUT} is based on SageMaker prices ({', '.join(unseen)}) that could not be verified; "
            "they are estimated as 1.2 times the EC2 prices."
        )
    yield f"The column of the samples is their {prices.sample_instance} alone, one for each task."


if __name__ == "__main__":
    main()
