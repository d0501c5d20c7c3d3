"""The review rules that administrators have chosen, for single versions of models.

One document in the data bucket holds those of all tasks, so that a Lambda reads one object a minute. A
version without an entry has its own rule, and so has every new version.
"""

import time
from collections.abc import Callable
from typing import Any, TypedDict, cast

from chalicelib.errors import ReviewRuleChanged
from chalicelib.models.fresh import Fresh
from chalicelib.models.version_store import MODELS
from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.documents import Document, Documents
from chalicelib.storage.errors import ObjectMissing
from chalicelib.timestamps import now

KEY = f"{MODELS}review_rules.json"


class ChosenRule(TypedDict):
    """The choice for one version of a model."""

    min_probability: float | None
    """The lowest probability of an answer that needs no review; null to use the version's own again."""
    changed_by: str
    changed_at: str


class ReviewRules:
    """Reads and changes the choices."""

    def __init__(self, bucket: DataBucket, clock: Callable[[], float] = time.time):
        """`clock` is that of `Fresh`."""
        self._documents = Documents(bucket)
        self._known = Fresh(self._read, clock)

    def current(self, task: str, version: str) -> ChosenRule | None:
        """The choice for a version, at most a minute old; None if there is none.

        Raises:
            StorageFailed: if the choices cannot be read, and have never been read.
        """
        return _find(self._known.get(), task, version)

    def latest(self, task: str, version: str) -> ChosenRule | None:
        """The choice for a version as it is now.

        Raises:
            StorageFailed: see `current`.
        """
        return _find(self._known.refresh(), task, version)

    def change(
        self,
        task: str,
        version: str,
        min_probability: float | None,
        user: str,
        *,
        seen: str | None,
        begin: Callable[[ChosenRule | None], None],
    ) -> ChosenRule:
        """Choose for a version. Repeating a choice changes nothing.

        Args:
            task: name of the task.
            version: of its model.
            min_probability: see `ChosenRule`.
            user: who chooses.
            seen: `changed_at` of the choice that the user saw; None if there was none.
            begin: called with the choice before, when nothing speaks against the change and before it is
                made.

        Raises:
            ReviewRuleChanged: if somebody else has chosen since; that choice stays.
        """
        chosen: ChosenRule = {"min_probability": min_probability, "changed_by": user, "changed_at": now()}

        def changed(document: Document | None) -> Document:
            rules = document or {}
            before = _find(rules, task, version)
            if before and before | {"changed_at": ""} == chosen | {"changed_at": ""}:
                return rules
            if seen != (before["changed_at"] if before else None):
                raise ReviewRuleChanged(
                    "Somebody has changed the review rule of this model meanwhile. Look at it, and decide "
                    "again."
                )
            begin(before)
            return rules | {task: rules.get(task, {}) | {version: chosen}}

        written = self._documents.change(KEY, changed)
        self._known.replace(written)
        return cast(ChosenRule, _find(written, task, version))

    def _read(self) -> Document:
        try:
            return self._documents.read(KEY)
        except ObjectMissing:
            return {}


def _find(rules: Document, task: str, version: str) -> ChosenRule | None:
    of_task: dict[str, Any] = rules.get(task, {})
    return of_task.get(version)
