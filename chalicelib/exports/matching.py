"""Whether a result belongs to a selection, decided without DynamoDB: exports read the whole table."""

from chalicelib.results.result_document import ListedResult
from chalicelib.results.selection import SEARCHED, Selection, search_words


def matches(selection: Selection, result: ListedResult) -> bool:
    """Whether DynamoDB would find a result with `Selection.query`, without `hidden`, `order`, `unindexed`."""
    review, model = result["review"], result["model"]
    wanted_and_found = (
        (selection.task, result["task"]),
        (selection.label, result["label"]),
        (selection.reviewed_label, review["label"] if review else None),
        (selection.model, model["version"] if model else None),
        (selection.sha256, model["sha256"] if model else None),
        (selection.status, result["status"]),
        (selection.needs_review, result["needs_review"]),
        (selection.reviewed, review is not None),
        (selection.disagreement, result["disagreement"]),
    )
    return (
        all(wanted is None or wanted == found for wanted, found in wanted_and_found)
        and (selection.tasks is None or result["task"] in selection.tasks)
        and (selection.since is None or selection.since <= result["created_at"])
        and (selection.until is None or result["created_at"] < selection.until)
        and (selection.read_by is None or selection.read_by in result["readers"])
        and selection.not_read_by not in result["readers"]
        and len(result["readers"]) >= selection.min_readers
        and (selection.search is None or _is_found(selection.search, result))
    )


def _is_found(text: str, result: ListedResult) -> bool:
    words, values = search_words(text), {"id": result["id"], "label": result["label"]}
    values |= {f"review.{name}": str(value) for name, value in (result["review"] or {}).items() if value}
    return any(
        words[name] in (values.get(place) or "") for place, names in SEARCHED.items() for name in names
    )
