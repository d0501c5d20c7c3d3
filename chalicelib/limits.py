"""All limits on requests. openapi.json documents each of them, and a test drives requests to them."""

import re
from dataclasses import dataclass

from chalicelib.media_types import FILE_TYPES, UNSPECIFIC_TYPES

MAX_IMAGE_BODY = 4_500_000
"""Bytes of an image in a request. Lambda accepts 6 MiB, and API Gateway encodes bodies in base64."""
MAX_FILE_BYTES = 200_000_000
"""Bytes of an image file, however it arrives: 200 MB."""
MAX_JSON_BODY = 65_536
"""Bytes of a JSON body; the largest reasonable request has a fifth of that."""
MAX_DEPTH = 8
"""Levels of nested objects and arrays; requests need two."""
MAX_NUMBER = 2**53 - 1
"""Magnitude up to which every JSON implementation keeps whole numbers exactly (RFC 8259, section 6)."""
MIN_NUMBER = 1e-100
"""Smallest magnitude of a number other than 0. DynamoDB stores none below 1e-130."""

MAX_TEXT = 1000
"""Characters of a comment or a reason."""
MAX_NAME = 100
"""Characters of a class's name."""
MAX_READINGS = 50
"""Readings of one image. With the longest comments they take half of the 400 kB of an item of DynamoDB."""
MAX_LABELLED_IMAGES = 50
"""Labelled images that one request announces."""
MAX_FILENAME = 1024
MAX_SEEN = 40
MAX_REVIEWER = 128
MAX_SEARCH = 100
MAX_CURSOR = 2000
MAX_LANGUAGE = 35
"""Characters of a language tag (RFC 5646, section 4.4.1)."""
MAX_REQUESTED_BY = 200

IMAGE_TYPES = (*FILE_TYPES, *UNSPECIFIC_TYPES)
"""Content types of images."""

TEXT = re.compile(r"[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*")
"""Text for people: no control characters except tab, line feed and carriage return."""

PATH_PARAMETER = re.compile(r"[A-Za-z0-9._-]+")
PATH_PARAMETERS = {"task": 63, "id": 32, "name": 80, "batch": 80, "version": 128, "file": 128, "export": 63}
"""Characters of each path parameter. Names of Step Functions executions have at most 80."""

TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})"
)
"""RFC 3339, to the microsecond at most."""
FIRST_YEAR, LAST_YEAR = 1970, 2999
"""Years of `from` and `to`, in UTC."""


@dataclass(frozen=True)
class Range:
    """A whole number in a query, from `low` to `high`."""

    low: int
    high: int
    default: int


MIN_READERS = Range(0, MAX_READINGS, 0)
FRAME = Range(0, MAX_FILE_BYTES, 0)
"""No file has more frames than bytes."""
RESULTS_PER_PAGE = Range(1, 200, 50)
RETRAININGS_PER_PAGE = Range(1, 100, 20)
BATCHES_PER_PAGE = Range(1, 50, 20)
CONCURRENCY = Range(1, 100, 4)
"""Parts of a batch that are worked on at the same time."""
AUDIT_ENTRIES_PER_PAGE = Range(1, 100, 25)

MIN_TRIALS, MAX_TRIALS = 2, 100
"""Training jobs of a search for hyper-parameters."""
