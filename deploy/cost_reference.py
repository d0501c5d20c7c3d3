"""Writes the tables of costs in README.md and docs/costs.md.

`python -m deploy.cost_reference` writes them; with `--check` it fails if a committed one is not current.
"""

import re
from textwrap import fill

from deploy.cost import dollars, remarks, render
from deploy.costs import SAMPLES, PriceList, Workload, batches, endpoints, table
from deploy.generated import PROJECT, write_or_check

README = PROJECT / "README.md"
PAGE = PROJECT / "docs" / "costs.md"
WIDTH = 130
"""Of lines in the documentation."""
EXAMPLES = (Workload(0, 0), Workload(1_000, 10_000), Workload(100_000, 1_000_000))

_SECTION = re.compile(r"(<!-- costs: .*? -->).*?(<!-- end of costs -->)", re.DOTALL)


def summary(prices: PriceList) -> str:
    """The sums of some months."""
    idle, small, large = (dollars(table(prices, work)["sum"]["embedded"]) for work in EXAMPLES)
    one, five = (dollars(endpoints(prices, Workload(0, 0, tasks), SAMPLES)) for tasks in (1, 5))
    new, stored = EXAMPLES[-1].images, EXAMPLES[-1].stored
    text = (
        f"An idle month costs about {idle}, one with {EXAMPLES[1].images:,} new images {small}, and one with "
        f"{new:,} new and {stored:,} stored ones {large}. An {prices.sample_instance} that always runs, as "
        f"AWS's samples deploy it for each model, costs {one} alone, and five of them {five}. `make cost` "
        "estimates other months ([Costs](docs/costs.md))."
    )
    # No line ends within a command.
    return "\n" + fill(text.replace("`make ", "`make\xa0"), WIDTH).replace("\xa0", " ")


def replace(page: str, section: str) -> str:
    """A page with another section of costs.

    Raises:
        ValueError: if it has no such section.
    """
    found, count = _SECTION.subn(lambda match: f"{match[1]}{section}{match[2]}", page)
    if count != 1:
        raise ValueError("The page has no section of costs.")
    return found


def details(prices: PriceList) -> str:
    """Every component of the costs of the largest example, and what batches of as many images cost."""
    images = EXAMPLES[-1].images
    rows = [
        f"| {title} | {dollars(alone)} | {dollars(transformed)} |"
        for title, (alone, transformed) in batches(prices, images).items()
    ]
    head = (
        f"| [batches](batches.md) of {images:,} images | in Lambdas | by a transform job |",
        "|---|---:|---:|",
    )
    return "\n".join(("", *render(prices, EXAMPLES[-1]), "", *remarks(prices), "", *head, *rows, ""))


if __name__ == "__main__":
    for path, write in ((README, summary), (PAGE, details)):
        current = path.read_text(encoding="utf-8")
        write_or_check(path, replace(current, write(PriceList())), "deploy.cost_reference")
