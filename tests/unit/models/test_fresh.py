"""Values that are read again after a minute."""

import pytest

from chalicelib.models.fresh import FRESH_SECONDS, Fresh
from chalicelib.storage.errors import StorageFailed


class Source:
    """A value with a clock, which may fail."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.value = "first"
        self.fails = False
        self.reads = 0
        self.fresh = Fresh(self.read, lambda: self.time)

    def read(self) -> str:
        self.reads += 1
        if self.fails:
            raise StorageFailed("GetObject: no answer")
        return self.value


def test_value_is_read_once_a_minute() -> None:
    source = Source()
    assert source.reads == 0
    assert source.fresh.get() == "first"
    source.value = "second"
    source.time += FRESH_SECONDS - 1
    assert (source.fresh.get(), source.reads) == ("first", 1)
    source.time += 1
    assert (source.fresh.get(), source.reads) == ("second", 2)


def test_clock_that_was_set_back_does_not_keep_an_old_value() -> None:
    source = Source()
    source.fresh.get()
    source.value, source.time = "second", 0.0
    assert source.fresh.get() == "second"


def test_last_value_is_used_while_reading_fails() -> None:
    source = Source()
    source.fails = True
    with pytest.raises(StorageFailed):
        source.fresh.get()
    source.fails = False
    source.fresh.get()
    source.fails = True
    source.time += FRESH_SECONDS
    assert (source.fresh.get(), source.reads) == ("first", 3)
    assert (source.fresh.get(), source.reads) == ("first", 3)


def test_written_value_need_not_be_read() -> None:
    source = Source()
    source.fresh.replace("written")
    assert (source.fresh.get(), source.reads) == ("written", 0)
