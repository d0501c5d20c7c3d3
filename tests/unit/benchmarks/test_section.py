import json

import pytest

from benchmarks.section import Bars, Section


def test_section_refuses_a_row_of_another_length() -> None:
    section = Section("T", "", ("", "a / ms", "rounds"))
    with pytest.raises(ValueError, match="ours: 1 values for 2 columns"):
        section.add("ours", 1.0)


def test_section_says_why_a_row_is_empty() -> None:
    section = Section("T", "", ("", "a / ms", "rounds"), charts=[Bars("a", "A", "a / ms")])
    section.missing("Keras", "it is not installed")
    assert section.rows == [["Keras", None, None]]
    assert section.remarks == ["Keras could not be measured: it is not installed"]
    assert json.loads(json.dumps(section.as_json()))["charts"][0]["kind"] == "bars"
