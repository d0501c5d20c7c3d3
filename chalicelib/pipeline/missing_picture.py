"""The display picture that a result lacks, because there was no time to make it, as after a cold start."""

from typing import cast

from chalicelib.errors import DecoderUnavailable, DecodingFailed
from chalicelib.pipeline.decoder import WHILE_SOMEONE_WAITS, Decoder
from chalicelib.results import result_document
from chalicelib.results.decisions import Decisions
from chalicelib.results.result_document import Result
from chalicelib.results.table import deleted_result
from chalicelib.tasks import Task


def add(result: Result, task: Task, data: bytes, decoder: Decoder, decisions: Decisions) -> Result:
    """Add the picture of an image that has been sent again, unless the result has one.

    Args:
        result: of the image.
        task: of the result.
        data: the file.
        decoder: makes and stores the picture.
        decisions: where the result is.

    Returns:
        The result: as it was if no picture can be made now either.

    Raises:
        ResultDeleted: if it has been deleted meanwhile.
    """
    if result["picture"]:
        return result
    try:
        decoded = decoder.decode(task, result["id"], data, WHILE_SOMEONE_WAITS)
    except (DecoderUnavailable, DecodingFailed):
        return result
    if decoded.picture is None:
        return result

    def edit(current: Result) -> Result:
        if current["status"] == result_document.DELETED:
            raise deleted_result()
        return current | {"picture": decoded.picture, "frames": decoded.frames}

    return decisions.change(result["id"], edit)


def kept(earlier: Result, result: Result) -> Result:
    """A newer result of the same image, with the pictures of the earlier one."""
    return cast(Result, {**result, "picture": earlier["picture"], "frames": earlier["frames"]})
