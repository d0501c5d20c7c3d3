"""The query parameters of each route, and what they select."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import cast, get_args

from chalicelib import limits
from chalicelib.api import auth
from chalicelib.api.parameters import (
    BoolParameter,
    DatetimeParameter,
    EnumParameter,
    IntParameter,
    Query,
    StrParameter,
)
from chalicelib.errors import InvalidRequest, UnknownTask
from chalicelib.exports.request import FORMATS
from chalicelib.results.result_document import CLASSIFIED, FINISHED, RECEIVED
from chalicelib.results.selection import BY_PROBABILITY, Order, Selection
from chalicelib.storage.access_log import SEARCHED
from chalicelib.storage.audit import Act, AuditFilter
from chalicelib.tasks import Task, load_tasks
from chalicelib.timestamps import timestamp

_EPOCH = datetime(limits.FIRST_YEAR, 1, 1, tzinfo=UTC)
_YEARS = f"From {limits.FIRST_YEAR} to {limits.LAST_YEAR}."

_TASK = StrParameter("task", limits.PATH_PARAMETERS["task"], "Only results of this task.")
_LABEL = StrParameter("label", limits.MAX_NAME, "Only results with this label.")
_REVIEWED_LABEL = StrParameter(
    "reviewed_label", limits.MAX_NAME, "Only results whose review gives this label, whatever the model said."
)
_MODEL = StrParameter("model", limits.PATH_PARAMETERS["version"], "Only results of this version of a model.")
_STATUS = EnumParameter("status", (RECEIVED, *FINISHED), "Only results in this state.")
_NEEDS_REVIEW = BoolParameter(
    "needs_review", "Whether the answer asks for a person's review; a review does not change that."
)
_REVIEWED = BoolParameter("reviewed", "Whether a person has reviewed the result.")
_READ_BY = StrParameter(
    "read_by", limits.MAX_REVIEWER, "Only images that this person has read, as `reviewer` names them."
)
_NOT_READ_BY = StrParameter("not_read_by", limits.MAX_REVIEWER, "Only images that this person has not read.")
_MIN_READERS = IntParameter(
    "min_readers", limits.MIN_READERS, "Only images that at least this many people have read."
)
_DISAGREEMENT = BoolParameter(
    "disagreement", "Whether those who read the image say different classes, and nobody has settled that."
)
_FROM = DatetimeParameter("from", f"Only images that arrived at this time or later. {_YEARS}")
_TO = DatetimeParameter("to", f"Only images that arrived before this time. {_YEARS}")
_HIDDEN = BoolParameter("hidden", "List the hidden results instead of all others; group `admin` only.")
_READERS = (_READ_BY, _NOT_READ_BY, _MIN_READERS, _DISAGREEMENT)
_SEARCH = StrParameter(
    "search",
    limits.MAX_SEARCH,
    "Only results with this text in their id, in their class (of the model or the review), in the review's "
    "comment, or in the reviewer's id or name. Upper and lower case count in comments, and in names "
    "that earlier versions stored with capitals: there the text is found as it is given, in lower case, and "
    "with a capital in front.",
)
_ORDER = EnumParameter(
    "order",
    get_args(Order),
    "Which results come first. By probability (`least-sure`, `most-sure`), only classified results are "
    "listed, and `task` is required.",
    "newest",
)
SELECTION = (
    *(_TASK, _LABEL, _REVIEWED_LABEL, _MODEL, _STATUS, _NEEDS_REVIEW, _REVIEWED, *_READERS, _SEARCH),
    *(_FROM, _TO, _ORDER, _HIDDEN),
)
FILE_FORMAT = EnumParameter(
    "format",
    FORMATS,
    "Of the file: RFC 4180 in UTF-8 with a header (`csv`), or Apache Parquet (`parquet`).",
    "csv",
)
EXPORT = (*(one for one in SELECTION if one is not _ORDER), FILE_FORMAT)
STATISTICS = (_MODEL, _FROM, _TO)

CURSOR = StrParameter("cursor", limits.MAX_CURSOR, "From the page before.", opaque=True)
RESULTS_PER_PAGE = IntParameter("limit", limits.RESULTS_PER_PAGE, "Results per page.")
RETRAININGS_PER_PAGE = IntParameter("limit", limits.RETRAININGS_PER_PAGE, "Retrainings per page.")
BATCHES_PER_PAGE = IntParameter("limit", limits.BATCHES_PER_PAGE, "Batches per page.")
AUDIT_ENTRIES_PER_PAGE = IntParameter("limit", limits.AUDIT_ENTRIES_PER_PAGE, "Entries per page.")
RESULT_PAGE = (RESULTS_PER_PAGE, CURSOR)
RETRAINING_PAGE = (RETRAININGS_PER_PAGE, CURSOR)
BATCH_PAGE = (BATCHES_PER_PAGE, CURSOR)

_ACTOR = StrParameter(
    "user",
    limits.MAX_REVIEWER,
    "Only acts of users whose id, or name of a part of the application, begins like this.",
)
_ACT = EnumParameter("act", get_args(Act), "Only acts of this kind.")
_SUBJECT = StrParameter(
    "subject", limits.MAX_NAME, "Only acts on this result, task, retraining or user, as `subject` names them."
)
_ACTED_FROM = DatetimeParameter("from", f"Only acts at this time or later. {_YEARS}")
_ACTED_TO = DatetimeParameter("to", f"Only acts before this time. {_YEARS}")
AUDIT_PAGE = (_ACTOR, _ACT, _SUBJECT, _ACTED_FROM, _ACTED_TO, AUDIT_ENTRIES_PER_PAGE, CURSOR)

LOGGED_FROM = DatetimeParameter(
    "from", f"Only requests at this time or later; by default, of the day before `to`. {_YEARS}"
)
LOGGED_TO = DatetimeParameter("to", f"Only requests before this time; by default, until now. {_YEARS}")
LOGGED_SEARCH = StrParameter(
    "search",
    limits.MAX_SEARCH,
    "Only requests with this text in the user, the path or the status: an id, a part of a path, or 403.",
)
ACCESS_LOG_PAGE = (LOGGED_FROM, LOGGED_TO, LOGGED_SEARCH, AUDIT_ENTRIES_PER_PAGE, CURSOR)

LANGUAGE = StrParameter(
    "language",
    limits.MAX_LANGUAGE,
    "The language of titles, intended use and limits, such as `de`. Tasks that are not translated into it "
    "are described in English.",
)
STORE = BoolParameter(
    "store",
    "With `false`, neither the image nor the result is kept, so that there is no preview, no other heat map "
    "and no review of it.",
)
THUMBNAIL = BoolParameter("thumbnail", "Whether a small picture is enough: at most 128 pixels wide and high.")
FRAME = IntParameter(
    "frame", limits.FRAME, "Number of a frame or page of the file, from 1; 0 is the one that was classified."
)
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
    "The `reviewed_at` of an earlier reading, which becomes the review again. Without it, no review is left. "
    "What its reader has withdrawn, nobody else can restore (409, ReviewChanged).",
)
WITHDRAWN = StrParameter(
    "reading",
    limits.MAX_SEEN,
    "The `reviewed_at` of one's own reading, which is withdrawn even if it is not the review.",
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


def selection(query: Query, groups: Sequence[str]) -> Selection:
    """The results that the parameters `SELECTION` ask for.

    Args:
        query: of the request.
        groups: of the user. Hidden results need `admin`; tasks that the user may not see are left out.

    Raises:
        InvalidRequest, UnknownTask: naming the parameter that is wrong.
        NotAllowed: if the user may not see hidden results in lists.
    """
    hidden = bool(_HIDDEN.read(query))
    if hidden:
        auth.check(groups, "admin")
    since, until = _period(query)
    own = auth.tasks(groups)
    # Results of a single task are in an index of their own.
    only = own[0] if own and len(own) == 1 and own[0] in load_tasks() else None
    task, order = _TASK.read(query) or only, cast(Order, _ORDER.read(query))
    if order in BY_PROBABILITY and not task:
        raise InvalidRequest("'order' by probability needs 'task': tasks cannot be compared by probability.")
    return Selection(
        task=find_task(task).name if task else None,
        tasks=None if task else own,
        label=_LABEL.read(query),
        reviewed_label=_REVIEWED_LABEL.read(query),
        model=_MODEL.read(query),
        status=_STATUS.read(query),
        needs_review=_NEEDS_REVIEW.read(query),
        reviewed=_REVIEWED.read(query),
        read_by=_READ_BY.read(query),
        not_read_by=_NOT_READ_BY.read(query),
        min_readers=_MIN_READERS.read(query),
        disagreement=_DISAGREEMENT.read(query),
        search=_SEARCH.read(query),
        since=since,
        until=until,
        order=order,
        hidden=hidden,
    )


def exported(query: Query, groups: Sequence[str]) -> Selection:
    """The results that the parameters `EXPORT` ask for; as `selection`, but without an order."""
    return selection({name: value for name, value in query.items() if name != _ORDER.name}, groups)


def statistics(task: Task, query: Query) -> tuple[str | None, Selection]:
    """The version of the model that `STATISTICS` ask for, and the classified images of the period.

    Raises:
        InvalidRequest: naming the parameter that is wrong.
    """
    since, until = _period(query)
    return _MODEL.read(query), Selection(task=task.name, status=CLASSIFIED, since=since, until=until)


def _period(
    query: Query, first: DatetimeParameter = _FROM, end: DatetimeParameter = _TO
) -> tuple[str | None, str | None]:
    since, until = first.read(query), end.read(query)
    if since and until and since >= until:
        raise InvalidRequest("'to' must be later than 'from'.")
    return since, until


def audited(query: Query) -> AuditFilter:
    """The acts that a request asks for.

    Raises:
        InvalidRequest: naming the parameter that is wrong.
    """
    since, until = _period(query, _ACTED_FROM, _ACTED_TO)
    act = cast(Act | None, _ACT.read(query))
    return AuditFilter(_ACTOR.read(query), act, _SUBJECT.read(query), since, until)


def logged(query: Query) -> tuple[str, str, str | None]:
    """The period of the access log that a request asks for, and the text to search for.

    Raises:
        InvalidRequest: naming the parameter that is wrong.
    """
    until = LOGGED_TO.read(query) or timestamp(datetime.now(UTC))
    day_before = datetime.fromisoformat(until) - timedelta(days=1)
    since = LOGGED_FROM.read(query) or timestamp(max(day_before, _EPOCH))
    search = LOGGED_SEARCH.read(query)
    if since >= until:
        raise InvalidRequest("'to' must be later than 'from'.")
    if search and not SEARCHED.fullmatch(search):
        raise InvalidRequest("'search' may hold letters, digits, '.', '_', '/' and '-' only.")
    return since, until, search


def page(query: Mapping[str, str], limit: IntParameter) -> tuple[int, str | None]:
    """Number of entries that a request asks for, and the cursor that they follow.

    Raises:
        InvalidRequest: if either is malformed.
    """
    return limit.read(query), CURSOR.read(query)
