"""How much of each documented limit a rate of images needs."""

from math import ceil

from benchmarks.section import Section
from benchmarks.simulation.limits import Limits
from chalicelib.results.sharding import SHARDS
from deploy import usage

TEXT = """\
Percent of what AWS takes, at its default quotas, if nothing has to be repeated. Where a row exceeds 100
%, the simulation shows what happens."""


def section_of(rates: tuple[float, ...], lambda_seconds: float, limits: Limits) -> Section:
    """The table.

    Args:
        rates: images a second.
        lambda_seconds: of all Lambdas of an image together, as simulated.
        limits: of AWS.
    """
    section = Section(
        "What each rate needs of AWS's limits", TEXT, ("", *(f"{rate:,.0f} a second" for rate in rates))
    )
    listed = sum(map(ceil, usage.WRITTEN_KB))
    needs = {
        "concurrent Lambdas of the account": (lambda_seconds, limits.account_concurrency),
        "writes to the one partition of the lists": (listed, limits.partition_write_units),
        "writes to one of their shards": (listed / len(SHARDS), limits.partition_write_units),
        "writes to the table, if it is new": (listed, limits.new_table_write_units),
        "writes to the table and its indexes": (usage.write_units(), limits.table_write_units),
        "writes to a prefix of the bucket": (max(usage.PUTS.values()), limits.prefix_puts),
        "reads of a prefix of the bucket": (1, limits.prefix_gets),
    }
    for name, (need, limit) in needs.items():
        section.add(name, *(rate * need / limit * 100 for rate in rates))
    return section
