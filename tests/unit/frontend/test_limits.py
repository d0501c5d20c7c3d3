"""Limits that the page knows are those of the API."""

import re

import pytest

from chalicelib import limits
from tests.stage import ROOT


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        ("api.js", "MAX_PAGE_SIZE", limits.RESULTS_PER_PAGE.high),
        ("imagefile.js", "MAX_BYTES", limits.MAX_FILE_BYTES),
    ],
)
def test_limit_is_that_of_the_api(module: str, name: str, value: int) -> None:
    source = (ROOT / "frontend/modules" / module).read_text()
    assert re.findall(rf"const {name} = ([\d_]+);", source) == [f"{value:_}"]
