"""Where archived images lie in the data bucket, and where batches keep what they write."""

ARCHIVE = "archive/"
"""Images that only batches read, in any folders below it, and lists of them. Nothing here is changed."""
BATCHES = "batches/"
RESULTS = f"{BATCHES}{{}}/results"
"""What became of each part, as Step Functions writes it, by the name of the batch."""

ARRAYS = f"{BATCHES}{{}}/arrays/"
"""Prepared images that wait for the transform job, or for their answers to be recorded, by the name of the
batch. Each is removed as soon as its result is stored."""
ANSWERS = f"{BATCHES}{{}}/answers/"
"""Where the transform job of a batch writes."""


def request_key(name: str) -> str:
    """The key of what a batch was asked to do."""
    return f"{BATCHES}{name}/request.json"


def passes_folder(name: str) -> str:
    """The folder with one object for each pass of a batch, named by its number."""
    return f"{BATCHES}{name}/passes/"


def report_key(name: str) -> str:
    """The key of the report of a batch."""
    return f"{BATCHES}{name}/report.json"


def failures_key(name: str) -> str:
    """The key of the files without a result: JSON, one in each line. Their keys may name patients."""
    return f"{BATCHES}{name}/failures.jsonl"


def changes_folder(name: str) -> str:
    """The folder with one empty object for each image whose class has changed: BEFORE/AFTER/ID below it."""
    return f"{BATCHES}{name}/changes/"
