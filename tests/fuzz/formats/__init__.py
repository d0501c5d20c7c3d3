"""Mutations that understand the structure of a format: every operation takes a file and gives a broken one.

An operation is deterministic: the same bytes and the same random generator give the same result. It reads
leniently, because an earlier operation may have broken the structure, and gives back what it cannot read.
"""

from collections.abc import Callable, Mapping
from random import Random

Operation = Callable[[bytes, Random], bytes]
Operations = Mapping[str, Operation]
