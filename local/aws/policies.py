"""IAM of the emulator: each policy is parsed once, not two or three times for every request."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from ministack.core import iam_evaluator

from local.aws import patching

Parse = Callable[[Any], list[Any]]

MAX_POLICIES = 1000


def install() -> None:
    """Remember what policies say.

    Can go when ministack remembers that, as it remembers patterns.
    """
    patching.wrap(iam_evaluator, "parse_policy_document", _remembering)


def _remembering(parse: Parse) -> Parse:
    parse_text = lru_cache(MAX_POLICIES)(parse)
    return lambda document: parse_text(document) if isinstance(document, str) else parse(document)
