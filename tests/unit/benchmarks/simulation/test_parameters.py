"""Times and knobs."""

from dataclasses import replace

import pytest

from benchmarks.simulation.limits import Limits
from benchmarks.simulation.parameters import FUNCTIONS, Knobs, Times, kinds_of_images
from deploy import usage


def test_times_are_those_that_were_measured() -> None:
    small, large = map(Times.read, ("JPEG, 240 x 480", "DICOM, 2000 x 2000"))
    assert (small.decode, large.decode) == (0.0022, 0.494)
    assert replace(small, decode=large.decode) == large
    assert 0.001 < small.classify < 0.1
    assert 0.1 < small.sigma < 1
    assert kinds_of_images() == ["JPEG, 240 x 480", "DICOM, 2000 x 2000"]
    with pytest.raises(KeyError):
        Times.read("PNG")


def test_memory_is_that_of_the_stage_unless_it_is_set() -> None:
    assert [Knobs().megabytes(name) / 1024 for name in FUNCTIONS] == [
        usage.memory_gb(name) for name in FUNCTIONS
    ]
    knobs = Knobs(memory={"decode": 1024})
    assert knobs.core("decode") == 1024 / 1769
    assert knobs.core("classify") == 1.0
    assert knobs.core("prepare") == 512 / 1769


def test_concurrency_cannot_be_reserved_where_aws_refuses() -> None:
    limits = Limits.read()
    Knobs(reserved={"prepare": 400, "classify": 500}).check(limits)
    Knobs(concurrency=10).check(limits)
    for concurrency, reserved in ((1000, 901), (10, 1)):
        with pytest.raises(ValueError, match=f"keeps 100 of the account's {concurrency} concurrent"):
            Knobs(concurrency=concurrency, reserved={"prepare": reserved}).check(limits)
