"""Keywords beside types."""

from typing import Annotated

from pydantic import TypeAdapter

from chalicelib.json_schema import Schema


def test_keywords_become_part_of_the_schema() -> None:
    share = Annotated[float, Schema(minimum=0, maximum=1)]
    assert TypeAdapter(share).json_schema() == {"type": "number", "minimum": 0, "maximum": 1}


def test_keywords_replace_those_of_the_type() -> None:
    port = Annotated[int, Schema(type="string", pattern="^[0-9]+$")]
    assert TypeAdapter(port).json_schema() == {"type": "string", "pattern": "^[0-9]+$"}
