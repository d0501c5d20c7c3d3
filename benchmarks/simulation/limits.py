"""The limits of AWS that the simulation keeps, as parameters.toml says."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True)
class Limits:
    """AWS's limits; parameters.toml says where AWS documents each. Times are in seconds."""

    account_concurrency: int
    unreserved_concurrency: int
    environments_per_second: float
    environments_burst: float
    throttle_wait_min: float
    throttle_wait_max: float
    event_max_age: float
    retry_seconds: tuple[float, ...]
    partition_write_units: float
    prefix_puts: float
    prefix_gets: float
    table_write_units: float
    new_table_write_units: float
    retry_base_seconds: float

    @classmethod
    def read(cls) -> Self:
        """The limits in the file."""
        found = content()["limits"]
        return cls(**found | {"retry_seconds": tuple(found["retry_seconds"])})


def content() -> dict[str, Any]:
    """The file of parameters."""
    with Path(__file__).with_name("parameters.toml").open("rb") as file:
        return tomllib.load(file)
