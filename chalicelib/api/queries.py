"""The query parameters of each route, and what they select."""

from collections.abc import Mapping

from chalicelib import limits
from chalicelib.api.parameters import (
    BoolParameter,
    DatetimeParameter,
    EnumParameter,
    IntParameter,
    Query,
    StrParameter,
)
from chalicelib.errors import InvalidRequest, UnknownTask
from chalicelib.results.result_document import FINISHED, RECEIVED
from chalicelib.results.selection import Selection
from chalicelib.tasks import Task, load_tasks

_YEARS = f"From {limits.FIRST_YEAR} to {limits.LAST_YEAR}."

_TASK = StrParameter("task", limits.PATH_PARAMETERS["task"], "Only results of this task.")
_LABEL = StrParameter("label", limits.MAX_NAME, "Only results with this label.")
_STATUS = EnumParameter("status", (RECEIVED, *FINISHED), "Only results in this state.")
_NEEDS_REVIEW = BoolParameter(
    "needs_review", "Whether the answer asks for a person's review; a review does not change that."
)
_REVIEWED = BoolParameter("reviewed", "Whether a person has reviewed the result.")
_FROM = DatetimeParameter("from", f"Only images that arrived at this time or later. {_YEARS}")
_TO = DatetimeParameter("to", f"Only images that arrived before this time. {_YEARS}")
_ORDER = EnumParameter("order", ("newest", "oldest"), "Which results come first.", "newest")
SELECTION = (_TASK, _LABEL, _STATUS, _NEEDS_REVIEW, _REVIEWED, _FROM, _TO, _ORDER)

_CURSOR = StrParameter("cursor", limits.MAX_CURSOR, "From the page before.", opaque=True)
RESULTS_PER_PAGE = IntParameter("limit", limits.RESULTS_PER_PAGE, "Results per page.")
RETRAININGS_PER_PAGE = IntParameter("limit", limits.RETRAININGS_PER_PAGE, "Retrainings per page.")
RESULT_PAGE = (RESULTS_PER_PAGE, _CURSOR)
RETRAINING_PAGE = (RETRAININGS_PER_PAGE, _CURSOR)

CLASS = StrParameter("label", limits.MAX_NAME, "A class of the result's task.", required=True)
SEEN = StrParameter(
    "seen",
    limits.MAX_SEEN,
    "The review that the person saw: its `reviewed_at`, or `none`. If the image has a different review by "
    "now, nothing changes, and the answer is 409 with the code ReviewChanged. Without `seen`, any review is "
    "replaced.",
)
SECOND = BoolParameter(
    "second",
    "Keep the current review, if there is one, and add this as another reading of the image.",
)
RESTORED = StrParameter(
    "restore",
    limits.MAX_SEEN,
    "The `reviewed_at` of an earlier reading, which becomes the review again. Without it, no review is left.",
)
ROLLED_BACK = StrParameter(
    "version",
    limits.PATH_PARAMETERS["version"],
    "The version to roll back. A request that names it can be repeated: what has been rolled back stays so. "
    "Without it, the current version is rolled back.",
)


def find_task(name: str) -> Task:
    """The task that a path, query or body names.

    Raises:
        UnknownTask: listing the known ones.
    """
    task = load_tasks().get(name)
    if task is None:
        raise UnknownTask(f"There is no such task. The tasks are {', '.join(load_tasks())}.")
    return task


def selection(query: Query) -> Selection:
    """The results that the parameters `SELECTION` ask for.

    Raises:
        InvalidRequest, UnknownTask: naming the parameter that is wrong.
    """
    since, until = _FROM.read(query), _TO.read(query)
    if since and until and since >= until:
        raise InvalidRequest("'to' must be later than 'from'.")
    task = _TASK.read(query)
    return Selection(
        task=find_task(task).name if task else None,
        label=_LABEL.read(query),
        status=_STATUS.read(query),
        needs_review=_NEEDS_REVIEW.read(query),
        reviewed=_REVIEWED.read(query),
        since=since,
        until=until,
        oldest_first=_ORDER.read(query) == "oldest",
    )


def page(query: Mapping[str, str], limit: IntParameter) -> tuple[int, str | None]:
    """Number of entries that a request asks for, and the cursor that they follow.

    Raises:
        InvalidRequest: if either is malformed.
    """
    return limit.read(query), _CURSOR.read(query)
