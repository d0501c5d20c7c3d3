"""Checked values out of JSON bodies."""

import json

import pytest

from chalicelib.errors import InvalidRequest
from chalicelib.fields import decode_json, optional_str, raw_str, refuse_unknown, required_str
from chalicelib.limits import MAX_DEPTH, MAX_JSON_BODY, MAX_NUMBER


def test_object_is_decoded_with_or_without_a_byte_order_mark() -> None:
    for start in (b"", b"\xef\xbb\xbf"):
        assert decode_json(start + '{"a": [1, 2.5, "é", null]}'.encode()) == {"a": [1, 2.5, "é", None]}


@pytest.mark.parametrize("number", ["3.0", "3e0", "30e-1"])
def test_integral_number_is_an_int_however_it_is_written(number: str) -> None:
    found = decode_json(b'{"a": %s}' % number.encode())["a"]
    assert (found, type(found)) == (3, int)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"\xff", "not valid JSON in UTF-8"),
        (b"[]", "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b'{"a": NaN}', "NaN is not a JSON number"),
        (b'{"a": -Infinity}', "-Infinity is not a JSON number"),
        (b'{"a": 1, "a": 2}', "a member twice"),
        (b'{"b": {"a": 1, "a": 1}}', "a member twice"),
        (rb'{"a": "\ud800"}', "surrogate"),
        (rb'{"\udfff": 1}', "surrogate"),
        (b'{"a": 1e-200}', "out of range"),
        (b'{"a": %d}' % (MAX_NUMBER + 1), "out of range"),
        (b'{"a": -%d}' % (MAX_NUMBER + 1), "out of range"),
        (b"[" * 100_000, "not valid JSON|too deeply|bytes"),
    ],
)
def test_body_that_is_no_sound_object_is_refused(body: bytes, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        decode_json(body)


def test_body_may_have_the_largest_size_and_depth() -> None:
    def nested(levels: int) -> bytes:
        return b'{"a":' * levels + b"0" + b"}" * levels

    def sized(size: int) -> bytes:
        return json.dumps({"a": "x" * (size - len('{"a": ""}'))}).encode()

    decode_json(nested(MAX_DEPTH))
    decode_json(sized(MAX_JSON_BODY))
    with pytest.raises(InvalidRequest, match="too deeply"):
        decode_json(nested(MAX_DEPTH + 1))
    with pytest.raises(InvalidRequest, match="65,537 bytes"):
        decode_json(sized(MAX_JSON_BODY + 1))


def test_unknown_member_is_named_with_the_known_ones() -> None:
    refuse_unknown({"label": 1}, "label", "comment")
    with pytest.raises(InvalidRequest, match=r"no member 'lable'. Known: label, comment"):
        refuse_unknown({"lable": 1, "zzz": 2}, "label", "comment")


@pytest.mark.parametrize("value", [None, "", "  \n"])
def test_blank_string_is_missing(value: str | None) -> None:
    assert optional_str({"a": value}, "a") is None
    assert optional_str({}, "a") is None
    with pytest.raises(InvalidRequest, match="'a' is missing or blank"):
        required_str({"a": value}, "a")


@pytest.mark.parametrize("value", [1, True, ["a"], {"a": "b"}])
def test_other_types_are_refused(value: object) -> None:
    with pytest.raises(InvalidRequest, match="'a' must be a string"):
        required_str({"a": value}, "a")


def test_length_counts_characters() -> None:
    assert required_str({"a": "éé"}, "a", 2) == "éé"
    assert raw_str({"a": "\x00\x00"}, "a", 2) == "\x00\x00"
    with pytest.raises(InvalidRequest, match="may have 2 characters, not 3"):
        raw_str({"a": "ééé"}, "a", 2)


@pytest.mark.parametrize("value", ["a\x00", "\x7f"])
def test_control_characters_are_refused(value: str) -> None:
    with pytest.raises(InvalidRequest, match="control character"):
        optional_str({"a": value}, "a")
