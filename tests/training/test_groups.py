"""Groups that share an image."""

from itertools import permutations

import pytest

from training.data.groups import merge


@pytest.mark.parametrize("pairs", list(permutations([("b", "a"), ("c", "b"), ("e", "d")])))
def test_merge_joins_chains_in_any_order(pairs: tuple[tuple[str, str], ...]) -> None:
    assert merge(pairs) == {"a": "a", "b": "a", "c": "a", "d": "d", "e": "d"}
