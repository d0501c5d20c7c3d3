"""Typed values of TOML documents, and errors that name the line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chalicelib.tasks.toml_table import TaskFileError, TomlTable

TEXT = """title = "Feet"
count = 3
share = 0.5
flag = true
names = ["a", "b"]

[inner]
fit = "pad"

[[classes]]
name = "one"

[[classes]]
name = 2
"""


@pytest.fixture
def table(tmp_path: Path) -> TomlTable:
    (tmp_path / "task.toml").write_text(TEXT)
    return TomlTable.parse(tmp_path / "task.toml")


def test_values_have_their_types(table: TomlTable) -> None:
    assert table.string("title") == "Feet"
    assert (table.integer("count", 3, 3), table.number("share", 0, 0.5)) == (3, 0.5)
    assert table.boolean("flag") is True
    assert table.strings("names") == ("a", "b")
    assert table.table("inner").choice("fit", ("pad", "stretch")) == "pad"
    assert [one.keys for one in table.tables("classes")] == [["name"], ["name"]]


def test_optional_values_may_be_missing(table: TomlTable) -> None:
    assert table.string("missing", "default") == "default"
    assert table.optional_string("missing") is None
    assert table.optional_strings("missing") == ()
    assert table.optional_table("missing") is None
    assert table.optional_tables("missing") == []


@pytest.mark.parametrize(
    ("read", "line", "words"),
    [
        (lambda table: table.integer("count", 4, 9), 2, "'count' must be from 4 to 9, not 3"),
        (lambda table: table.integer("share", 0, 9), 3, "'share' must be an integer"),
        (lambda table: table.integer("flag", 0, 9), 4, "'flag' must be an integer"),
        (lambda table: table.number("flag", 0, 9), 4, "'flag' must be a number"),
        (lambda table: table.strings("title"), 1, "'title' must be a list"),
        (lambda table: table.table("inner").choice("fit", ("crop",)), 8, "must be one of crop, not 'pad'"),
        (lambda table: table.tables("classes")[1].string("name"), 14, "'name' must be a string"),
    ],
)
def test_mistake_names_the_line(
    table: TomlTable, read: Callable[[TomlTable], Any], line: int, words: str
) -> None:
    with pytest.raises(TaskFileError, match=rf"task\.toml:{line}: .*{words}"):
        read(table)


def test_unread_key_is_unknown(table: TomlTable) -> None:
    table.string("title")
    with pytest.raises(TaskFileError, match="unknown key 'count'"):
        table.refuse_unknown()
