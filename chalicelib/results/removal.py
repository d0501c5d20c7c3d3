"""Hides and deletes results, each with an entry in the audit record."""

from dataclasses import dataclass

from chalicelib.errors import NotClassified
from chalicelib.results import result_document
from chalicelib.results.decisions import Decisions
from chalicelib.results.result_document import DELETED, RECEIVED, Hidden, Result
from chalicelib.results.table import deleted_result, unknown_result
from chalicelib.storage.audit import Act, Audit
from chalicelib.timestamps import now


@dataclass(frozen=True)
class Removal:
    """Takes results out of sight, or away for good. Everything can be repeated."""

    decisions: Decisions
    audit: Audit

    def hide(self, image_id: str, user: str) -> Result:
        """Hide a result from lists, exports, drift and retrainings.

        Raises:
            UnknownResult, ResultDeleted: if there is none.
            NotClassified: if the image has no result yet.
        """
        return self._mark(image_id, user, "hide-result", {"by": user, "at": now()})

    def show(self, image_id: str, user: str) -> Result:
        """Show a hidden result again; raises the same errors as `hide`."""
        return self._mark(image_id, user, "show-result", None)

    def delete(self, image_id: str, user: str) -> Result:
        """Delete a result for good. What is stored of its image is deleted by the sweeper; see `purge`.

        Returns:
            What is left of it.

        Raises:
            UnknownResult: if there is none.
        """
        result = self.decisions.table.find(image_id)
        if result is None:
            raise unknown_result()
        if result["status"] == DELETED:
            return result
        self.audit.record(user, "delete-result", image_id, task=result["task"])
        return self.decisions.change(image_id, _deleted)

    def _mark(self, image_id: str, user: str, act: Act, mark: Hidden | None) -> Result:
        result = self.decisions.table.get(image_id)
        if result["status"] == RECEIVED:
            raise NotClassified(
                "This image has no result yet. It can be hidden when it has one, or deleted now."
            )
        if bool(result["hidden"]) == bool(mark):
            return result
        self.audit.record(user, act, image_id, task=result["task"])

        def edit(current: Result) -> Result:
            if current["status"] == DELETED:
                raise deleted_result()
            return current | {"hidden": mark}

        return self.decisions.change(image_id, edit)


def _deleted(result: Result) -> Result:
    return result if result["status"] == DELETED else result_document.deleted(result)
